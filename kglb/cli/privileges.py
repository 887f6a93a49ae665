"""Which capabilities the daemon needs, and giving up the others before it does anything else.

CAP_NET_ADMIN drives IPVS, addresses and marks. The rest depends on the config, and on who owns the files: a root whose
journal belongs to somebody else writes it by CAP_DAC_OVERRIDE alone, which is kept then, and said.
"""

import os
import pwd
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from kglb.cli import capabilities
from kglb.config.load import Loaded
from kglb.model import Check, Config, ExecCheck, PingCheck, parse_endpoint, parts_of

_FIRST_FREE_PORT = 1024
_OVERRIDE = "CAP_DAC_OVERRIDE"
_ANOTHER_USER = frozenset({"CAP_KILL", "CAP_SETGID", "CAP_SETUID"})
"""What it takes to start a program as another user, and to kill it."""


class Privileges(NamedTuple):
    """What was ``given_up`` of the capabilities this process began with, and what there is to warn about."""

    given_up: frozenset[str]
    warnings: tuple[str, ...]


def needed(config: Config) -> frozenset[str]:
    """The capabilities that a config takes."""
    names = set()
    if config.data_plane.kind == "ipvs":
        names.add("CAP_NET_ADMIN")
    if any(isinstance(check, PingCheck) for check in _checks(config)):
        names.add("CAP_NET_RAW")
    if config.status.listen and 0 < parse_endpoint(config.status.listen).port < _FIRST_FREE_PORT:
        names.add("CAP_NET_BIND_SERVICE")
    if config.control.socket and config.control.group:
        names.add("CAP_CHOWN")
    if any(map(_runs_as_another, _checks(config))):
        names |= _ANOTHER_USER
    return frozenset(names)


def _checks(config: Config) -> Iterator[Check]:
    """Every check that reals are asked."""
    return (check for balancer in config.balancers for check in parts_of(balancer.check))


def _runs_as_another(check: Check) -> bool:
    """Whether it is root that starts a check's program, as somebody else."""
    return isinstance(check, ExecCheck) and os.geteuid() == 0 and pwd.getpwnam(check.user).pw_uid != 0


def give_up(loaded: Loaded, source: Path) -> Privileges:
    """Keep what the config at ``source`` needs, and what its files do. To be called before there is a second thread.

    Raises OSError where the kernel refuses.
    """
    before = capabilities.held()
    wanted = needed(loaded.config)
    keep = wanted & before
    warnings: tuple[str, ...] = ()
    if lacking := sorted(wanted & _ANOTHER_USER - before):
        warnings = (f'programs of checks cannot be started without {", ".join(lacking)}, except with user = "root"',)
    if _OVERRIDE in before:
        capabilities.suspend_all_but(keep)
        if denied := next(_denied(_files(loaded, source)), None):
            keep |= {_OVERRIDE}
            warnings += (f"{_OVERRIDE} is kept, because without it this user may not use {denied}",)
    capabilities.keep_only(keep)
    return Privileges(before - keep, warnings)


def _files(loaded: Loaded, source: Path) -> Iterator[tuple[Path, int]]:
    """What the daemon uses while it runs, and how."""
    config = loaded.config
    yield source, os.R_OK
    for reference in loaded.secrets:
        if reference.file:
            yield source.parent / reference.file, os.R_OK
    journal = Path(config.journal.directory)
    yield _nearest(journal), os.R_OK | os.W_OK | os.X_OK
    if journal.is_dir():
        yield from ((file, os.R_OK | os.W_OK) for file in journal.iterdir())
    for check in _checks(config):
        if isinstance(check, ExecCheck) and not _runs_as_another(check):
            yield Path(check.command[0]), os.X_OK
    if config.control.socket:
        yield _nearest(Path(config.control.socket).parent), os.W_OK | os.X_OK
    if config.bgp.engine != "none":
        yield Path(config.bgp.socket), os.W_OK  # ExaBGP's, who may not have made it yet


def _denied(files: Iterable[tuple[Path, int]]) -> Iterator[Path]:
    return (path for path, how in files if not os.access(path, how, effective_ids=True))


def _nearest(directory: Path) -> Path:
    """The directory, or where it is going to be made."""
    return next(path for path in (directory, *directory.absolute().parents) if path.exists())
