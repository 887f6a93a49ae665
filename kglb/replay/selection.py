"""Which records of a journal are shown: those of a stretch that pass a filter, or the last few of them."""

import difflib
import re
import sys
from collections import deque
from collections.abc import Iterable, Iterator

import msgspec

from kglb.events import Event, NameResolved, RealAdded, ResolutionFailed
from kglb.model import RealId, ServiceId, parse_endpoint
from kglb.replay.about import concerns, narrow
from kglb.replay.called import Known, called
from kglb.replay.context import Context
from kglb.replay.errors import NothingRecordedError, ReplayError, UnknownRealError
from kglb.replay.names import Names
from kglb.replay.sentences import KINDS, Sentence, sentence
from kglb.replay.source import Found, Source

FIELDS = ("type", "balancer", "service", "real")

_FIRST_LOOK = 4096
"""Records looked at first when the last few that pass are sought; then eight times as many each time."""

_LONGEST_LOOK = 1 << 15
"""Records kept at once at most."""


class FilterError(ReplayError):
    """A filter is not understood."""


class Filter(msgspec.Struct, frozen=True):
    """What a record must be about. Values of one field are alternatives; all fields that have some must agree.

    A real is an ``address:port``, or an address for all its ports. ``hosts`` are names that the config gives reals,
    with or without a port; their addresses are among ``reals``, as far as they are known.
    """

    types: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()
    reals: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.types) or self._is_about_some

    @property
    def _is_about_some(self) -> bool:
        return bool(self.services or self.reals or self.hosts)

    def passes(self, record: Found) -> bool:
        """Whether a record is to be shown."""
        event = record.event
        if self.types and type(event).__name__ not in self.types:
            return False
        return not self._is_about_some or concerns(event, self.wants) or self._tells_address(event)

    def narrowed(self, record: Found) -> Found:
        """A record with only those of its many entries that are asked for."""
        if not self._is_about_some:
            return record
        return msgspec.structs.replace(record, event=narrow(record.event, self.wants))

    def wants(self, service: ServiceId | None, real: RealId | None) -> bool:
        """Whether this service and this real of it are asked for."""
        if self.services and service not in self.services:
            return False
        if not (self.reals or self.hosts):
            return True
        return real is not None and (real in self.reals or real.rpartition(":")[0] in self.reals)

    def learned(self, event: Event) -> "Filter":
        """The filter after an event, which may give a name another address."""
        if isinstance(event, RealAdded) and self._calls(event):
            return msgspec.structs.replace(self, reals=self.reals | {event.real})
        return self

    def _tells_address(self, event: Event) -> bool:
        """Whether it says where a name leads, or that it leads nowhere."""
        if not isinstance(event, NameResolved | ResolutionFailed) or not self._calls(event):
            return False
        return not self.services or event.service in self.services

    def _calls(self, event: Event) -> bool:
        return bool(self.hosts) and not self.hosts.isdisjoint(called(event))


def parse_filter(terms: Iterable[tuple[str, str]], known: Known) -> Filter:
    """A filter of ``(field, value)`` terms; ``balancer`` and ``service`` name a service. Raises FilterError.

    What is ``known`` is asked for what a name means, if one is used.
    """
    types, services, reals, hosts = set(), set[str](), set[str](), set[str]()
    for field, value in terms:
        match field:
            case "type":
                types.add(_type(value))
            case "balancer":
                services |= _services(value, known.names)
            case "service":
                services.add(value)
            case "real":
                if (address := _address(value)) is not None:
                    reals.add(address)
                else:
                    hosts.add(value)
                    reals |= _reals(value, known)
            case _:
                raise FilterError(f"{field}={value}: {_expected(field)}")
    return Filter(frozenset(types), frozenset(services), frozenset(reals), frozenset(hosts))


def _expected(field: str) -> str:
    close = difflib.get_close_matches(field.lower(), FIELDS, 1)
    return (
        f"did you mean {close[0]}=...?" if close else f"expected one of {', '.join(f'{name}=...' for name in FIELDS)}"
    )


def _type(value: str) -> str:
    by_lower = {name.lower(): name for name in KINDS}
    if value.lower() in by_lower:
        return by_lower[value.lower()]
    close = difflib.get_close_matches(value.lower(), by_lower, 1, 0.5)
    hint = f"did you mean {by_lower[close[0]]}?" if close else f"there are {', '.join(KINDS)}"
    raise FilterError(f"type={value}: there is no such event; {hint}")


def _services(value: str, names: Names) -> frozenset[ServiceId]:
    found = names.services(value)
    if not found:
        raise FilterError(f"balancer={value}: {names.missing(value)}")
    return found


def _reals(value: str, known: Known) -> frozenset[RealId]:
    try:
        return known.reals(value)
    except (UnknownRealError, NothingRecordedError) as error:
        expected = "expected an address:port, an address, or what the config calls a real"
        raise FilterError(f"real={value}: {error}; {expected}") from None


def _address(value: str) -> str | None:
    """An endpoint in its one text form; an address as the part of that before the port; None for what is neither."""
    bracketed = f"[{value}]" if value.count(":") > 1 and not value.startswith("[") else value
    for text, whole in ((bracketed, True), (f"{bracketed}:0", False)):
        try:
            endpoint = str(parse_endpoint(text))
        except ValueError:
            continue
        return endpoint if whole else endpoint.rpartition(":")[0]
    return None


def parse_pattern(text: str) -> re.Pattern[str]:
    """A regular expression that sentences are to match; without a capital letter, in any case. Raises FilterError."""
    try:
        return re.compile(text, re.IGNORECASE if text == text.lower() else 0)
    except re.error as error:
        raise FilterError(f"{text!r} is not a regular expression: {error}") from None


class Selection:
    """The records of a journal that pass a filter and whose sentence has a match of ``pattern``.

    ``context`` notes what is read for it.
    """

    def __init__(
        self, source: Source, chosen: Filter, context: Context, pattern: re.Pattern[str] | None = None
    ) -> None:
        self.source = source
        self.chosen = chosen
        self.context = context
        self._pattern = pattern

    def said(self, record: Found) -> Sentence:
        """What a record says of what is asked for."""
        return sentence(self.chosen.narrowed(record).event, self.context)

    def passing(self, first: int, last: int) -> Iterator[Found]:
        """Those of the records ``first`` to ``last``."""
        return filter(self.passes, self.source.between(first, last))

    def backwards(self, first: int, last: int, count: int | None = None) -> Iterator[Found]:
        """Those of the records ``first`` to ``last``, newest first; at most ``count``.

        Reads in stretches that grow up to a bound, and no further than it must.
        """
        selects = bool(self.chosen) or self._pattern is not None
        size = _FIRST_LOOK if selects or count is None else count
        left = sys.maxsize if count is None else count
        while last >= first and left > 0:
            size = min(size, _LONGEST_LOOK)
            begin = max(first, last - size + 1)
            found = deque(self.passing(begin, last), maxlen=min(left, size))
            left -= len(found)
            yield from reversed(found)
            last, size = begin - 1, size * 8

    def last_passing(self, first: int, last: int, count: int) -> list[Found]:
        """The last ``count`` of the records ``first`` to ``last``, in their order."""
        return list(self.backwards(first, last, count))[::-1]

    def following(self, first: int) -> Iterator[Found | None]:
        """Those from ``first`` on, for ever; None whenever there is no more yet."""
        return (record for record in self.source.reader.follow(first) if record is None or self.passes(record))

    def passes(self, record: Found) -> bool:
        """Whether a record is shown. All records of a stretch that is read are to pass by here, in their order."""
        self.context.note(record)
        self.chosen = self.chosen.learned(record.event)
        if not self.chosen.passes(record):
            return False
        return self._pattern is None or self._pattern.search(self.said(record).text) is not None
