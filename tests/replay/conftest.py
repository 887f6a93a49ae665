from pathlib import Path

import pytest

from tests.replay.journals import Fleet, running


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    """A balancer ``web`` with three reals, all up."""
    return running(tmp_path / "journal")
