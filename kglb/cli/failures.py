"""Which exception of the floors below means which exit code, and what a person can do about it: in one table.

Imported only once something else than ``Failed`` was raised.
"""

import errno
import os
from collections.abc import Callable
from typing import Any

from journal import Damaged, JournalError, NoJournal, UnknownFormat
from kglb.cli.installed import doubt
from kglb.cli.output import EXIT_ENVIRONMENT, EXIT_NO, EXIT_USAGE, Failed
from kglb.config.problems import ConfigError
from kglb.dataplane.port import Unavailable
from kglb.model.endpoint import MalformedError
from kglb.projections import FoldError
from kglb.replay.errors import (
    AmbiguousSubjectError,
    CheckpointError,
    NothingRecordedError,
    ReplayError,
    Subject,
    UnknownSubjectError,
)
from kglb.web.server import ListenError

_REMEDIES: dict[type, tuple[int, str]] = {
    UnknownFormat: (EXIT_ENVIRONMENT, "read it with the version that wrote it"),
    JournalError: (EXIT_ENVIRONMENT, ""),
    CheckpointError: (EXIT_ENVIRONMENT, "read it with the version that wrote it"),
    FoldError: (EXIT_ENVIRONMENT, "journal fsck lists all such places; read it with the version that wrote it"),
    NothingRecordedError: (EXIT_NO, "the daemon has not recorded anything there: is this its journal?"),
    UnknownSubjectError: (EXIT_NO, "replay lists what there was; --at and --seq look at another moment"),
    ReplayError: (EXIT_USAGE, ""),
}


def failure_of(error: Exception) -> Failed | None:
    """What to tell the user about an exception; None for one that only a programmer can help."""
    for kind in type(error).__mro__:
        if kind in _TRANSLATIONS:
            return _TRANSLATIONS[kind](error)
        if kind in _REMEDIES:
            code, remedy = _REMEDIES[kind]
            return Failed(code, str(error), remedy)
    return None


def _no_journal(error: NoJournal) -> Failed:
    remedy = "name the journal: its directory is journal.directory in the config"
    return Failed(EXIT_ENVIRONMENT, str(error), remedy + doubt(str(error.path)))


def _unavailable(error: Unavailable | ListenError) -> Failed:
    return Failed(EXIT_ENVIRONMENT, error.problem, error.remedy)


def _ambiguous(error: AmbiguousSubjectError) -> Failed:
    lines = (_candidate(found) for found in error.candidates)
    remedy = "a real by its address:port and --balancer, a service by its address, anything by --kind"
    return Failed(EXIT_USAGE, "\n  ".join((str(error), *lines)), remedy)


def _candidate(found: Subject) -> str:
    told = found.kind, found.name, found.balancer, found.service if found.kind == "real" else "", found.host
    return "  ".join(word for word in dict.fromkeys(told) if word)


def _malformed(error: MalformedError) -> Failed:
    problem = f"the journal names what no version of this program writes: {error}"
    return Failed(
        EXIT_ENVIRONMENT, problem, "its checksums are right, so it was written that way: tail --grep finds where"
    )


def _damaged(error: Damaged) -> Failed:
    problem = f"the journal is damaged in {error}"
    remedy = (
        f"what comes before is intact: --seq {error.seq - 1} reads to there, tail --salvage reads past it; "
        "journal repair saves what is around it"
    )
    return Failed(EXIT_ENVIRONMENT, problem, remedy)


def _unreadable(error: OSError) -> Failed:
    if error.filename is None and error.errno is None:
        return Failed(EXIT_ENVIRONMENT, str(error))
    where = f"{os.fsdecode(error.filename)}: " if error.filename is not None else ""
    denied = error.errno in (errno.EACCES, errno.EPERM)
    remedy = "read it as root, or as a member of the group that owns it" if denied else ""
    return Failed(EXIT_ENVIRONMENT, f"{where}{error.strerror or error}", remedy)


_TRANSLATIONS: dict[type, Callable[[Any], Failed]] = {
    NoJournal: _no_journal,
    Unavailable: _unavailable,
    ListenError: _unavailable,
    ConfigError: lambda error: Failed(EXIT_USAGE, "\n".join(error.lines)),
    Damaged: _damaged,
    MalformedError: _malformed,
    AmbiguousSubjectError: _ambiguous,
    OSError: _unreadable,
}
