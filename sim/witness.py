"""Invariants that hold at every step, each with its reason. The witness sees what the probes said, what was recorded
and what was done to the kernel, and keeps its own count of it: it asks the daemon nothing that it is to judge.
"""

from typing import TYPE_CHECKING

from kglb.actors.recorder import Fact
from kglb.checks import Outcome
from kglb.events import (
    ActorCrashed,
    Adopted,
    BalancerDecided,
    ConfigApplied,
    DaemonStopping,
    DriftFound,
    HealthChanged,
    MarkAssigned,
    MarkReleased,
    OperationFailed,
    OperationsApplied,
    RealAdded,
    RealRemoved,
)
from kglb.model import (
    AddAddress,
    AddDestination,
    ChangeDestination,
    DeleteAddress,
    DeleteDestination,
    DeleteService,
    Endpoint,
    Operation,
    RealId,
    ServiceId,
)
from kglb.model.operations import AddService, service_of
from sim.faults import TROUBLE
from sim.reals import CRASH

if TYPE_CHECKING:
    from sim.world import World

Key = tuple[ServiceId, RealId]

GRACE = 120.0
"""Seconds after a change of the config or the start of a process in which thresholds of before may still count."""

LATEST = 300.0
"""Seconds by which an effect may come later than its reason, while kernel or disk make trouble."""

REACTION = 1.0
"""Seconds from the probe that settles it to the kernel, while neither kernel nor disk make trouble."""

CALM = 60.0
"""Seconds without trouble after which the bound above holds."""

MAY_CAUSE = (
    ActorCrashed,
    Adopted,
    BalancerDecided,
    ConfigApplied,
    DaemonStopping,
    DriftFound,
    HealthChanged,
    MarkAssigned,
    MarkReleased,
    OperationFailed,
    RealAdded,
    RealRemoved,
)
"""What may make a destination another: no weight changes without one of these on record."""


class Violation(BaseException):
    """An invariant does not hold. Not an Exception: no actor may catch it."""


class Record:
    """What the probes said of one real: the streak, and when it was last long enough to count."""

    __slots__ = ("failed", "passed", "streak")

    def __init__(self) -> None:
        self.streak = 0
        self.failed = self.passed = float("-inf")

    def add(self, success: bool, rise: int, fall: int, now: float) -> None:
        """One more outcome."""
        if success:
            self.streak = max(self.streak, 0) + 1
            if self.streak >= rise:
                self.passed = now
        else:
            self.streak = min(self.streak, 0) - 1
            if -self.streak >= fall:
                self.failed = now


class Witness:
    """One per simulation, for all processes of it."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.operations = 0
        self.tainted: list[str] = []
        self._made: set[ServiceId] = set()
        self._records: dict[Key, Record] = {}
        self._configured = 0.0
        self._started = 0.0
        self._edited = float("-inf")
        self._moved = float("-inf")
        self._stopping = False
        self._kinds: dict[int, type] = {}
        self._about: dict[int, ServiceId] = {}
        self._before: dict[RealId, int] = {}
        self.crashes = 0
        world.kernel.watcher = self
        world.around.on_outcome = self.outcome
        world.around.on_fact = self.recorded

    def violation(self, what: str) -> Violation:
        """To be raised."""
        return Violation(f"at {self._now:.3f} s, step {self._world.agenda.steps}: {what}")

    @property
    def _now(self) -> float:
        return self._world.agenda.now

    def ours(self) -> set[ServiceId]:
        """The services in the kernel that the daemon made."""
        return self._made & self._world.kernel.all_services().keys()

    # --- what happens to the daemon -------------------------------------------------------------------------------

    def process_started(self) -> None:
        """A process begins."""
        self._started = self._configured = self._now
        self._stopping = False

    def process_ended(self) -> None:
        """A process has ended, or was killed."""

    def config_changed(self) -> None:
        """Another config is about to be in force."""
        self._configured = self._now

    def name_moved(self) -> None:
        """A name leads elsewhere now."""
        self._moved = self._now

    def rebooted(self) -> None:
        """The kernel is empty."""
        self._made.clear()
        self._records.clear()

    def edited(self, operation: Operation) -> None:  # noqa: ARG002 - that it happened is enough
        """A stranger has changed what is ours."""
        self._edited = self._now

    def taint(self, why: str) -> None:
        """The journal has lost what nobody can know again; who made what is uncertain from now on."""
        self.tainted.append(why)

    # --- what the probes say --------------------------------------------------------------------------------------

    def outcome(self, target: Endpoint, mark: int, outcome: Outcome) -> None:
        """A probe's outcome is on its way to its checker."""
        if outcome.status == "unknown":
            return
        key = self._key(target, mark)
        if key is None:
            return
        check = next((b.check for b in self._world.operator.config.balancers if b.id == key[0]), None)
        if check is None:
            return
        lenient = self._now - max(self._configured, self._started) < GRACE
        rise, fall = (1, 1) if lenient else (check.rise, check.fall)
        record = self._records.setdefault(key, Record())
        record.add(outcome.status == "success", rise, fall, self._now)
        if not lenient and not mark and record.streak in (check.rise, -check.fall):
            self._expect_reaction(key, record)

    def _key(self, target: Endpoint, mark: int) -> Key | None:
        config = self._world.operator.config
        for balancer in config.balancers:
            if mark and balancer.service.key.address == target.address:
                held = self._world.process.state.fleet.marks.held.get(mark)
                reals = self._world.process.state.fleet.balancers.get(balancer.id)
                if held is None or reals is None:
                    return None
                for real in reals.reals:
                    if real.rpartition(":")[0] == held.way.address:
                        return balancer.id, real
            if not mark and any(real.host.endswith(f":{target.port}") for real in balancer.reals):
                return balancer.id, target.id
        return None

    def _expect_reaction(self, key: Key, record: Record) -> None:
        """A probe's outcome reaches the kernel within its bound: what the daemon is for."""
        service, real = key
        process, begun, up = self._world.process, self._now, record.streak > 0

        def look() -> None:
            if self._world.process is not process or not process.running or self._stopping:
                return
            if self._configured >= begun or (record.streak > 0) != up or self._moved >= begun - 60:
                return
            known = process.state.fleet.real(service, real)
            if known is None:
                return
            if known.healthy != up:
                raise self.violation(f"{service} {real}: the probes have said healthy={up} for {REACTION} s in vain")
            held = self._world.kernel.held(service).get(real)
            weight = None if held is None else held.weight
            if self._is_calm(begun) and weight != known.weight:
                raise self.violation(f"{service} {real}: weight {known.weight} was decided, the kernel has {weight}")

        self._world.agenda.after(REACTION, look)

    def _is_calm(self, begun: float) -> bool:
        story = self._world.story
        return (
            begun - story.trouble_over > CALM
            and begun - self._edited > CALM
            and not any(trouble in kind for kind in story.active for trouble in TROUBLE)
        )

    # --- what is recorded -----------------------------------------------------------------------------------------

    def recorded(self, fact: Fact) -> None:
        """A fact: it has a cause on record, and what was done to the machine has one that accounts for it."""
        event = fact.event
        if fact.cause is not None and not 0 < fact.cause < fact.seq:
            raise self.violation(f"record {fact.seq} names record {fact.cause} as its cause")
        self._kinds[fact.seq] = type(event)
        self._about.pop(fact.seq, None)
        if isinstance(event, HealthChanged):
            self._about[fact.seq] = event.service
        elif isinstance(event, DaemonStopping):
            self._stopping = True
        elif isinstance(event, ActorCrashed):
            self._crashed(event)
        elif isinstance(event, OperationsApplied):
            for operation, cause in zip(event.operations, event.causes, strict=True):
                self._accounted_for(fact.seq, operation, cause)

    def _crashed(self, event: ActorCrashed) -> None:
        self.crashes += 1
        if CRASH not in event.error:
            raise self.violation(f"{event.actor} crashed: {event.error}\n{event.traceback}")

    def _accounted_for(self, seq: int, operation: Operation, cause: int) -> None:
        """No real changes weight without a recorded cause: else nobody could explain it."""
        if cause >= seq:
            raise self.violation(f"record {seq}: {operation} is said to be caused by record {cause}")
        kind = self._kinds.get(cause)
        if kind is None or not isinstance(operation, AddDestination | ChangeDestination | DeleteDestination):
            return
        if not issubclass(kind, MAY_CAUSE):
            raise self.violation(f"record {seq}: {operation} is caused by a {kind.__name__}")
        about = self._about.get(cause)
        if about is not None and about != operation.id:
            raise self.violation(f"record {seq}: {operation} is caused by the health of another service's real")

    # --- what is done to the kernel -------------------------------------------------------------------------------

    def performing(self, operation: Operation) -> None:
        """Remember what it changes."""
        id = service_of(operation)
        held = self._world.kernel.held(id) if id is not None else {}
        self._before = {RealId(real): one.weight for real, one in held.items()}

    def performed(self, operation: Operation) -> None:
        """Only what is ours, and nothing from a healthy real."""
        self.operations += 1
        id = service_of(operation)
        self._is_ours(operation, id)
        match operation:
            case AddService(service):
                self._made.add(service.id)
            case DeleteService(service):
                self._made.discard(service)
        if id is None or id.startswith("fwmark"):
            return
        after = {RealId(real): one.weight for real, one in self._world.kernel.held(id).items()}
        for real in self._before:
            if self._before[real] > 0 and not after.get(real):
                self._lowered(id, real)
        for real, weight in after.items():
            if weight > 0 and not self._before.get(real):
                self._raised(id, real)

    def forgotten(self, operation: Operation) -> None:
        """A deletion that the kernel only acknowledged leaves what nobody can know to be ours."""
        if isinstance(operation, DeleteAddress | DeleteService):
            self.taint("the kernel forgot a deletion")

    def _is_ours(self, operation: Operation, id: ServiceId | None) -> None:
        """No operation touches a foreign entry: somebody else depends on it."""
        foreign = id is not None and not (id.startswith(("tcp://198.18.", "fwmark://1")))
        if isinstance(operation, AddAddress | DeleteAddress):
            foreign = not operation.address.address.startswith("198.18.")
        if foreign:
            raise self.violation(f"{operation} touches what is not ours")

    def _lowered(self, id: ServiceId, real: RealId) -> None:
        """Nobody takes traffic from a healthy real but the operator."""
        if self._stopping or self.tainted:
            return
        if self._now - self._configured < GRACE or self._now - self._moved < GRACE:
            return
        record = self._records.get((id, real), Record())
        if record.streak > 0 and self._now - record.failed > LATEST and self._is_configured(id, real):
            raise self.violation(f"{id} {real}: its weight was taken though its probes pass")

    def _is_configured(self, id: ServiceId, real: RealId) -> bool:
        port = real.rpartition(":")[2]
        return any(
            entry.weight > 0 and entry.host == real and entry.host.endswith(port)
            for balancer in self._world.operator.config.balancers
            if balancer.id == id
            for entry in balancer.reals
        )

    def _raised(self, id: ServiceId, real: RealId) -> None:
        """Nobody sends traffic to a real that fails, unless all do."""
        if self.tainted or self._now - max(self._configured, self._started, self._moved, self._edited) < GRACE:
            return
        record = self._records.get((id, real), Record())
        if record.streak > 0 or self._now - record.passed < LATEST:
            return
        others = [known for (service, _), known in self._records.items() if service == id]
        if any(known.streak > 0 and self._now - known.failed > LATEST for known in others):
            raise self.violation(f"{id} {real}: traffic is sent to it though its probes fail and others' pass")
