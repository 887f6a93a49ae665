"""The check that runs a program: exit status 0 passes, and so may those that say a weight (keepalived's misc_dynamic).

The program runs in a process group of its own with a clean environment, and is killed with that group when its
check ends. Its end is news on a pidfd, so no thread and no signal handler waits for it.
"""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from select import POLLIN
from signal import SIGKILL
from typing import Final

from kglb.checks.gate import Gate
from kglb.checks.outcome import OK, Outcome, Verdict
from kglb.checks.probe import Probe
from kglb.checks.starting import start
from kglb.model.check import ExecCheck
from kglb.model.endpoint import Endpoint

PROCESSES: Final = 32
"""How many programs run at once in the whole daemon, of balancers that have no bound of their own."""

REAP_AGAIN: Final = 0.1
"""Seconds that a killed program is given to die until it is looked at again."""

_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SHOWN: Final = 200
_GATE: Final = Gate[Probe](PROCESSES)


class Process:
    """A running program. Pollable: readable once it has ended.

    Its output goes into a pipe, which holds 64 KiB: a program that writes more waits until it is killed.
    """

    __slots__ = ("_output", "_pid", "_pidfd")

    def __init__(self, check: ExecCheck, environment: dict[str, str]) -> None:
        """Raises OSError when the program cannot be run, with nothing left open."""
        self._output, theirs = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            os.set_blocking(theirs, True)
            self._pid = start(check, environment, theirs)
        except BaseException:
            os.close(self._output)
            raise
        finally:
            os.close(theirs)
        try:
            self._pidfd = os.pidfd_open(self._pid)
        except OSError:
            os.close(self._output)
            os.killpg(self._pid, SIGKILL)
            os.waitpid(self._pid, 0)
            raise

    def fileno(self) -> int:
        """The pidfd."""
        return self._pidfd

    def output(self) -> str:
        """The beginning of what it has written so far, on one line."""
        with suppress(BlockingIOError):
            return " ".join(os.read(self._output, _SHOWN).decode("utf-8", "replace").split())
        return ""

    def exit_status(self) -> int | None:
        """Its exit status, negative for a signal, None while it runs. Leaves it to be reaped."""
        ended = os.waitid(os.P_PIDFD, self._pidfd, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended is None:
            return None
        return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status

    def close(self) -> None:
        """Kill what is left of its group, and reap it, now or when it has died."""
        # Not reaped yet, so its id, which is its group's, is nobody else's.
        with suppress(ProcessLookupError):
            os.killpg(self._pid, SIGKILL)
        os.close(self._output)
        _dying.append(self._pidfd)
        _reap_until_none_is_left()


_dying: Final[list[int]] = []


def _reap_until_none_is_left() -> None:
    """Collect what has died, and look again soon on the running loop, if there is one, for what has not."""
    reap()
    if _dying:
        with suppress(RuntimeError):
            asyncio.get_running_loop().call_later(REAP_AGAIN, _reap_until_none_is_left)


def reap() -> None:
    """Collect killed programs that have died by now; never waits for one."""
    for pidfd in tuple(_dying):
        if os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOHANG) is not None:
            _dying.remove(pidfd)
            os.close(pidfd)


class ProgramProbe(Probe):
    """Passes when the program exits with status 0; with ``dynamic_weight`` also with 2 to 255, which say the weight
    0 to 253 (keepalived.conf(5), misc_dynamic).

    It finds the real in KGLB_ADDRESS and KGLB_PORT, and the check's source, if any, in KGLB_SOURCE.
    """

    __slots__ = ("_environment", "_process", "check")

    def __init__(
        self,
        check: ExecCheck,
        target: Endpoint,
        *,
        answered: Callable[[Outcome], None],
    ) -> None:
        """Without a gate of its balancer it stands in the one of all programs."""
        super().__init__(timeout=check.timeout, answered=answered)
        self.gate = _GATE
        self.check = check
        self._environment = {
            "PATH": _PATH,
            "LANG": "C.UTF-8",
            "KGLB_ADDRESS": target.address,
            "KGLB_PORT": str(target.port),
            "KGLB_SOURCE": check.source,
        }

    def begin(self) -> None:
        """Start the program. Raises OSError when it cannot be run, which is a local fault."""
        reap()
        self._process = Process(self.check, self._environment)
        self.sock = self._process  # type: ignore[assignment]  # as pollable as a socket, and closed like one
        self.phase = "program"
        self.interest = POLLIN

    def step(self, events: int) -> Verdict | None:  # noqa: ARG002
        """Judge the program's end."""
        status = self._process.exit_status()
        if status is None:
            return None
        if status == 0:
            return OK
        if self.check.dynamic_weight and status >= 2:
            return OK._replace(weight=status - 2)
        how = f"exit status {status}" if status > 0 else f"killed by signal {-status}"
        return Verdict("failure", how, self._process.output())

    def overdue(self) -> Verdict:
        """Fail, with what the program has said so far."""
        return Verdict("failure", "timeout of the program", self._process.output())
