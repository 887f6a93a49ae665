"""``[balancer.check]``: one row of ``KINDS`` for each type of health check."""

import re
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from kglb.config import network
from kglb.config.headers import read_headers
from kglb.config.problems import RefusedError, show
from kglb.config.reader import Key, Node, ReportedError, leaf, read_list, read_table
from kglb.config.values import boolean, choice, duration, duration_text, integer, text
from kglb.model import Check, DummyCheck, HttpCheck, TcpCheck, connects_by_tcp

_PATH = re.compile(r"/[\x21-\x7e]*")
_CODE_RANGE = re.compile(r"([1-5][0-9]{2})-([1-5][0-9]{2})")
_MOST_RESULTS = 1000


def _path(value: object) -> str:
    found = text(value)
    if not _PATH.fullmatch(found):
        raise RefusedError(f'expected a path like "/health" in ASCII without spaces, found {show(found)}')
    return found


def _codes(value: object) -> range:
    if type(value) is int and 100 <= value <= 599:
        return range(value, value + 1)
    found = _CODE_RANGE.fullmatch(value) if isinstance(value, str) else None
    if found and (codes := range(int(found[1]), int(found[2]) + 1)):
        return codes
    raise RefusedError(f'expected a status code from 100 to 599 or a range like "200-299", found {show(value)}')


def _read_codes(node: Node) -> tuple[int, ...]:
    ranges = read_list(node, leaf(_codes))
    if not node.value:
        raise RefusedError("no code at all: the check could never pass", "leave it out to mean [200]")
    return tuple(sorted({code for _, codes in ranges for code in codes}))


class Kind(NamedTuple):
    """A type of check: what makes it, and the keys it has beyond the common ones."""

    make: Callable[..., Check]
    keys: tuple[Key, ...] = ()


COMMON = (
    Key("interval", leaf(duration("10ms", "24h"))),
    Key("timeout", leaf(duration("10ms", "24h"))),
    Key("rise", leaf(integer(1, _MOST_RESULTS))),
    Key("fall", leaf(integer(1, _MOST_RESULTS))),
    Key("port", leaf(network.port)),
    Key("source", leaf(network.ip_address)),
    Key("fast_interval", leaf(duration("2ms", "24h"))),
    Key("watch", leaf(boolean)),
)

_HTTP = (
    Key("path", leaf(_path)),
    Key("codes", _read_codes),
    Key("headers", read_headers),
)

KINDS = {
    "dummy": Kind(DummyCheck),
    "tcp": Kind(TcpCheck),
    "http": Kind(HttpCheck, _HTTP),
    "https": Kind(partial(HttpCheck, tls=True), _HTTP),
}

TYPE = Key("type", leaf(choice(KINDS)), required=True)

_EVERY_KEY = tuple({key.name: key for kind in KINDS.values() for key in kind.keys}.values())


def read_check(node: Node) -> Check:
    """A health check of the type it names. Without a type its other keys are still looked at."""
    word = node.value.get("type") if isinstance(node.value, dict) else None
    kind = KINDS.get(word) if isinstance(word, str) else None
    values, failed = read_table(node, (TYPE, *COMMON, *(kind.keys if kind else _EVERY_KEY)))
    if failed or kind is None:
        raise ReportedError
    del values["type"]
    check = kind.make(**values)
    if check.fast_interval > check.interval:
        node.fail(
            f"expected at most the interval ({duration_text(check.interval)}), "
            f"found {duration_text(check.fast_interval)}",
            at=("fast_interval",),
        )
    if check.watch and not connects_by_tcp(check):
        node.fail(f'a "{word}" check makes no TCP connection that could be watched', at=("watch",))
    if check.timeout > check.interval:
        node.warn(
            f"the timeout ({duration_text(check.timeout)}) is longer than the interval "
            f"({duration_text(check.interval)}): a real that hangs is checked less often"
        )
    return check
