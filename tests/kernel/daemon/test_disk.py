"""The journal on a disk of its own that fails as disks do: the daemon goes on, says so, and makes up for it."""

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from journal import SegmentOpened
from kglb.events import JournalGap
from kglb.replay.fsck import fsck
from lab.namespaces import command
from lab.reals import Reals
from tests.kernel.director import WEIGHT, Director, balancer, until

SERVICE = "tcp://10.0.0.100:80"
FIRST, SECOND = "10.2.0.10:80", "10.2.0.11:80"
LOOP_CONTROL = os.makedev(10, 237)
MOST_FAILOVERS = 10


class Disk:
    """An image on a small tmpfs, mounted by a loop device: where the tmpfs is full, the disk cannot write."""

    def __init__(self, directory: Path, filesystem: str, *options: str) -> None:
        self.backing, self.root = directory / "backing", directory / "disk"
        self.backing.mkdir()
        self.root.mkdir()
        command("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(self.backing))
        self._image, self._ballast = self.backing / "image", self.backing / "ballast"
        with self._image.open("wb") as image:
            image.truncate(16 << 20)
        command("mke2fs", "-q", "-F", "-t", filesystem, *options, str(self._image))
        self.mount()

    @property
    def device(self) -> str:
        """The name of its block device."""
        return Path(command("findmnt", "-n", "-o", "SOURCE", str(self.root)).strip()).name

    def mount(self) -> None:
        """Have it at ``root``."""
        command("mount", "-o", "loop,errors=remount-ro", str(self._image), str(self.root))

    def unmount(self) -> None:
        """Take it away, in whatever state."""
        command("umount", "--lazy", str(self.root))

    def close(self) -> None:
        """Leave nothing behind."""
        with suppress(RuntimeError):
            self.unmount()
        command("umount", "--lazy", str(self.backing))

    def fill_backing(self) -> None:
        """Leave not a byte of room below the file system, which does not know it."""
        os.sync()
        with self._ballast.open("wb", buffering=0) as ballast, suppress(OSError):
            while True:
                ballast.write(bytes(4096))

    def make_good(self) -> None:
        """Give the room back, and let the file system, which gave up, be written again."""
        self._ballast.unlink()
        command("mount", "-o", "remount,rw", str(self.root))


@contextmanager
def disk(director: Director, directory: Path, filesystem: str, *options: str) -> Iterator[Disk]:
    """The director's journal on such a disk; it is copied to where it is verified in the end."""
    if not Path("/dev/loop-control").exists():
        os.mknod("/dev/loop-control", stat.S_IFCHR | 0o600, LOOP_CONTROL)
    verified = director.journal
    made = Disk(directory, filesystem, *options)
    director.journal = made.root / "journal"
    try:
        yield made
        director.kill()
        shutil.copytree(director.journal, verified)
    finally:
        director.kill()
        director.journal = verified
        made.close()


def fail_over(director: Director, reals: Reals) -> None:
    """The second real goes down and comes up, and its weight with it."""
    _, second, _ = director.network.reals
    reals.behave("refuse", second)
    director.wait_weights(SERVICE, {FIRST: WEIGHT, SECOND: 0}, recorded=False)
    reals.behave("answer", second)
    director.wait_weights(SERVICE, {FIRST: WEIGHT, SECOND: WEIGHT}, recorded=False)


def healthy(director: Director) -> bool:
    return director.status("/healthz") == "ok\n"


def start(director: Director) -> None:
    director.configure(balancer(SERVICE, [FIRST, SECOND]))
    director.start()
    director.wait_weights(SERVICE, {FIRST: WEIGHT, SECOND: WEIGHT})
    until(lambda: healthy(director), "a healthy daemon")


def fail_over_until_degraded(director: Director, reals: Reals) -> None:
    """What fails is noticed with the next records; those who are degraded fail over as well."""
    for _ in range(MOST_FAILOVERS):
        fail_over(director, reals)
        if not healthy(director):
            break
    fail_over(director, reals)
    assert "the journal is degraded" in director.status("/healthz")
    assert director.scraped("kglb_journal_degraded") == 1
    assert "the journal is degraded" in director.verb("status").stdout
    until(lambda: '"journal degraded"' in director.log.read_text(), "a line in the log")


def wait_read_only(director: Director) -> None:
    """Return once the journal's last attempt has met a file system that has turned read-only."""
    until(lambda: "Read-only file system" in director.status("/healthz"), "a read-only file system")


def test_a_disk_that_loses_what_it_had_taken_leaves_a_gap_and_a_checkpoint(
    director: Director, reals: Reals, tmp_path: Path
) -> None:
    with disk(director, tmp_path, "ext2") as thin:
        start(director)
        thin.fill_backing()
        fail_over_until_degraded(director, reals)
        wait_read_only(director)  # so ext2 answers an error below it
        thin.make_good()
        until(lambda: healthy(director), "the recovery")
        until(lambda: '"journal recovered"' in director.log.read_text(), "a line in the log")
        fail_over(director, reals)
        assert director.stop() == 0
        opened, gap = (record.event for record in director.records(_last_opening(director) - 1)[:2])
        assert isinstance(opened, SegmentOpened)
        assert isinstance(gap, JournalGap)
        assert not fsck(director.journal).faults


def _last_opening(director: Director) -> int:
    return max(int(path.stem) for path in director.journal.glob("*.jsonl"))


def test_a_file_system_that_turns_read_only_stops_no_failover_and_keeps_what_it_had(
    director: Director, reals: Reals, tmp_path: Path
) -> None:
    with disk(director, tmp_path, "ext4", "-O", "^has_journal") as failing:
        trigger = Path(f"/sys/fs/ext4/{failing.device}/trigger_fs_error")
        if not trigger.exists():
            pytest.skip("this kernel has no way to make ext4 fail")
        start(director)
        trigger.write_text("the test says so")
        fail_over_until_degraded(director, reals)
        wait_read_only(director)
        director.stop()
        before = director.last_seq()
        assert not fsck(director.journal).faults
        failing.unmount()
        failing.mount()
        start(director)
        assert director.last_seq() > before


def test_a_disk_that_hangs_stops_no_failover_and_loses_nothing(
    director: Director, reals: Reals, tmp_path: Path
) -> None:
    with disk(director, tmp_path, "ext4", "-O", "^has_journal") as hanging:
        start(director)
        command("fsfreeze", "--freeze", str(hanging.root))
        try:
            fail_over_until_degraded(director, reals)
        finally:
            command("fsfreeze", "--unfreeze", str(hanging.root))
        until(lambda: healthy(director), "the recovery")
        assert director.stop() == 0
        assert not director.events(JournalGap)
        assert not fsck(director.journal).faults
