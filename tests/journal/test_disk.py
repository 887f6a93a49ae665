"""How items reach the committer through the disk's thread."""

import asyncio
import threading

from journal import DiskThread
from journal.disk import Work
from tests.patience import PATIENCE


class Commits:
    """Notes what it is given at once, and can be told to take its time."""

    def __init__(self) -> None:
        self.batches: list[list[Work]] = []
        self.has_begun = threading.Event()
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def __call__(self, items: list[Work]) -> float | None:
        self.has_begun.set()
        self.may_go_on.wait(PATIENCE)
        if items:
            self.batches.append(items)
        return None


def test_what_is_submitted_in_one_turn_of_the_loop_is_committed_together() -> None:
    async def scenario() -> list[list[Work]]:
        disk, commits = DiskThread(), Commits()
        disk.start(commits)

        for item in (b"cause\n", b"decision\n"):
            disk.submit(item)
        await asyncio.sleep(0)
        assert await disk.stop(PATIENCE)
        return commits.batches

    assert asyncio.run(scenario()) == [[b"cause\n", b"decision\n"]]


def test_turns_that_pass_while_the_thread_works_are_committed_together_and_in_order() -> None:
    async def scenario() -> list[list[Work]]:
        disk, commits = DiskThread(), Commits()
        commits.may_go_on.clear()
        disk.start(commits)

        disk.submit(b"1\n")
        await asyncio.sleep(0)
        assert commits.has_begun.wait(PATIENCE)
        for item in (b"2\n", b"3\n"):
            disk.submit(item)
            await asyncio.sleep(0)
        commits.may_go_on.set()
        assert await disk.stop(PATIENCE)
        return commits.batches

    assert asyncio.run(scenario()) == [[b"1\n"], [b"2\n", b"3\n"]]


def test_stopping_commits_what_was_submitted_in_the_same_turn() -> None:
    async def scenario() -> list[list[Work]]:
        disk, commits = DiskThread(), Commits()
        disk.start(commits)

        disk.submit(b"last\n")
        assert await disk.stop(PATIENCE)
        return commits.batches

    assert asyncio.run(scenario()) == [[b"last\n"]]
