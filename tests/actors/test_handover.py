"""While the kernel refuses the weight that is to take over, what serves goes on serving; and is explained."""

import asyncio
import errno
from pathlib import Path

from msgspec.structs import replace

from kglb.actors.applier import Applier
from kglb.dataplane.memory import MemoryDataPlane
from kglb.events import ActorCrashed, DriftFound, OperationsApplied, RealDrained
from kglb.model import AddDestination, ChangeDestination, DeleteDestination, Operation, RealId, TcpCheck
from kglb.replay.explain import explain
from kglb.replay.explanation import RealExplanation
from kglb.replay.source import Source
from kglb.replay.verify import verify
from tests.actors.virtual import run
from tests.actors.world import REFUSED, actor_of, events_of, world
from tests.projections.builders import WEB, balancer, config, real, real_id

A, B = real_id(0), real_id(1)

CHECK = TcpCheck(interval=1.0, timeout=1.0, rise=1, fall=1)


class Stubborn(MemoryDataPlane):
    """Refuses to give any weight to ``refused``; loses the answers to operations on ``lost``, which it performs."""

    refused = lost = RealId("")

    def _perform(self, operation: Operation) -> int:
        match operation:
            case AddDestination(_, wanted) | ChangeDestination(_, wanted):
                if wanted.real == self.refused and wanted.weight:
                    return errno.ENOMEM
                number = super()._perform(operation)
                return errno.ENOBUFS if wanted.real == self.lost else number
            case _:
                return super()._perform(operation)


def test_a_drained_real_serves_until_the_kernel_takes_the_other_ones_weight(tmp_path: Path) -> None:
    async def main() -> None:
        machine = Stubborn()
        machine.refused = B
        async with world(tmp_path, config(balancer(check=CHECK)), machine=machine) as w:
            await asyncio.sleep(2)
            assert w.weights(WEB) == {A: 1000, B: 0}
            w.recorder.record(RealDrained(service=WEB, real=A, who="operator"))
            await asyncio.sleep(60)
            assert w.weights(WEB) == {A: 1000, B: 0}
            machine.refused = RealId("")
            await asyncio.sleep(31)
            assert w.weights(WEB) == {A: 0, B: 1000}
        assert verify(Source(tmp_path)).difference is None

    run(main())


def test_so_does_one_that_the_config_no_longer_has(tmp_path: Path) -> None:
    async def main() -> None:
        machine = Stubborn()
        machine.refused = B
        async with world(tmp_path, config(balancer(check=CHECK)), machine=machine) as w:
            await asyncio.sleep(2)
            await w.reload(config(replace(balancer(check=CHECK), reals=(real(1),))))
            await asyncio.sleep(60)
            assert w.weights(WEB) == {A: 1000, B: 0}
            machine.refused = RealId("")
            await asyncio.sleep(31)
            assert w.weights(WEB) == {B: 1000}
        last = events_of(tmp_path, OperationsApplied)[-3:]
        assert [type(one) for done in last for one in done.operations][:2] == [ChangeDestination, DeleteDestination]

    run(main())


def test_when_the_first_real_is_back_from_failsafe_the_others_wait_for_its_weight(tmp_path: Path) -> None:
    async def main() -> None:
        machine = Stubborn()
        async with world(tmp_path, config(balancer(check=CHECK)), machine=machine) as w:
            await asyncio.sleep(2)
            w.real_fails_now(B)
            await asyncio.sleep(2)
            machine.refused = B
            w.real_fails_now(A)
            await asyncio.sleep(2)
            assert w.state.fleet.balancers[WEB].mode == "failsafe"
            del w.prober.answers[B]
            await asyncio.sleep(5)
            assert w.state.fleet.balancers[WEB].mode == "available"
            assert w.weights(WEB) == {A: 1000, B: 0}
            machine.refused = RealId("")
            await asyncio.sleep(31)
            assert w.weights(WEB) == {A: 0, B: 1000}

    run(main())


def test_under_fail_closed_a_real_that_is_down_does_not_wait(tmp_path: Path) -> None:
    async def main() -> None:
        machine = Stubborn()
        machine.refused = B
        async with world(tmp_path, config(balancer(check=CHECK, when_all_down="fail_closed")), machine=machine) as w:
            await asyncio.sleep(2)
            w.real_fails_now(A)
            await asyncio.sleep(1)
            assert w.weights(WEB) == {A: 0, B: 0}

    run(main())


def test_a_real_of_which_an_answer_was_lost_is_not_relied_on_before_it_is_read_back(tmp_path: Path) -> None:
    async def main() -> None:
        machine = Stubborn()
        async with world(tmp_path, config(balancer(check=CHECK)), machine=machine) as w:
            await asyncio.sleep(2)
            machine.lost = B
            w.real_fails_now(B)
            await asyncio.sleep(0)
            await asyncio.sleep(0.01)
            assert w.weights(WEB) == {A: 1000, B: 0}, "done, but nobody knows"
            w.real_fails_now(A)  # failsafe: B is wanted with its weight, which it is believed to have
            await asyncio.sleep(0.01)
            del w.prober.answers[B]
            w.prober.ask_now(B)
            await asyncio.sleep(0.01)
            assert w.state.fleet.balancers[WEB].mode == "available"
            assert w.weights(WEB) == {A: 1000, B: 0}
            machine.lost = RealId("")
            await asyncio.sleep(31)
            assert w.weights(WEB) == {A: 0, B: 1000}

    run(main())


def test_an_operator_is_told_why_the_old_weight_stays(tmp_path: Path) -> None:
    async def main() -> RealExplanation:
        machine = Stubborn()
        machine.refused = B
        async with world(tmp_path, config(balancer(check=CHECK)), machine=machine) as w:
            await asyncio.sleep(2)
            w.recorder.record(RealDrained(service=WEB, real=A, who="operator"))
            await asyncio.sleep(10)
            found = explain(Source(tmp_path), A, seq=w.recorder.last_seq)
            assert isinstance(found, RealExplanation)
            return found

    found = run(main())
    assert found.kernel == f"the kernel has weight 1000: so that somebody serves, it keeps it until {B} has its own"
    assert "OperationFailed" in [link.type for link in found.chain]


def test_an_applier_that_crashed_compares_the_machine_before_it_changes_it(tmp_path: Path) -> None:
    async def main() -> None:
        machine = Stubborn()
        async with world(tmp_path, config(balancer(check=CHECK)), machine=machine) as w:
            await asyncio.sleep(2)
            machine.apply([ChangeDestination(WEB, replace(machine.destinations(WEB)[1], weight=0))])
            actor_of(Applier).tell("nonsense")
            w.prober.answers[A] = REFUSED
            await asyncio.sleep(5)
            assert w.weights(WEB) == {A: 0, B: 1000}
        kinds = [type(event) for event in events_of(tmp_path, object)]
        after = kinds[kinds.index(ActorCrashed) :]
        assert OperationsApplied not in after[: after.index(DriftFound)]

    run(main())
