"""The journals that daemons leave behind in tests: each is verified when its test is over.

Whoever starts a daemon says so here (``World``, ``Site`` and ``Director`` do, for all tests). A journal that a test
writes by hand, or changes or damages on purpose, is nobody's word for what a daemon decided: nobody says so of it.
"""

from pathlib import Path

from kglb.replay.errors import NothingRecordedError
from kglb.replay.source import Source
from kglb.replay.verify import verify

_journals: dict[Path, None] = {}


def remember(journal: Path) -> None:
    """A daemon writes this journal."""
    _journals[journal] = None


def verify_all() -> None:
    """Decide everything again in all of them; raises AssertionError where that leads elsewhere."""
    journals = list(_journals)
    _journals.clear()
    for journal in journals:
        if journal.exists():
            _verify(journal)


def _verify(journal: Path) -> None:
    try:
        difference = verify(Source(journal)).difference
    except NothingRecordedError:
        return  # the daemon was killed before its first record was whole
    assert difference is None, f"{journal} does not verify: {difference}"
