"""The prober and the vigil of one simulated process: they ask the simulated reals instead of sockets."""

from collections.abc import Callable
from random import Random

from kglb.checks.marked import MarkedDialer
from kglb.checks.outcome import Outcome, Verdict
from kglb.checks.probe import Probe
from kglb.checks.program import ProgramProbe
from kglb.checks.vigil import IdleConnection
from kglb.model import Endpoint
from sim.agenda import Agenda
from sim.loop import ProcessLoop
from sim.reals import TIMEOUT, Reals

NO_DESCRIPTOR = Verdict("unknown", "no descriptor left")

Route = Callable[[Endpoint, int], str]
"""Where a connection to an endpoint under a mark (0: none) ends up: an address, empty for nowhere."""

Seen = Callable[[Endpoint, int, Outcome], None]
"""Told each outcome as it is delivered: where the probe connected to, under which mark, and what it found."""


class SimProber:
    """The ``ProberPort``. ``deaf`` is the share of probes that end as *unknown*, for want of descriptors."""

    def __init__(
        self,
        agenda: Agenda,
        loop: ProcessLoop,
        reals: Reals,
        route: Route,
        seen: Seen,
        deaf: Callable[[], bool],
        scheduling: Callable[[], None],
    ) -> None:
        self._agenda = agenda
        self._loop = loop
        self._reals = reals
        self._route = route
        self._seen = seen
        self._deaf = deaf
        self._scheduling = scheduling
        self._tickets: dict[Probe, int] = {}
        self._last = 0
        self.closed = False

    def __len__(self) -> int:
        """How many probes are scheduled or under way."""
        return len(self._tickets)

    def schedule(self, probe: Probe, due: float) -> None:
        """Begin the probe then."""
        self._scheduling()
        self._last = ticket = self._last + 1
        self._tickets[probe] = ticket
        self._agenda.at(due, lambda: self._begin(probe, due, ticket))

    def cancel(self, probe: Probe) -> None:
        """Nothing comes of the probe any more."""
        self._tickets.pop(probe, None)

    def holds(self, probe: Probe) -> bool:
        """Whether the probe will report."""
        return probe in self._tickets

    async def close(self) -> None:
        """Drop all probes."""
        self._tickets.clear()
        self.closed = True

    def _is_current(self, probe: Probe, ticket: int) -> bool:
        return self._loop.alive and self._tickets.get(probe) == ticket

    def _begin(self, probe: Probe, due: float, ticket: int) -> None:
        if not self._is_current(probe, ticket):
            return
        target = _target(probe)
        mark = 0
        if self._deaf():
            verdict, latency = NO_DESCRIPTOR, 0.0
        else:
            dialer = getattr(probe, "dialer", None)
            mark = dialer.mark if isinstance(dialer, MarkedDialer) else 0
            verdict, latency = self._meet(target, mark, probe.timeout)
            if isinstance(probe, ProgramProbe) and probe.check.dynamic_weight and verdict.status == "success":
                verdict = verdict._replace(weight=self._reals.weight(target.address))
        started = self._agenda.now
        self._agenda.after(latency, lambda: self._end(probe, target, due, started, ticket, verdict, mark))

    def _meet(self, target: Endpoint, mark: int, timeout: float) -> tuple[Verdict, float]:
        address = self._route(target, mark)
        return self._reals.meet(address, timeout) if address else (TIMEOUT, timeout)

    def _end(
        self, probe: Probe, target: Endpoint, due: float, started: float, ticket: int, verdict: Verdict, mark: int
    ) -> None:
        if not self._is_current(probe, ticket):
            return
        del self._tickets[probe]
        latency = self._agenda.now - started
        outcome = Outcome(verdict.status, verdict.reason, "", latency, due, started, verdict.weight)
        self._seen(target, mark, outcome)
        probe.answered(outcome)


def _target(probe: Probe) -> Endpoint:
    """What a probe asks: a program is told in its environment."""
    if isinstance(probe, ProgramProbe):
        return Endpoint(probe._environment["KGLB_ADDRESS"], int(probe._environment["KGLB_PORT"]))
    target: Endpoint = probe.target  # type: ignore[attr-defined]
    return target


class SimVigil:
    """The ``VigilPort``: holds what it is told to hold, and tells when the world ends a connection."""

    def __init__(self, agenda: Agenda, loop: ProcessLoop) -> None:
        self._agenda = agenda
        self._loop = loop
        self._held: dict[IdleConnection, float] = {}

    def __len__(self) -> int:
        """How many connections are held."""
        return len(self._held)

    def hold(self, idle: IdleConnection) -> None:
        """Hold it from now on."""
        self._held.setdefault(idle, self._agenda.now)

    def release(self, idle: IdleConnection) -> None:
        """Hold it no more."""
        self._held.pop(idle, None)

    def lose(self, address: str, random: Random) -> None:
        """The connections to a real end, with its process or because it closes what is idle."""
        for idle, opened in list(self._held.items()):
            if idle.target.address == address:
                del self._held[idle]
                how = random.choice(("closed", "reset"))
                self._loop.call_soon(idle.lost, idle, how, self._agenda.now - opened)

    async def close(self) -> None:
        """Release all."""
        self._held.clear()
