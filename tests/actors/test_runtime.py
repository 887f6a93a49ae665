"""Actors on one loop: order, isolation of crashes, timers, tasks, and calls from other threads."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any, TypeVar

import pytest
from pykka import ActorDeadError, ActorRef, ActorRegistry

from kglb.actors.runtime import Alarm, Crash, LoopActor, Scheduler
from tests.actors.virtual import run
from tests.patience import PATIENCE

L = TypeVar("L", bound="Listener")


class Listener(LoopActor):
    """Keeps what it is told; raises on "raise", spawns on "spawn"."""

    def __init__(self, scheduler: Scheduler, **more: Any) -> None:
        super().__init__(scheduler, **more)
        self.heard: list[object] = []
        self.drains = 0
        self.ended: list[str] = []

    def on_receive(self, message: object) -> object:
        if message == "raise":
            raise RuntimeError("as told")
        if message == "spawn":
            self.spawn(self._work())
        self.heard.append(message)
        return f"heard {message}"

    async def _work(self) -> None:
        await asyncio.sleep(1)
        raise ValueError("from a task")

    def on_drained(self) -> None:
        self.drains += 1

    def on_stop(self) -> None:
        self.ended.append("stopped")

    def on_failure(self, *_: object) -> None:
        self.ended.append("failed")


def actor_of(ref: ActorRef[L]) -> L:
    actor = ref._actor_weakref()
    assert actor is not None
    return actor


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    yield
    left = ActorRegistry.get_all()
    for ref in left:
        ActorRegistry.unregister(ref)
    assert left == []


def scheduler() -> Scheduler:
    return Scheduler(asyncio.get_running_loop())


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_messages_are_handled_in_order_and_decided_on_once() -> None:
    async def main() -> None:
        ref = Listener.start(scheduler())
        for number in range(1000):
            ref.tell(number)
        await settle()
        assert actor_of(ref).heard == list(range(1000))
        assert actor_of(ref).drains == 1
        ref.stop(block=False)
        await settle()
        assert actor_of(ref).ended == ["stopped"]

    run(main())


def test_what_is_told_while_handling_waits_for_the_next_turn() -> None:
    class Echo(Listener):
        def on_receive(self, message: object) -> object:
            if message == "again":
                self.actor_ref.tell("echo")
            return super().on_receive(message)

    async def main() -> None:
        ref = Echo.start(scheduler())
        ref.tell("again")
        await settle()
        assert actor_of(ref).heard == ["again", "echo"]
        assert actor_of(ref).drains == 2
        ref.stop(block=False)
        await settle()

    run(main())


def test_a_crash_stops_that_actor_alone_and_is_told_to_its_parent() -> None:
    async def main() -> None:
        common = scheduler()
        parent = Listener.start(common)
        child = Listener.start(common, key="child", parent=parent)
        other = Listener.start(common, key="other", parent=parent)
        for message in ("before", "raise", "after"):
            child.tell(message)
            other.tell("hello")
        await settle()
        assert actor_of(child).heard == ["before"]
        assert actor_of(child).ended == ["failed"]
        assert not child.is_alive()
        assert actor_of(other).heard == ["hello"] * 3
        (crash,) = actor_of(parent).heard
        assert isinstance(crash, Crash)
        assert (crash.key, crash.error) == ("child", "RuntimeError: as told")
        assert "on_receive" in crash.traceback
        parent.stop(block=False)
        other.stop(block=False)
        await settle()

    run(main())


def test_an_exception_in_a_task_is_the_actors() -> None:
    async def main() -> None:
        common = scheduler()
        parent = Listener.start(common)
        child = Listener.start(common, key=7, parent=parent)
        child.tell("spawn")
        await asyncio.sleep(2)
        (crash,) = actor_of(parent).heard
        assert isinstance(crash, Crash)
        assert (crash.key, crash.error) == (7, "ValueError: from a task")
        parent.stop(block=False)
        await settle()

    run(main())


def test_timers_and_tasks_die_with_the_actor() -> None:
    async def main() -> None:
        ref = Listener.start(scheduler())
        actor_of(ref).after(1, "late")
        ref.tell("spawn")
        await settle()
        ref.stop(block=False)
        await asyncio.sleep(5)
        assert actor_of(ref).heard == ["spawn"]

    run(main())


def test_a_timer_can_be_cancelled() -> None:
    async def main() -> None:
        ref = Listener.start(scheduler())
        cancel = actor_of(ref).after(1, "cancelled")
        actor_of(ref).after(2, "kept")
        cancel()
        await asyncio.sleep(3)
        assert actor_of(ref).heard == ["kept"]
        ref.stop(block=False)
        await settle()

    run(main())


def test_an_alarm_that_is_set_again_goes_off_once_and_one_that_is_cancelled_never() -> None:
    async def main() -> None:
        ref = Listener.start(scheduler())
        listener = actor_of(ref)
        alarm, other = Alarm(listener, "alarm"), Alarm(listener, "other")
        alarm.set(1)
        alarm.set(2)
        other.set(1)
        other.cancel()
        await asyncio.sleep(1.5)
        assert listener.heard == []
        await asyncio.sleep(1)
        assert listener.heard == ["alarm"]
        alarm.set(1)
        await asyncio.sleep(1.5)
        assert listener.heard == ["alarm", "alarm"]
        ref.stop(block=False)
        await settle()

    run(main())


def test_other_threads_may_tell_and_ask() -> None:
    async def main() -> None:
        ref = Listener.start(scheduler())
        answers: list[object] = []
        thread = threading.Thread(target=lambda: answers.append(ref.ask("question", timeout=PATIENCE)))
        thread.start()
        while thread.is_alive():
            await asyncio.sleep(0.001)
        assert answers == ["heard question"]
        ref.stop(block=False)
        await settle()

    asyncio.run(main())


def test_who_asks_an_actor_that_stops_is_told_so() -> None:
    async def main() -> None:
        ref = Listener.start(scheduler())
        ref.stop(block=False)
        future = ref.ask("too late", block=False)
        await settle()
        with pytest.raises(ActorDeadError):
            future.get(timeout=0)

    run(main())


def test_an_exception_goes_to_who_asked_and_the_actor_lives() -> None:
    async def main() -> None:
        ref = Listener.start(scheduler())
        future = ref.ask("raise", block=False)
        await settle()
        with pytest.raises(RuntimeError, match="as told"):
            future.get(timeout=0)
        assert ref.is_alive()
        ref.stop(block=False)
        await settle()

    run(main())
