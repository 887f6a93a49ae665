from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from kglb.cli.main import main
from tests.replay.journals import Fleet, running


class Ran(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


Command = Callable[..., Ran]


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    """A balancer ``web`` with three reals, all up."""
    return running(tmp_path / "journal")


@pytest.fixture
def kglb(capfd: pytest.CaptureFixture[str]) -> Command:
    """Runs the command line in this process."""

    def run(*arguments: object) -> Ran:
        code = main([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return Ran(code, out, err)

    return run
