"""Why has this real this weight? A walk along the causes that records name, from the kernel to the probes.

Nothing here infers a cause: every link is a record that another one names, or that the state names as what
made it so (``RealState.*_seq``, ``BalancerState.decided_seq``, ``FleetState.config_seq``), or the last one that
touched the real's entry in the kernel.
"""

import msgspec

from kglb.events import Adopted, ConfigApplied, Event, RealAdded
from kglb.model import Destination, RealId, ServiceId
from kglb.projections import BalancerState, RealState
from kglb.replay.about import narrow
from kglb.replay.context import Context
from kglb.replay.errors import Candidate
from kglb.replay.finding import find_real
from kglb.replay.reasons import Reasons
from kglb.replay.sentences import Tone, sentence
from kglb.replay.source import Found, Source
from kglb.replay.state_at import state_at
from kglb.replay.touches import adoption_before, causes_of, last_touches


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """One record of the chain, in words; ``because`` are those of the chain that it names as its causes.

    A record that the journal no longer has has neither time nor type.
    """

    seq: int
    at: str
    type: str
    kind: str
    tone: Tone
    text: str
    because: tuple[int, ...]


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Why a real has its weight after record ``seq``: the answer in parts, then the chain, newest first.

    ``since`` is when it got this weight, empty if it has none or the journal no longer has the record.
    ``kernel`` says how the kernel's weight differs, empty if it does not.
    """

    real: RealId
    host: str
    balancer: str
    service: ServiceId
    seq: int
    at: str
    weight: int | None
    kernel_weight: int | None
    healthy: bool
    mode: str | None
    since: str
    reason: str
    kernel: str
    chain: tuple[Link, ...]


def explain(source: Source, wanted: str, *, seq: int, balancer: str | None = None) -> Explanation:
    """Explain the weight of the real ``wanted`` after record ``seq``.

    Raises UnknownRealError, AmbiguousRealError and what ``state_at`` raises.
    """
    replayed = state_at(source, seq)
    fleet, plane = replayed.state.fleet, replayed.state.data_plane
    meant = find_real(fleet, wanted, balancer)
    known = fleet.balancers[meant.service]
    real = known.reals[meant.real]
    wanted_destination, held = (
        holding.destinations.get(meant.service, {}).get(meant.real) for holding in (plane.desired, plane.actual)
    )
    chain = _Walk(source, meant, seq).from_roots(_roots(known, real, fleet.config_seq), real.weight_seq)
    decided = chain.records.get(real.weight_seq)
    return Explanation(
        real=meant.real,
        host=meant.host,
        balancer=meant.balancer,
        service=meant.service,
        seq=seq,
        at=replayed.at,
        weight=real.weight,
        kernel_weight=None if held is None else held.weight,
        healthy=real.healthy,
        mode=known.mode,
        since="" if decided is None else decided.at,
        reason=Reasons(known, real, chain.records, chain.context).why(),
        kernel=_kernel(wanted_destination, held),
        chain=chain.links(),
    )


def _kernel(desired: Destination | None, held: Destination | None) -> str:
    if desired == held:
        return ""
    if held is None:
        return "the kernel does not have it"
    if desired is None:
        return f"the kernel still has it, with weight {held.weight}"
    if desired.weight == held.weight:
        return f"the kernel forwards to it by {held.forward}, not {desired.forward}"
    return f"the kernel has weight {held.weight}"


def _roots(balancer: BalancerState, real: RealState, config_seq: int) -> set[int]:
    """The records that the state names as what made the weight what it is."""
    if balancer.mode == "shutdown":
        return {balancer.decided_seq}
    roots = {real.weight_seq, real.health_seq}
    if balancer.mode in ("failsafe", "unavailable"):
        roots.add(balancer.decided_seq)
    roots |= _other_hands(real)
    if real.weight == real.configured == real.entry.weight:
        roots.add(config_seq)
    return roots - {0}


def _other_hands(real: RealState) -> set[int]:
    """The records by which somebody else than the config says what the weight is."""
    override = real.orders.override
    leaving = 0 if real.leaving is None else real.leaving.seq
    return {leaving, real.drained, real.reported_seq if override is None else override.seq}


class _Walk:
    """The records on the way back, each with those it names."""

    def __init__(self, source: Source, meant: Candidate, seq: int) -> None:
        self._source = source
        self._meant = meant
        self._seq = seq
        self.context = Context(source)
        self.records: dict[int, Found | None] = {}
        self._because: dict[int, tuple[int, ...]] = {}

    def _wants(self, service: ServiceId | None, real: RealId | None) -> bool:
        return service == self._meant.service and real in (None, self._meant.real)

    def from_roots(self, roots: set[int], weight_seq: int) -> "_Walk":
        """Follow every cause from these and from what touched the real in the kernel since it got its weight."""
        since = weight_seq or min(roots, default=self._seq)
        todo = roots | last_touches(self._source, self._wants, since, self._seq)
        while todo:
            seq = todo.pop()
            record = self.records[seq] = self._source.record(seq)
            because = () if record is None else self._causes(record)
            self._because[seq] = because
            todo.update(cause for cause in because if cause not in self.records)
        return self

    def _causes(self, record: Found) -> tuple[int, ...]:
        event = record.event
        causes = causes_of(record, self._meant.real, self._wants)
        if isinstance(event, RealAdded) and event.basis == "adopted":
            adopted = adoption_before(self._source, record.seq)
            causes |= set() if adopted is None else {adopted}
        return tuple(sorted(cause for cause in causes if 0 < cause < record.seq))

    def links(self) -> tuple[Link, ...]:
        """The chain, newest first."""
        return tuple(self._link(seq) for seq in sorted(self.records, reverse=True))

    def _link(self, seq: int) -> Link:
        record = self.records[seq]
        if record is None:
            text = "the journal no longer has this record"
            return Link(seq=seq, at="", type="", kind="", tone="quiet", text=text, because=())
        said = sentence(narrow(record.event, self._wants), self.context)
        return Link(
            seq=seq,
            at=record.at,
            type=type(record.event).__name__,
            kind=said.kind,
            tone=said.tone,
            text=said.text + _also(record.event, self._meant),
            because=self._because[seq],
        )


def _also(event: Event, meant: Candidate) -> str:
    """What an event about everything says of this real."""
    match event:
        case ConfigApplied(config=config):
            weights = [
                real.weight
                for balancer in config.balancers
                if balancer.id == meant.service
                for real in balancer.reals
                if real.host == meant.host
            ]
            return f"; {meant.host} has weight {weights[0]} in it" if weights else ""
        case Adopted(entries=entries):
            held = [
                destination.weight
                for entry in entries
                if entry.service.id == meant.service
                for destination in entry.destinations
                if destination.real == meant.real
            ]
            return f"; {meant.real} had weight {held[0]}" if held else ""
        case _:
            return ""
