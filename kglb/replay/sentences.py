"""Each kind of event as a plain sentence, in one table: ``tail``, ``explain`` and the web page speak from it.

Sentences are of printable characters only, whatever a server answered to a probe.
"""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, Protocol

from kglb.events import (
    WHOLE,
    ActorCrashed,
    Adopted,
    BalancerDecided,
    ChecksImpossible,
    ChecksResumed,
    ConfigApplied,
    ConfigRejected,
    DaemonStarted,
    DaemonStopping,
    DrainFinished,
    DriftFound,
    EntryContested,
    Event,
    HealthChanged,
    JournalGap,
    JournalRepaired,
    MachineAnswered,
    MachineStalled,
    MarkAssigned,
    MarkReleased,
    NameResolved,
    OperationFailed,
    OperationsApplied,
    OutcomesUnknown,
    PoolAnswered,
    PoolFailed,
    ProbeFlipped,
    RealAdded,
    RealDrained,
    RealKept,
    RealLeaving,
    RealRemoved,
    RealRestored,
    RecordsLost,
    ResolutionFailed,
    RouteAnnounced,
    RoutesDecided,
    RouteWithdrawn,
    RunsClosed,
    SegmentOpened,
    WarmthChanged,
    WatchLost,
    WeightOverridden,
    WeightReported,
)
from kglb.model import Member, RealId, ServiceId
from kglb.replay import machine_sentences, steering_sentences
from kglb.replay.about import subject_of
from kglb.replay.words import listed, named, plural, printable, spoken, utc, verdicts

Tone = Literal["good", "bad", "warning", "plain", "quiet"]

_TOO_FEW = {
    "backup": " (no primary is up: backups serve)",
    "failsafe": " (all are down: each gets its weight all the same)",
    "unavailable": " (all are down: none gets traffic)",
    "initial": " (none has been up yet)",
}
_FEW_OF_SOME = {"failsafe": " (too few are up: each gets its weight all the same)"}


class Runs(Protocol):
    """Where a sentence finds what began an outcome run."""

    def run(self, service: ServiceId, real: RealId, seq: int) -> ProbeFlipped | None:
        """The event that began it; None if unknown."""


class Sentence(NamedTuple):
    """What happened: a word for its kind, how good it is, the one service it is about, and the text."""

    kind: str
    tone: Tone
    service: ServiceId | None
    text: str


def sentence(event: Event, runs: Runs) -> Sentence:
    """An event in words."""
    kind, tone, say = _TABLE[type(event)]
    text = printable(say(event, runs))
    heard: Tone = tone(event) if callable(tone) else tone
    return Sentence(kind, heard, subject_of(event), text)


# --- daemon and journal -------------------------------------------------------------------------------------


def _segment_opened(event: SegmentOpened, _: Runs) -> str:
    return f"a new segment begins, written by version {event.software} on {event.host}"


def _journal_repaired(event: JournalRepaired, _: Runs) -> str:
    where = f"{event.size} bytes from record {event.seq} on of {event.file}"
    return f"the journal was repaired: {where} set aside as {event.kept_as}, {event.reason}"


def _journal_gap(event: JournalGap, _: Runs) -> str:
    return f"records {event.first_seq} to {event.last_seq} may be missing since {event.since}: {event.reason}"


def _records_lost(event: RecordsLost, _: Runs) -> str:
    one = event.first_seq == event.last_seq
    which = f"record {event.first_seq} was" if one else f"records {event.first_seq} to {event.last_seq} were"
    return f"{which} lost, as a repair found: {event.reason}; what was there is in {event.kept_as}"


def _daemon_started(event: DaemonStarted, _: Runs) -> str:
    return f"the daemon started on {event.host}: version {event.software}, process {event.pid}"


def _daemon_stopping(event: DaemonStopping, _: Runs) -> str:
    how = "removes what it owns in" if event.on_stop == "cleanup" else "leaves its work to"
    return f"the daemon stops ({event.reason}) and {how} the kernel"


def _actor_crashed(event: ActorCrashed, _: Runs) -> str:
    if event.actor == "supervisor":
        return f"the supervisor crashed, which ends the daemon: {event.error}"
    return f"{event.actor} crashed and starts again in {event.retry_in:g} s: {event.error}"


def _machine_stalled(event: MachineStalled, _: Runs) -> str:
    return f"the kernel has not answered for {event.seconds:g} s: changes wait for it, and nothing else does"


def _machine_answered(event: MachineAnswered, _: Runs) -> str:
    return f"the kernel answers again, after {event.seconds:g} s"


# --- config -------------------------------------------------------------------------------------------------


def _config_applied(event: ConfigApplied, _: Runs) -> str:
    balancers = event.config.balancers
    reals = sum(len(balancer.reals) for balancer in balancers)
    size = f"{plural(len(balancers), 'balancer')}, {plural(reals, 'real')}"
    if pools := sum(len(balancer.pools) for balancer in balancers):
        size += f", {plural(pools, 'pool')}"
    return f"{event.source} is in force: {size} (digest {event.digest[:12]})"


def _config_rejected(event: ConfigRejected, _: Runs) -> str:
    count = plural(len(event.errors), "mistake")
    return f"{event.source} was rejected, the previous config stays in force: {count}: {listed(event.errors)}"


# --- reals --------------------------------------------------------------------------------------------------


def _real_added(event: RealAdded, _: Runs) -> str:
    belief = "up until checks say otherwise, as the kernel sends it traffic already"
    if event.basis == "initial":
        belief = "down until its checks pass"
    role = " as a backup" if event.entry.backup else ""
    role += f" as a member of {event.entry.pool}" if event.entry.pool else ""
    return f"{named(event.real, event.entry.host)} added{role} with weight {event.entry.weight}, {belief}"


def _real_removed(event: RealRemoved, _: Runs) -> str:
    return f"{named(event.real, event.host)} removed"


def _name_resolved(event: NameResolved, _: Runs) -> str:
    return f"{event.host} is at {event.address}"


def _resolution_failed(event: ResolutionFailed, _: Runs) -> str:
    kept = f"keeping {event.keeping}" if event.keeping else "no address known"
    return f"{event.host} does not resolve, {kept}: {event.error}"


def _pool_answered(event: PoolAnswered, _: Runs) -> str:
    changes = []
    if event.members:
        changes.append(f"names {listed(map(_weighed, event.members))}")
    if event.left:
        changes.append(f"no longer names {listed(event.left)}")
    if event.lacking:
        changes.append(f"lacks {listed(event.lacking)}, who stay: that is more than max_loss of those that are up")
    return f"{event.pool} {'; '.join(changes) or 'answers again, as before'}"


def _weighed(member: Member) -> str:
    return member.real if member.weight is None else f"{member.real} with weight {member.weight}"


def _pool_failed(event: PoolFailed, _: Runs) -> str:
    since = "" if event.last_good is None else f", last named at {utc(event.last_good)}"
    kept = f"keeping its {plural(event.keeping, 'member')}{since}" if event.keeping else "no member known"
    return f"{event.pool} gives no answer, {kept}: {event.error}"


# --- health -------------------------------------------------------------------------------------------------


def _probe_flipped(event: ProbeFlipped, _: Runs) -> str:
    if event.outcome == "success":
        return f"{event.real} answers its checks now, after {event.latency * 1000:.1f} ms"
    return f"{event.real} fails its checks now: {spoken(event.reason, event.detail)}"


def _runs_closed(event: RunsClosed, _: Runs) -> str:
    checks = sum(run.count for run in event.runs)
    return f"{plural(checks, 'check')} of {plural(len(event.runs), 'real')} noted"


def _health_changed(event: HealthChanged, runs: Runs) -> str:
    if event.healthy:
        return f"{event.real} is up: {verdicts(event.streak)} (run since {event.run})"
    flip = runs.run(event.service, event.real, event.run)
    reason = "" if flip is None else f", {spoken(flip.reason, flip.detail)}"
    return f"{event.real} is down: {verdicts(event.streak)}{reason} (run since {event.run})"


def _watch_lost(event: WatchLost, _: Runs) -> str:
    return f"{event.real} is checked at once: its idle connection ended after {event.after:.1f} s ({event.how})"


def _outcomes_unknown(event: OutcomesUnknown, _: Runs) -> str:
    reasons = listed(f"{count} {reason}" for reason, count in event.counts.items())
    checks = plural(sum(event.counts.values()), "check")
    return f"{checks} had no result, because of this machine: {reasons}"


# --- checks through the VIP ---------------------------------------------------------------------------------


def _mark_assigned(event: MarkAssigned, _: Runs) -> str:
    return f"checks of {event.real} carry mark {event.mark}: {event.way}"


def _mark_released(event: MarkReleased, _: Runs) -> str:
    return f"checks of {event.real} no longer carry mark {event.mark}"


def _checks_impossible(event: ChecksImpossible, _: Runs) -> str:
    kept = "its health stays as it is" if len(event.reals) == 1 else "their health stays as it is"
    return f"{listed(event.reals)} cannot be checked, {kept}: {event.problem}; try: {event.remedy}"


def _checks_resumed(event: ChecksResumed, _: Runs) -> str:
    return f"{listed(event.reals)} can be checked again"


# --- balancing ----------------------------------------------------------------------------------------------


def _balancer_decided(event: BalancerDecided, _: Runs) -> str:
    weights = listed(f"{real} to {weight}" for real, weight in event.weights.items())
    changed = f": weight of {weights}" if weights else ""
    few = (_FEW_OF_SOME if event.alive else _TOO_FEW).get(event.mode, "")
    return f"{event.mode}, {event.alive} of {event.total} up{few}{changed}"


def _warmth_changed(event: WarmthChanged, _: Runs) -> str:
    begin, go_on, end = (
        [real for real, tenths in event.tenths.items() if low <= tenths <= high]
        for low, high in ((1, 1), (2, WHOLE - 1), (WHOLE, WHOLE))
    )
    steps = [f"{real} is at {event.tenths[real]}0 %" for real in go_on]
    parts = (
        f"{listed(begin)} {_begins(begin)} with 10 % of the weight" if begin else "",
        f"slow start goes on: {listed(steps)} of the weight" if steps else "",
        f"the slow start of {listed(end)} is over" if end else "",
    )
    return "; ".join(part for part in parts if part)


def _begins(reals: list[RealId]) -> str:
    return "begins its slow start" if len(reals) == 1 else "begin their slow start"


# --- the table ----------------------------------------------------------------------------------------------


def _tone_of_belief(event: HealthChanged) -> Tone:
    return "good" if event.healthy else "bad"


def _tone_of_routes(event: RoutesDecided) -> Tone:
    return "warning" if event.withdraw else "plain"


def _tone_of_decision(event: BalancerDecided) -> Tone:
    return "plain" if event.mode == "available" else "warning"


_TABLE: dict[type, tuple[str, Tone | Callable[[Any], Tone], Callable[[Any, Runs], str]]] = {
    SegmentOpened: ("journal", "quiet", _segment_opened),
    JournalRepaired: ("journal", "bad", _journal_repaired),
    JournalGap: ("journal", "bad", _journal_gap),
    RecordsLost: ("journal", "bad", _records_lost),
    DaemonStarted: ("daemon", "good", _daemon_started),
    DaemonStopping: ("daemon", "warning", _daemon_stopping),
    ActorCrashed: ("daemon", "bad", _actor_crashed),
    MachineStalled: ("kernel", "bad", _machine_stalled),
    MachineAnswered: ("kernel", "good", _machine_answered),
    ConfigApplied: ("config", "good", _config_applied),
    ConfigRejected: ("config", "bad", _config_rejected),
    RealAdded: ("real", "plain", _real_added),
    RealRemoved: ("real", "plain", _real_removed),
    RealLeaving: ("real", "plain", steering_sentences.leaving),
    RealKept: ("real", "plain", steering_sentences.kept),
    NameResolved: ("name", "plain", _name_resolved),
    ResolutionFailed: ("name", "warning", _resolution_failed),
    PoolAnswered: ("pool", lambda event: "warning" if event.lacking else "plain", _pool_answered),
    PoolFailed: ("pool", "warning", _pool_failed),
    ProbeFlipped: ("probe", "quiet", _probe_flipped),
    RunsClosed: ("probe", "quiet", _runs_closed),
    HealthChanged: ("health", _tone_of_belief, _health_changed),
    WatchLost: ("probe", "quiet", _watch_lost),
    OutcomesUnknown: ("probe", "warning", _outcomes_unknown),
    WeightReported: ("weights", "plain", steering_sentences.reported),
    RealDrained: ("order", "warning", steering_sentences.drained),
    WeightOverridden: ("order", "warning", steering_sentences.overridden),
    RealRestored: ("order", "good", steering_sentences.restored),
    DrainFinished: ("drain", "good", steering_sentences.finished),
    MarkAssigned: ("mark", "quiet", _mark_assigned),
    MarkReleased: ("mark", "quiet", _mark_released),
    ChecksImpossible: ("probe", "bad", _checks_impossible),
    ChecksResumed: ("probe", "good", _checks_resumed),
    WarmthChanged: ("weights", "quiet", _warmth_changed),
    BalancerDecided: ("weights", _tone_of_decision, _balancer_decided),
    RoutesDecided: ("route", _tone_of_routes, machine_sentences.routes_decided),
    RouteAnnounced: ("route", "good", machine_sentences.route_announced),
    RouteWithdrawn: ("route", "warning", machine_sentences.route_withdrawn),
    Adopted: ("kernel", "plain", machine_sentences.adopted),
    OperationsApplied: ("kernel", "plain", machine_sentences.operations_applied),
    OperationFailed: ("kernel", "bad", machine_sentences.operation_failed),
    DriftFound: ("drift", "warning", machine_sentences.drift_found),
    EntryContested: ("drift", "bad", machine_sentences.entry_contested),
}

KINDS: dict[str, type] = {event.__name__: event for event in _TABLE}
"""Every event type by its name."""
