import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from kglb.cli.main import VERBS, main
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
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What stands for ``/etc/kglb/config.toml``; nobody has written it yet."""
    path = tmp_path / "config.toml"
    for verb in VERBS.values():
        importlib.import_module(verb.module)  # now, or what it has of that name would outlive the test
    for name, module in list(sys.modules.items()):
        if name.startswith("kglb.cli.") and hasattr(module, "INSTALLED"):
            monkeypatch.setattr(module, "INSTALLED", path)
    return path


@pytest.fixture
def kglb(capfd: pytest.CaptureFixture[str]) -> Command:
    """Runs the command line in this process."""

    def run(*arguments: object) -> Ran:
        code = main([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return Ran(code, out, err)

    return run
