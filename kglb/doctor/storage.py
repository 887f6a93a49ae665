"""Will the journal find its disk: there, writable, local, lasting, and large enough?"""

import shlex
from collections.abc import Iterator

from kglb.doctor.facts import Facts
from kglb.doctor.finding import Finding, note, problem

REMOTE = frozenset({"nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "glusterfs", "fuse.sshfs", "fuse.glusterfs", "afs"})
"""File systems that hang with the network that the daemon is there to mend."""

VOLATILE = frozenset({"tmpfs", "ramfs"})


def can_write(facts: Facts) -> Iterator[Finding]:
    """Without a journal the daemon does not start."""
    if not facts.disk.writable:
        yield problem(
            f"the journal cannot be written to {facts.config.journal.directory}: {facts.disk.existing} is not writable",
            "the daemon cannot start",
            fix=f"install -d -m 0750 {shlex.quote(facts.config.journal.directory)}",
        )


def has_room(facts: Facts) -> Iterator[Finding]:
    """The journal grows up to ``max_size`` before the oldest segments go."""
    most, disk = facts.config.journal.max_size, facts.disk
    if most == 0 and facts.config.journal.max_age == 0:
        yield note(
            'journal.max_size and journal.max_age are "off"',
            "the journal grows until its disk is full; balancing then goes on, but nothing is recorded any more",
            advice='set max_size = "1GiB" in [journal]',
        )
    elif disk.used + disk.free < most:
        room = (disk.used + disk.free) >> 20
        yield problem(
            f"the journal may take {most >> 20} MiB, and its disk has room for {room} MiB",
            "when the disk is full, nothing is recorded any more",
            advice=f'max_size = "{max(1, room * 3 // 4)}MiB" in [journal], or a larger disk',
        )


def is_local(facts: Facts) -> Iterator[Finding]:
    """A disk that hangs delays effects by 50 ms at most, but loses records."""
    kind = facts.disk.filesystem
    if kind in REMOTE:
        why = "when the network fails, the journal cannot say what happened then"
        yield problem(f"the journal is on {kind}", why, advice="use a directory on a local disk")
    elif kind in VOLATILE:
        why = "it does not survive a reboot, so nothing can be explained afterwards"
        yield note(f"the journal is on {kind}", why, advice="use a directory on a disk")


RULES = (can_write, has_room, is_local)
