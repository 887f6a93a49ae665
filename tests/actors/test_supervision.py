"""Who makes no progress, or crashes, is noticed: a lost probe, a kernel that hangs, probes that do not end, a bug."""

import asyncio
from pathlib import Path

import pytest
from pykka import Actor

from kglb.actors.applier import Applier
from kglb.actors.balancer import BalancerActor
from kglb.actors.checker import Checker
from kglb.actors.router import Router
from kglb.actors.supervisor import Stop, Supervisor
from kglb.actors.watchdog import INTERVAL, Watchdog
from kglb.dataplane.worker import PATIENCE
from kglb.events import ActorCrashed, DaemonStopping, MachineAnswered, MachineStalled
from kglb.model import TcpCheck
from tests.actors.virtual import run
from tests.actors.world import (
    REFUSED,
    SlowWorker,
    WatchedMachine,
    World,
    actor_of,
    actors_of,
    events_of,
    journal_of,
    tcp,
    world,
)
from tests.projections.builders import WEB, balancer, config, real_id

A, B = real_id(0), real_id(1)
CHECK = TcpCheck(interval=1.0, timeout=1.0, rise=1, fall=1)
NOTICED = CHECK.interval + CHECK.timeout + PATIENCE + INTERVAL
"""Seconds in which a missing answer is noticed."""


def with_slow_worker(w: World) -> None:
    w.parts.worker = SlowWorker(w.loop)


def slow_worker_of(w: World) -> SlowWorker:
    assert isinstance(w.parts.worker, SlowWorker)
    return w.parts.worker


def test_a_checker_whose_probe_was_lost_starts_again_and_changes_no_weight(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer(check=CHECK))) as w:
            await asyncio.sleep(2)
            w.prober.lose(A)
            lost = w.loop.time()
            await asyncio.sleep(NOTICED + 0.2)
            assert w.weights(WEB) == {A: 1000, B: 1000}
            asked = [when for when, real in w.prober.asked if real == A and when > lost]
            assert asked, "it is checked again"
        (crash,) = events_of(tmp_path, ActorCrashed)
        assert crash.actor == f"checker {WEB} {A}"
        assert crash.error.startswith("ProbeLostError")

    run(main())


def test_a_probe_that_waits_for_its_turn_is_not_lost(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer(check=CHECK))) as w:
            await asyncio.sleep(2)
            w.prober.keep_waiting(A, 100)
            await asyncio.sleep(200)
            assert w.parts.probes_stalled is None, "those of the other real have ended"
        assert events_of(tmp_path, ActorCrashed) == []

    run(main())


def test_it_is_known_since_when_no_probe_ends_until_one_does(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer(check=CHECK))) as w:
            await asyncio.sleep(2)
            for real in (A, B):
                w.prober.keep_waiting(real, 100)
            began = w.loop.time()
            await asyncio.sleep(NOTICED)
            assert w.parts.probes_stalled is not None
            assert 0 < w.parts.probes_stalled - began <= NOTICED
            await asyncio.sleep(100)
            assert w.parts.probes_stalled is None

    run(main())


def test_balancers_without_reals_are_no_stall(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer(reals=0))) as w:
            await asyncio.sleep(100)
            assert w.parts.probes_stalled is None

    run(main())


def test_a_real_that_leaves_takes_its_promise_along(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer(check=CHECK))) as w:
            await asyncio.sleep(2)
            assert len(w.parts.promises) == 2
            await w.reload(config(balancer(reals=1, check=CHECK)))
            await asyncio.sleep(60)
            assert len(w.parts.promises) == len(actors_of(Checker)) == 1
        assert events_of(tmp_path, ActorCrashed) == []

    run(main())


def test_a_kernel_that_hangs_is_said_once_holds_up_no_probe_and_gets_the_latest_state(tmp_path: Path) -> None:
    async def main() -> None:
        machine = WatchedMachine()
        async with world(tmp_path, config(balancer(check=CHECK)), machine=machine, prepare=with_slow_worker) as w:
            await asyncio.sleep(2)
            worker = slow_worker_of(w)
            worker.answers.clear()
            before, batches = w.recorder.last_seq, len(machine.batches)
            w.real_fails_now(A)
            await asyncio.sleep(10)
            asked = len(w.prober.asked)
            w.prober.answers[B] = REFUSED
            await asyncio.sleep(1.5)
            del w.prober.answers[A], w.prober.answers[B]
            await asyncio.sleep(100)
            assert len(events_of(tmp_path, MachineStalled, before + 1)) == 1
            assert events_of(tmp_path, MachineAnswered, before + 1) == []
            assert len(w.prober.asked) - asked > 190
            worker.answers.set()
            await asyncio.sleep(INTERVAL + 0.1)
            (answered,) = events_of(tmp_path, MachineAnswered, before + 1)
            assert 110 < answered.seconds < 120
            assert w.weights(WEB) == {A: 1000, B: 1000}
            assert len(machine.batches) - batches <= 2, "what came and went meanwhile never reaches the kernel"

    run(main())


def test_a_watchdog_that_crashes_starts_again(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer(check=CHECK))) as w:
            actor_of(Watchdog).tell("nonsense")
            await asyncio.sleep(1)
            w.prober.lose(A)
            await asyncio.sleep(NOTICED + 0.2)
        assert [crash.actor.split()[0] for crash in events_of(tmp_path, ActorCrashed)] == ["watchdog", "checker"]

    run(main())


@pytest.mark.parametrize("kind", [Checker, BalancerActor, Applier])
def test_an_actor_that_crashes_is_recorded_restarted_and_changes_no_weight(tmp_path: Path, kind: type[Actor]) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer(reals=1, check=tcp()))) as w:
            await asyncio.sleep(1.5)
            first = actor_of(kind)
            for _ in range(3):
                actor_of(kind).tell("nonsense")
                await asyncio.sleep(2)
            assert actor_of(kind).actor_urn != first.actor_urn
            assert w.weights(WEB) == {A: 1000}
            w.prober.answers[A] = REFUSED
            await asyncio.sleep(1.5)
            assert w.state.fleet.balancers[WEB].mode == "failsafe", "it works again"
        crashes = events_of(tmp_path, ActorCrashed)
        assert [crash.retry_in for crash in crashes] == [0.1, 0.2, 0.4]
        assert "nonsense" in crashes[0].error
        assert "on_receive" in crashes[0].traceback

    run(main())


# --- the supervisor itself ----------------------------------------------------------------------------------------


async def ended(w: World) -> bool:
    """What the daemon says once it has ended, and is closed as the process does it."""
    clean = await asyncio.wait_for(asyncio.shield(w.daemon.finished), 60)
    assert await w.daemon.close(1.0) == []
    assert await w.recorder.close(1.0)
    return clean


def test_a_supervisor_that_crashes_ends_the_daemon_and_leaves_the_kernel_serving(tmp_path: Path) -> None:
    async def main() -> None:
        machine = WatchedMachine()
        async with world(tmp_path, config(balancer(check=CHECK)), machine=machine) as w:
            await asyncio.sleep(2)
            w.recorder.scrub = lambda text: text.replace("secret", "***")
            actor_of(Supervisor).tell("secret")
            assert not await ended(w)
            assert w.weights(WEB) == {A: 1000, B: 1000}
        crash, stopping = [r for r in journal_of(tmp_path) if isinstance(r.event, ActorCrashed | DaemonStopping)]
        assert isinstance(crash.event, ActorCrashed)
        assert crash.event.actor == "supervisor"
        assert "***" in crash.event.error
        assert "on_receive" in crash.event.traceback
        assert "secret" not in crash.event.error + crash.event.traceback
        assert isinstance(stopping.event, DaemonStopping)
        assert (stopping.event.on_stop, stopping.cause) == ("leave", crash.seq)
        batches = len(machine.batches)
        async with world(tmp_path, config(balancer(check=CHECK)), machine=machine) as w:
            assert w.real(WEB, A).healthy, "health is resumed"
            await asyncio.sleep(2)
            assert len(machine.batches) == batches, "nothing had to be changed"

    run(main())


def test_a_crash_of_the_supervisor_writes_no_secret_to_stderr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer(check=CHECK))) as w:
            await asyncio.sleep(2)
            actor_of(Supervisor).tell("secret")
            assert not await ended(w)

    run(main())
    assert capsys.readouterr().err == ""


def test_a_supervisor_that_crashes_while_it_starts_ends_the_daemon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("no router today")

    monkeypatch.setattr(Router, "start", broken)

    async def main() -> None:
        async with world(tmp_path, config(balancer(check=CHECK))) as w:
            assert not await ended(w)
        (crash,) = events_of(tmp_path, ActorCrashed)
        assert (crash.actor, crash.error) == ("supervisor", "RuntimeError: no router today")

    run(main())


def test_a_supervisor_that_crashes_within_a_cleanup_ends_it_and_resumes_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer(check=CHECK)), prepare=with_slow_worker) as w:
            await asyncio.sleep(2)
            slow_worker_of(w).answers.clear()
            w.daemon.stop(Stop(reason="test", on_stop="cleanup"))
            await asyncio.sleep(1)
            actor_of(Supervisor).tell("nonsense")
            clean = await asyncio.wait_for(asyncio.shield(w.daemon.finished), 60)
            slow_worker_of(w).answers.set()
            assert not clean
            assert not await ended(w)
        assert [stopping.on_stop for stopping in events_of(tmp_path, DaemonStopping)] == ["cleanup"]

    run(main())
