"""Other names: nothing of the old ones is left, and all that decisions need is."""

import ipaddress
from itertools import pairwise

import msgspec
import pytest

from kglb.events import Event, encode
from kglb.projections import State
from kglb.replay.addresses import OtherAddresses
from kglb.replay.anonymise import Anonymiser
from tests.events.samples import every_event, texts_of

KEY = b"a key for tests"
HARMLESS = {"told-reason", "told-software", "told-scheduler", "told-flags", "told-engine", "told-counts", "told-seal"}
"""What the fields are filled with that hold nothing but our own words."""

TELLING = ("told-", "203.0.113.", "198.51.100.", "192.0.2.", "example.com", "db7")


def leaks(text: str) -> list[str]:
    for harmless in HARMLESS:
        text = text.replace(f'"{harmless}"', '""')
    return [telling for telling in TELLING if telling in text]


@pytest.mark.parametrize("event", every_event(), ids=lambda event: type(event).__name__)
def test_nothing_of_the_old_names_is_left_in_an_event(event: Event) -> None:
    before, after = encode(event).decode(), encode(Anonymiser(KEY).event(event)).decode()
    assert leaks(after) == [], after
    assert msgspec.json.decode(after).keys() == msgspec.json.decode(before).keys()


def test_nothing_of_the_old_names_is_left_in_a_state() -> None:
    state = State()
    for seq, event in enumerate(every_event(), 1):
        state.fold(seq, event)
    before = b"".join(state.checkpoint())
    after = b"".join(Anonymiser(KEY).state(state).checkpoint()).decode()
    assert leaks(before.decode())
    assert leaks(after) == [], after
    assert b"".join(state.checkpoint()) == before


def test_to_fold_and_to_rename_is_the_same_in_either_order() -> None:
    names, folded, renamed = Anonymiser(KEY), State(), State()
    for seq, event in enumerate(every_event(), 1):
        renamed.fold(seq, names.event(event))
        folded.fold(seq, event)
    assert b"".join(names.state(folded).checkpoint()) == b"".join(renamed.checkpoint())


def test_the_same_text_has_the_same_name_wherever_it_stands() -> None:
    names = Anonymiser(KEY)
    events = every_event()
    renamed = [texts_of(names.event(event)) for event in events]
    assert renamed == [texts_of(names.event(event)) for event in events]
    assert Anonymiser(b"another").event(events[-1]) != names.event(events[-1])


def test_addresses_keep_the_prefixes_they_share_and_stay_unicast() -> None:
    other = OtherAddresses(KEY)
    for low, high in [("10.0.0.0", "10.0.0.255"), ("192.168.0.0", "192.168.3.0"), ("2001:db8::", "2001:db8::ff")]:
        numbers = range(int(ipaddress.ip_address(low)), int(ipaddress.ip_address(high)) + 1, 5)
        kind = type(ipaddress.ip_address(low))
        for one, next_one in pairwise(map(kind, numbers)):
            mapped = [ipaddress.ip_address(other.address(str(address))) for address in (one, next_one)]
            assert (int(one) ^ int(next_one)).bit_length() == (int(mapped[0]) ^ int(mapped[1])).bit_length()
            assert not mapped[0].is_multicast
    network = ipaddress.ip_network(other.network("192.168.0.0/22"))
    assert ipaddress.ip_address(other.address("192.168.3.77")) in network
    assert other.network("192.168.1.7/22") == f"{other.address('192.168.1.7')}/22"
