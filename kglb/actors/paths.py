"""The paths by which one balancer's reals are checked through the VIP, sought again at times; and what forbids some.

What keeps a check from being made is a problem of this machine: it is recorded when it begins and when it ends, and the
real's health stays as it is meanwhile.
"""

from collections.abc import Mapping, Sequence

from kglb.actors.marking import Path, bring_marks_in_step, marks_of, path_of
from kglb.actors.parts import Parts
from kglb.dataplane.passage import Passage
from kglb.events import ChecksImpossible, ChecksResumed
from kglb.model import Balancer, RealId, ServiceId, Way

SEEK_INTERVAL = 10.0
"""Seconds after which addresses, routes and sysctls are looked at again."""

SEEK_PAUSE = 1.0
"""Seconds for which a checker's doubt is not looked into: it was, just now."""


_BATCH = 50
"""Ways that the machine is asked about at once: some 4 ms."""


class Paths:
    """One balancer's. ``known`` are the paths that checks may take now."""

    def __init__(self, parts: Parts, service: ServiceId) -> None:
        self._parts = parts
        self._service = service
        self._sought = float("-inf")
        self.known: dict[RealId, Path] = {}

    @property
    def are_fresh(self) -> bool:
        """Whether they were sought just now."""
        return self._parts.now() - self._sought < SEEK_PAUSE

    def bring_marks_in_step(self, config: Balancer, cause: int, causes: Mapping[RealId, int]) -> None:
        """Record which reals give their mark back and which get one; without marked checks all paths end.

        ``causes`` are the records about single reals, ``cause`` is that of all others.
        """
        recorder = self._parts.recorder
        reals = recorder.state.fleet.balancers[self._service].reals
        bring_marks_in_step(recorder, config, reals, lambda real: causes.get(real, cause))
        if not config.fwmark_checks:
            self.known = {}
            self._note({}, cause)

    async def seek(self, config: Balancer) -> tuple[RealId, ...]:
        """Ask the machine for all paths; the reals whose path is another now, or new.

        Raises OSError where the machine cannot be asked; then all stay as they are.
        """
        recorder = self._parts.recorder
        fleet = recorder.state.fleet
        if self._service not in fleet.balancers:
            return ()  # a reload has taken it away; its actor is about to be told
        self.bring_marks_in_step(config, fleet.config_seq, {})
        marked = marks_of(recorder, self._service)
        passages = await self._ask([one.way for one in marked.values()], config.check.source)
        balancer = fleet.balancers.get(self._service)
        if balancer is None or balancer.config != config or marks_of(recorder, self._service) != marked:
            return ()  # whoever changed that seeks again
        self._sought = self._parts.now()
        found = dict(zip(marked, passages, strict=True))
        problems = {real: passage for real, passage in found.items() if passage.problem}
        problems |= dict.fromkeys((real for real in balancer.reals if real not in marked), self._no_mark_left())
        self._note(problems, None)
        before = self.known
        self.known = {
            real: path_of(config, real, marked[real], passage.source)
            for real, passage in found.items()
            if not passage.problem
        }
        return tuple(real for real, path in self.known.items() if before.get(real) != path)

    async def _ask(self, ways: Sequence[Way], source: str) -> list[Passage]:
        """The machine's answer for each way; a few at a time, so that no change of a weight waits for all."""
        addresses = self._parts.recorder.state.data_plane.desired.addresses.values()
        vips = frozenset(address.address.partition("/")[0] for address, _ in addresses)
        passages: list[Passage] = []
        for start in range(0, len(ways), _BATCH):
            few = ways[start : start + _BATCH]
            passages += await self._parts.worker.call(self._parts.machine.passages, few, source, vips)
        return passages

    def _no_mark_left(self) -> Passage:
        config = self._parts.recorder.state.fleet.config
        assert config is not None
        first, last = config.marks[0], config.marks[-1]
        return Passage(problem=f"every mark from {first} to {last} is in use", remedy="raise data_plane.fwmark_count")

    def _note(self, problems: Mapping[RealId, Passage], cause: int | None) -> None:
        """Record the problems that are new, and those that are over."""
        before = self._parts.recorder.state.fleet.balancers[self._service].unchecked
        resumed = tuple(real for real in before if real not in problems)
        new: dict[Passage, list[RealId]] = {}
        for real, passage in problems.items():
            if before.get(real) != passage.problem:
                new.setdefault(Passage(problem=passage.problem, remedy=passage.remedy), []).append(real)
        if resumed:
            self._parts.recorder.record(ChecksResumed(service=self._service, reals=resumed), cause=cause)
        for passage, reals in new.items():
            impossible = ChecksImpossible(
                service=self._service, reals=tuple(reals), problem=passage.problem, remedy=passage.remedy
            )
            self._parts.recorder.record(impossible, cause=cause)
