"""Reals from a file in the shape of Prometheus' file_sd: ``[{"targets": ["10.0.0.7:80"], "labels": {...}}]``, in JSON.

One label is ours: ``kglb_weight`` says the weight of a group's targets. Every other label, and every other key of a
group, is somebody else's, so one file serves both. With one mistake in it a file says nothing.
"""

import os
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from kglb.config import network
from kglb.config.files import UnreadableError, read_text
from kglb.config.problems import RefusedError, show
from kglb.model import Member, RealId
from kglb.model.endpoint import is_address, split_host_port

WEIGHT_LABEL = "kglb_weight"

LARGEST_FILE = 16 * 1024 * 1024
"""In bytes; a hundred thousand targets are 3 MB."""


class Stamp(NamedTuple):
    """What tells a file from what it was before: when it was written, how long it is, and which it is."""

    written: int
    size: int
    device: int
    inode: int


class Targets(NamedTuple):
    """What a file with this stamp says: its members, or what is wrong with it."""

    stamp: Stamp
    members: tuple[Member, ...] = ()
    problem: str = ""


def read_targets(path: str, seen: Stamp | None) -> Targets | None:
    """What a file says; None if it is the one that was ``seen``. Raises OSError with a sentence where there is none."""
    try:
        found = os.stat(path)
    except OSError as error:
        raise OSError(f"cannot be read: {error.strerror or error}") from None
    stamp = Stamp(found.st_mtime_ns, found.st_size, found.st_dev, found.st_ino)
    if stamp == seen:
        return None
    try:
        return Targets(stamp, parse_targets(read_text(path, limit=LARGEST_FILE, regular=True)))
    except (UnreadableError, RefusedError) as problem:
        return Targets(stamp, problem=str(problem))


def parse_targets(text: str) -> tuple[Member, ...]:
    """The members that a text names, at least one, in its order. Raises RefusedError with the first mistake, and with
    how many there are besides.
    """
    try:
        groups = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise RefusedError(f"is not JSON: {error}") from None
    if not isinstance(groups, list):
        raise RefusedError(f'expected a list of {{"targets": [...]}}, found {show(groups)}')
    mistakes: list[str] = []
    members = [one for place, group in enumerate(groups) for one in _members(group, f"[{place}]", mistakes)]
    if mistakes:
        more = f" (and {len(mistakes) - 1} more mistakes)" if len(mistakes) > 1 else ""
        raise RefusedError(f"{mistakes[0]}{more}")
    if not members:
        raise RefusedError("names no target")
    return tuple(members)


def _members(group: Any, place: str, mistakes: list[str]) -> Iterator[Member]:
    if not isinstance(group, dict):
        mistakes.append(f'{place}: expected {{"targets": [...]}}, found {show(group)}')
        return
    targets, labels = group.get("targets"), group.get("labels")
    if not isinstance(targets, list):
        mistakes.append(f"{place}.targets: expected a list, found {show(targets)}")
        return
    weight = None if labels is None else _weight(labels, f"{place}.labels", mistakes)
    for number, target in enumerate(targets):
        try:
            yield Member(RealId(_endpoint(target)), weight)
        except ValueError as refusal:
            mistakes.append(f"{place}.targets[{number}]: {refusal}")


def _endpoint(target: object) -> str:
    found = network.real_host(target)
    host, port = split_host_port(found)
    if not is_address(host):
        raise RefusedError(f"expected an IP address and a port, found the name {show(target)}")
    if not port:
        raise RefusedError(f"expected a port from 1 to 65535, found {show(target)}")
    return found


def _weight(labels: object, place: str, mistakes: list[str]) -> int | None:
    if not isinstance(labels, dict):
        mistakes.append(f"{place}: expected a table of labels, found {show(labels)}")
        return None
    label = labels.get(WEIGHT_LABEL)
    if label is None:
        return None
    number = int(label) if isinstance(label, str) and label.isascii() and label.isdigit() and len(label) < 10 else label
    try:
        return network.weight(number)
    except ValueError as refusal:
        mistakes.append(f"{place}.{WEIGHT_LABEL}: {refusal}")
        return None
