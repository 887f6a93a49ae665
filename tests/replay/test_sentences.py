"""Every kind of event in words."""

from typing import get_args

import msgspec
import pytest

from kglb.events import (
    ActorCrashed,
    Adopted,
    BalancerDecided,
    ChecksImpossible,
    ChecksResumed,
    ConfigRejected,
    DaemonStopping,
    DrainFinished,
    DriftFound,
    Entry,
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
    OpenRun,
    OperationFailed,
    OperationsApplied,
    OutcomesUnknown,
    PoolAnswered,
    PoolFailed,
    ProbeFlipped,
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
from kglb.model import (
    AnnounceRoute,
    ChangeDestination,
    DeleteService,
    Destination,
    Forward,
    Member,
    RealId,
    Route,
    Service,
    ServiceId,
    Way,
    WithdrawRoute,
)
from kglb.replay.sentences import KINDS, sentence
from tests.projections.builders import VIP, WEB, added, applied, balancer, real, real_id, started

A, B = real_id(0), real_id(1)
WAY = Way("10.0.0.1", Forward("tunnel"), False)
REFUSED = ProbeFlipped(
    service=WEB, real=A, outcome="failure", reason="refused", detail="ECONNREFUSED", latency=0.001, previous_count=9
)
NOON = 1795348800.0  # 2026-11-22T12:00:00Z
ROUTE = Route(prefix="192.168.100.10/32", hold_time=5.0)


class Known:
    """A journal in which every run began with a refused connection."""

    def run(self, service: ServiceId, real: RealId, seq: int) -> ProbeFlipped | None:
        return REFUSED if seq == 1040 else None


def weight(real: RealId, weight: int) -> ChangeDestination:
    return ChangeDestination(WEB, Destination(real=real, weight=weight))


def decided(mode: str, weights: dict[RealId, int], alive: int = 1) -> BalancerDecided:
    return BalancerDecided(
        service=WEB,
        balancer="web",
        mode=mode,  # type: ignore[arg-type]
        alive=alive,
        total=2,
        weights=weights,
        seen=1,
    )


SPOKEN: list[tuple[Event, str]] = [
    (
        SegmentOpened(
            format=1, host="lb1", boot_id="b", software="0.1.0", chain="00000000", checkpoint=msgspec.Raw(b"{}")
        ),
        "a new segment begins, written by version 0.1.0 on lb1",
    ),
    (
        JournalRepaired(file="1.jsonl", seq=7, size=12, kept_as="1.broken", reason="cut short"),
        "the journal was repaired: 12 bytes from record 7 on of 1.jsonl set aside as 1.broken, cut short",
    ),
    (
        JournalGap(first_seq=7, last_seq=9, since="2026-11-22T14:30:00.000000Z", reason="ENOSPC"),
        "records 7 to 9 may be missing since 2026-11-22T14:30:00.000000Z: ENOSPC",
    ),
    (
        RecordsLost(first_seq=7, last_seq=9, reason="zero bytes", kept_as="1.jsonl.damaged"),
        "records 7 to 9 were lost, as a repair found: zero bytes; what was there is in 1.jsonl.damaged",
    ),
    (started(), "the daemon started on director: version 0, process 1"),
    (
        DaemonStopping(reason="SIGTERM", on_stop="cleanup"),
        "the daemon stops (SIGTERM) and removes what it owns in the kernel",
    ),
    (
        ActorCrashed(actor="applier", error="KeyError: 1", traceback="...", retry_in=0.5),
        "applier crashed and starts again in 0.5 s: KeyError: 1",
    ),
    (
        ActorCrashed(actor="supervisor", error="KeyError: 1", traceback="...", retry_in=0.0),
        "the supervisor crashed, which ends the daemon: KeyError: 1",
    ),
    (applied(balancer()), "test is in force: 1 balancer, 2 reals (digest 0)"),
    (
        ConfigRejected(source="c.toml", errors=("c.toml:1: no",)),
        "c.toml was rejected, the previous config stays in force: 1 mistake: c.toml:1: no",
    ),
    (added(WEB, 0), "10.0.0.1:80 added with weight 1000, down until its checks pass"),
    (
        added(WEB, 0, healthy=True),
        "10.0.0.1:80 added with weight 1000, up until checks say otherwise, as the kernel sends it traffic already",
    ),
    (RealRemoved(service=WEB, real=A, host="app:80"), "10.0.0.1:80 (app:80) removed"),
    (
        RealLeaving(service=WEB, real=A, host="app:80", until=NOON),
        "10.0.0.1:80 (app:80) is to go: it gets nothing new, and goes with its last connection "
        "or at 2026-11-22T12:00:00Z",
    ),
    (
        RealKept(service=WEB, real=A, entry=real(0)),
        "10.0.0.1:80 stays, with weight 1000",
    ),
    (
        RealDrained(service=WEB, real=A, who="kim", note="new disk", until=NOON),
        "kim drains 10.0.0.1:80 until 2026-11-22T12:00:00Z: new disk",
    ),
    (RealDrained(service=WEB, real=A, who="kim"), "kim drains 10.0.0.1:80"),
    (
        WeightOverridden(service=WEB, real=A, weight=5, who="kim", note="warm up"),
        "kim gives 10.0.0.1:80 weight 5: warm up",
    ),
    (
        WeightOverridden(service=WEB, real=A, weight=5, who="kim", note="/up is gone", force_up=True),
        "kim forces 10.0.0.1:80 up with weight 5: /up is gone",
    ),
    (
        RealRestored(service=WEB, real=A, who="kim", note="done"),
        "kim ends the drain and weight by hand of 10.0.0.1:80: done",
    ),
    (
        RealRestored(service=WEB, real=A, ended=("drain",), reason="deadline"),
        "the drain of 10.0.0.1:80 is over: its time has come",
    ),
    (DrainFinished(service=WEB, real=A), "10.0.0.1:80 has no connections left"),
    (
        DrainFinished(service=WEB, real=A, connections=1),
        "the time of 10.0.0.1:80 is over, with 1 connection left",
    ),
    (WeightReported(service=WEB, real=A, weight=253), "10.0.0.1:80 is to have weight 253, as its check says"),
    (NameResolved(service=WEB, host="app:80", address="10.0.0.1"), "app:80 is at 10.0.0.1"),
    (
        PoolAnswered(service=WEB, pool="dns app:80", members=(Member(A, 5), Member(B)), left=(real_id(2),)),
        "dns app:80 names 10.0.0.1:80 with weight 5, 10.0.0.2:80; no longer names 10.0.0.3:80",
    ),
    (
        PoolAnswered(service=WEB, pool="dns app:80", lacking=(A, B)),
        "dns app:80 lacks 10.0.0.1:80, 10.0.0.2:80, who stay: that is more than max_loss of those that are up",
    ),
    (PoolAnswered(service=WEB, pool="dns app:80"), "dns app:80 answers again, as before"),
    (
        PoolFailed(service=WEB, pool="dns app:80", error="NXDOMAIN", keeping=2, last_good=1_800_000_000.0),
        "dns app:80 gives no answer, keeping its 2 members, last named at 2027-01-15T08:00:00Z: NXDOMAIN",
    ),
    (
        PoolFailed(service=WEB, pool="dns app:80", error="NXDOMAIN"),
        "dns app:80 gives no answer, no member known: NXDOMAIN",
    ),
    (
        ResolutionFailed(service=WEB, host="app:80", error="NXDOMAIN", keeping="10.0.0.1"),
        "app:80 does not resolve, keeping 10.0.0.1: NXDOMAIN",
    ),
    (REFUSED, "10.0.0.1:80 fails its checks now: connection refused"),
    (
        RunsClosed(runs=(OpenRun(WEB, A, 3), OpenRun(WEB, B, 4))),
        "7 checks of 2 reals noted",
    ),
    (
        HealthChanged(service=WEB, real=A, healthy=False, streak=-2, run=1040),
        "10.0.0.1:80 is down: 2 failures in a row, connection refused (run since 1040)",
    ),
    (
        HealthChanged(service=WEB, real=A, healthy=False, streak=-1, run=3),
        "10.0.0.1:80 is down: 1 failure (run since 3)",
    ),
    (
        HealthChanged(service=WEB, real=A, healthy=True, streak=3, run=3),
        "10.0.0.1:80 is up: 3 passes in a row (run since 3)",
    ),
    (
        WatchLost(service=WEB, real=A, how="reset", after=63.24),
        "10.0.0.1:80 is checked at once: its idle connection ended after 63.2 s (reset)",
    ),
    (
        OutcomesUnknown(counts={"local error EMFILE": 3}),
        "3 checks had no result, because of this machine: 3 local error EMFILE",
    ),
    (
        MarkAssigned(service=WEB, real=A, mark=10000, way=WAY),
        "checks of 10.0.0.1:80 carry mark 10000: IPv4 to 10.0.0.1 by ipip",
    ),
    (MarkReleased(service=WEB, real=A, mark=10000, way=WAY), "checks of 10.0.0.1:80 no longer carry mark 10000"),
    (
        ChecksImpossible(service=WEB, reals=(A, B), problem="a sysctl is 0", remedy="sysctl -w it=1"),
        "10.0.0.1:80, 10.0.0.2:80 cannot be checked, their health stays as it is: a sysctl is 0; try: sysctl -w it=1",
    ),
    (ChecksResumed(service=WEB, reals=(A,)), "10.0.0.1:80 can be checked again"),
    (decided("available", {A: 0}), "available, 1 of 2 up: weight of 10.0.0.1:80 to 0"),
    (decided("available", {}), "available, 1 of 2 up"),
    (
        decided("failsafe", {A: 9}, alive=0),
        "failsafe, 0 of 2 up (all are down: each gets its weight all the same): weight of 10.0.0.1:80 to 9",
    ),
    (
        decided("failsafe", {A: 9}),
        "failsafe, 1 of 2 up (too few are up: each gets its weight all the same): weight of 10.0.0.1:80 to 9",
    ),
    (
        decided("backup", {A: 9}, alive=0),
        "backup, 0 of 2 up (no primary is up: backups serve): weight of 10.0.0.1:80 to 9",
    ),
    (
        RoutesDecided(announce=(ROUTE,), withdraw=("10.9.9.9/32",)),
        "to be announced: 192.168.100.10/32; not to be announced any more: 10.9.9.9/32",
    ),
    (RouteAnnounced(route=ROUTE), "192.168.100.10/32 is announced, next hop self"),
    (RouteWithdrawn(route=ROUTE), "192.168.100.10/32 is withdrawn; what it led to stays for 5 s"),
    (
        OperationFailed(operation=AnnounceRoute(ROUTE), errno=71, error="its log says why"),
        "ExaBGP refused: announce route 192.168.100.10/32: its log says why (EPROTO)",
    ),
    (
        DriftFound(changes=(WithdrawRoute(ROUTE),)),
        "somebody else changed the routes: withdraw route 192.168.100.10/32",
    ),
    (
        Adopted(entries=(), addresses=(), foreign=0, routes=(ROUTE,)),
        "found in the kernel: 0 services with 0 destinations, 0 addresses; announced 192.168.100.10/32; "
        "0 foreign services left alone",
    ),
    (
        Adopted(
            entries=(Entry(Service(id=WEB), (Destination(real=A, weight=1),)),),
            addresses=(VIP,),
            foreign=2,
        ),
        "found in the kernel: 1 service with 1 destination, 1 address; 2 foreign services left alone",
    ),
    (
        OperationsApplied(operations=(weight(A, 0), weight(B, 5)), causes=(1, 2), microseconds=300),
        "the kernel has done (0.3 ms): 10.0.0.1:80 by masquerade, weight 0, 10.0.0.2:80 by masquerade, weight 5",
    ),
    (
        OperationFailed(operation=DeleteService(WEB), errno=3, error="No such process"),
        f"the kernel refused: delete service {WEB}: No such process (ESRCH)",
    ),
    (
        DriftFound(changes=(weight(A, 7),)),
        "somebody else changed the kernel: 10.0.0.1:80 by masquerade, weight 7",
    ),
    (
        EntryContested(operation=weight(A, 7), drifts=6, hold=2.0),
        "somebody else did this 6 times: 10.0.0.1:80 by masquerade, weight 7; is another controller at work? "
        "It is put right in 2 s",
    ),
    (
        MachineStalled(seconds=5.2),
        "the kernel has not answered for 5.2 s: changes wait for it, and nothing else does",
    ),
    (
        WarmthChanged(service=WEB, tenths={A: 1, B: 4, real_id(2): 10}, causes={A: 5, B: 2, real_id(2): 3}),
        "10.0.0.1:80 begins its slow start with 10 % of the weight; slow start goes on: 10.0.0.2:80 is at 40 % of the "
        "weight; the slow start of 10.0.0.3:80 is over",
    ),
    (MachineAnswered(seconds=61.5), "the kernel answers again, after 61.5 s"),
]


@pytest.mark.parametrize(("event", "text"), SPOKEN, ids=lambda value: type(value).__name__)
def test_an_event_reads_as_a_plain_sentence(event: Event, text: str) -> None:
    assert sentence(event, Known()).text == text


def test_there_is_a_sentence_for_every_event() -> None:
    assert set(KINDS.values()) == set(get_args(Event)) == {type(event) for event, _ in SPOKEN}


def test_a_sentence_names_a_few_of_many_and_counts_the_rest() -> None:
    said = sentence(decided("available", {real_id(number): 0 for number in range(10_000)}), Known())
    assert said.text.endswith("10.0.0.4:80 to 0 and 9996 more")


def test_a_sentence_knows_the_one_service_it_is_about() -> None:
    other = DeleteService(ServiceId("udp://192.168.100.10:53"))
    one = OperationsApplied(operations=(weight(A, 0), weight(B, 0)), causes=(1, 1), microseconds=1)
    two = OperationsApplied(operations=(weight(A, 0), other), causes=(1, 1), microseconds=1)
    assert sentence(one, Known()).service == WEB
    assert sentence(two, Known()).service is None


def test_what_a_server_answered_cannot_drive_the_terminal() -> None:
    flip = msgspec.structs.replace(REFUSED, reason="not HTTP", detail="\x1b[2J\nfake line")
    assert sentence(flip, Known()).text == r"10.0.0.1:80 fails its checks now: not HTTP (\x1b[2J\nfake line)"
