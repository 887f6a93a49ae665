"""What differs between two configs, key by key, as the config spells it, and how many reals it bears on. Pure.

As in a reload, a balancer is the same if its service is, and a real if its address is; their order does not matter.
Secrets are compared by their references, so a changed value is not seen here.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Literal

import msgspec

from kglb.config.balancers import ANNOUNCE, BALANCER, PERSISTENCE
from kglb.config.checks import COMMON, KINDS, PORT
from kglb.config.document import BGP, CONTROL, DATA_PLANE, JOURNAL, STATUS
from kglb.config.problems import show
from kglb.config.reader import Key, Node, Reading
from kglb.config.reals import POOL, REAL
from kglb.config.secrets import Secrets
from kglb.config.summary import describe_balancer
from kglb.config.values import spelled
from kglb.model import AllCheck, Balancer, Check, Config, SecretRef, Service, kind_of, secrets_of

_SECTIONS = {"journal": JOURNAL, "data_plane": DATA_PLANE, "status": STATUS, "control": CONTROL, "bgp": BGP}
_HEADER = "headers."
_NAMED = 3
"""So many reals are named; of more it is said how many they are."""

_Values = Mapping[str, object]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A key with another value, or a balancer or a real that came or went: ``key`` is ``balancer`` or ``reals`` then.

    ``before`` and ``after`` are as the config spells them; None is a key that is not set. ``reals`` are how many reals
    of the ``balancer`` it bears on, and ``hosts`` which, where they are not all. Of the daemon there is no balancer.
    """

    change: Literal["added", "removed", "changed"] = "changed"
    balancer: str = ""
    service: str = ""
    key: str
    before: object = None
    after: object = None
    reals: int = 0
    hosts: tuple[str, ...] = ()

    def __str__(self) -> str:
        """A line for people: ``check.path /up -> /ready (3 reals are judged by it from now on)``."""
        if self.key == "balancer":
            return str(self.before or self.after)
        if self.change != "changed":
            called = str(self.before or self.after)
            return f"{'pool' if ' ' in called else 'real'} {called}"
        values = f"{self.key} {_word(self.before)} -> {_word(self.after)}"
        return f"{values} ({self._bearing})" if self.balancer else values

    @property
    def _bearing(self) -> str:
        if 0 < len(self.hosts) <= _NAMED:
            return ", ".join(self.hosts)
        reals = "1 real" if self.reals == 1 else f"{self.reals} reals"
        if not self.key.startswith("check."):
            return reals
        return f"{reals} {'is' if self.reals == 1 else 'are'} judged by it from now on"


def changes(before: Config, after: Config) -> tuple[Change, ...]:
    """What leads from one config to the other: first what is the daemon's, then each balancer's."""
    return (*_of_daemon(before, after), *_of_balancers(before, after))


def shared_secrets(before: Config, after: Config) -> tuple[SecretRef, ...]:
    """The secrets that both refer to: what they stand for may differ all the same."""
    known = {secret for balancer in before.balancers for secret in secrets_of(balancer.check)}
    used = {secret for balancer in after.balancers for secret in secrets_of(balancer.check)}
    return tuple(sorted(known & used, key=str))


def _of_daemon(before: Config, after: Config) -> Iterator[Change]:
    for section, keys in _SECTIONS.items():
        old, new = (_spelled(f"{section}.", keys, getattr(config, section)) for config in (before, after))
        for key, values in _differing(old, new):
            yield Change(key=key, before=values[0], after=values[1])


def _of_balancers(before: Config, after: Config) -> Iterator[Change]:
    old, new = ({balancer.id: balancer for balancer in config.balancers} for config in (before, after))
    for id in {**old, **new}:
        was, is_now = old.get(id), new.get(id)
        if was is None or is_now is None:
            yield _come_or_gone(was, is_now)
        elif was != is_now:
            yield from _of_one(was, is_now)


def _come_or_gone(before: Balancer | None, after: Balancer | None) -> Change:
    there = before or after
    assert there is not None, "a balancer of one of both configs"
    return Change(
        change="added" if before is None else "removed",
        balancer=there.name,
        service=there.id,
        key="balancer",
        before=before and describe_balancer(before),
        after=after and describe_balancer(after),
        reals=len(there.reals),
    )


def _of_one(before: Balancer, after: Balancer) -> Iterator[Change]:
    reals = len(after.reals)
    of_service = _differing(_of_service(before), _of_service(after))
    of_check = _differing(_of_check(before.check), _of_check(after.check))
    for key, (old, new) in chain(of_service, of_check):
        yield Change(balancer=after.name, service=after.id, key=key, before=old, after=new, reals=reals)
    yield from _of_reals(before, after)


def _of_service(balancer: Balancer) -> _Values:
    """The keys of a balancer without those of its reals and its check."""
    own = {"service", "persistence", "forward", "weight", "reals", "announce", "check"}
    values: dict[str, object] = {}
    for key in BALANCER:
        if key.name not in own:
            holder: Balancer | Service = balancer.service if key.name in ("scheduler", "flags") else balancer
            values |= _spelled("", (key,), holder)
    values |= _spelled("persistence.", PERSISTENCE, balancer.service)
    if balancer.announce is not None:
        values |= _spelled("announce.", ANNOUNCE, balancer.announce)
    return values


def _of_check(check: Check) -> _Values:
    """The keys of a check, and of each of several."""
    if not isinstance(check, AllCheck):
        return _of_kind("check.", check, COMMON)
    values = {"check.type": kind_of(check), **_spelled("check.", COMMON, check)}
    for index, part in enumerate(check.checks):
        values |= _of_kind(f"check.checks[{index}].", part, (PORT,))
    return values


def _of_kind(prefix: str, check: Check, common: Sequence[Key]) -> dict[str, object]:
    """The keys of a check that asks something, each header as one."""
    kind = kind_of(check)
    values = {f"{prefix}type": kind, **_spelled(prefix, (*common, *KINDS[kind].keys), check)}
    headers = values.pop(f"{prefix}headers", {})
    assert isinstance(headers, dict)
    return values | {f"{prefix}{_HEADER}{name}": value for name, value in headers.items()}


def _of_reals(before: Balancer, after: Balancer) -> Iterator[Change]:
    """The entries of ``reals``: reals by their hosts, pools by their ids."""
    old, new = ({**_reals(balancer), **_pools(balancer)} for balancer in (before, after))
    for called in (called for called in new if called not in old):
        yield Change(change="added", balancer=after.name, service=after.id, key="reals", after=called, reals=1)
    for called in (called for called in old if called not in new):
        yield Change(change="removed", balancer=after.name, service=after.id, key="reals", before=called, reals=1)
    common: dict[tuple[str, object, object], list[str]] = {}
    for called, values in new.items():
        for key, differing in _differing(old.get(called, values), values):
            common.setdefault((key, *differing), []).append(called)
    for (key, was, is_now), some in common.items():
        hosts = tuple(some) if len(some) < len(new) else ()
        yield Change(
            balancer=after.name, service=after.id, key=key, before=was, after=is_now, reals=len(some), hosts=hosts
        )


def _reals(balancer: Balancer) -> dict[str, _Values]:
    keys = [key for key in REAL if key.name != "address"]
    return {real.host: _spelled("reals.", keys, real) for real in balancer.reals}


def _pools(balancer: Balancer) -> dict[str, _Values]:
    return {pool.id: _spelled("reals.", POOL, pool) for pool in balancer.pools}


def _spelled(prefix: str, keys: Sequence[Key], holder: msgspec.Struct) -> _Values:
    """What these keys are, by their full names."""
    return {f"{prefix}{key.name}": _spell(key, getattr(holder, key.field or key.name)) for key in keys}


def _spell(key: Key, value: object) -> object:
    """None for what the model has where a key is not set, which is what the key itself would not take."""
    found = spelled(key.read, value)
    if value:
        return found
    try:
        key.read(Node(found, (), Reading("", Secrets({}, ""))))
    except ValueError:
        return None
    return found


def _differing(before: _Values, after: _Values) -> Iterator[tuple[str, tuple[object, object]]]:
    """The keys with another value. To have a key and to leave it empty is as not to have it, except for headers."""
    for key in {**before, **after}:
        old, new = before.get(key), after.get(key)
        absent = not (key in before and key in after) and _HEADER not in key
        if old != new and (old or new or not absent):
            yield key, (old, new)


def _word(value: object) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "true" if value else "false"
        case str():
            return value if value.isprintable() and value and " " not in value and len(value) <= 60 else show(value)
        case list():
            return " ".join(map(_word, value)) or "-"
        case dict():
            return "{ " + ", ".join(f"{key} = {show(inner)}" for key, inner in value.items()) + " }"
        case _:
            return str(value)
