"""The line as the package's docstring describes it."""

import json
import zlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal import Clock, Record, UnknownFormat, decode_as
from journal.clock import Stamp
from journal.format import Head, continues, encode_body, encode_line, explain_damage, read_crc, read_head
from tests.journal.journals import Noted, decode, note

AT = b"2026-11-22T14:30:01.123456Z"


def test_a_line_is_json_with_its_fields_in_order() -> None:
    line, crc = encode_line(encode_body(7, AT, 81231.0045, 6, note("up")), 0)
    assert line == (
        b'{"seq":7,"at":"2026-11-22T14:30:01.123456Z","mono":81231.004500,"cause":6,'
        b'"event":{"type":"Noted","text":"up"},"crc":"%08x"}\n' % crc
    )
    assert list(json.loads(line)) == ["seq", "at", "mono", "cause", "event", "crc"]


def test_a_record_without_a_cause_says_null() -> None:
    line, _ = encode_line(encode_body(1, AT, 0.0, None, note("")), 0)
    assert json.loads(line)["cause"] is None


def test_the_checksum_is_the_crc32_of_what_stands_before_it_chained() -> None:
    line, crc = encode_line(encode_body(7, AT, 1.0, 6, note("up")), 0x1234ABCD)
    assert crc == zlib.crc32(line[:-19], 0x1234ABCD)
    assert line[-19:] == b',"crc":"%08x"}\n' % crc


@given(
    seq=st.integers(1, 2**63),
    mono=st.floats(0, 1e9),
    cause=st.none() | st.integers(1, 2**63),
    text=st.text(),
    chain=st.integers(0, 2**32 - 1),
)
def test_what_is_encoded_is_what_is_decoded(seq: int, mono: float, cause: int | None, text: str, chain: int) -> None:
    line, crc = encode_line(encode_body(seq, AT, mono, cause, note(text)), chain)
    assert line.count(b"\n") == 1
    record = decode(1)(line)
    assert record.seq == seq
    assert record.at == AT.decode()
    assert record.mono == pytest.approx(mono, abs=1e-6)
    assert record.cause == cause
    assert record.event == Noted(text=text)
    assert record.crc == f"{crc:08x}"
    assert continues(line[:-1], chain)
    assert not continues(line[:-1], chain ^ 1)


def test_the_head_and_the_checksum_are_read_without_decoding() -> None:
    line, crc = encode_line(encode_body(7, AT, 1.0, 6, note("up")), 0)
    assert read_head(line) == Head(7, AT, 1.0)
    assert read_crc(line[:-1]) == crc
    assert read_head(b"{}") is None
    assert read_crc(line[:-2]) is None


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"\0" * 40, "zero bytes"),
        (b"hello", "does not begin"),
        (b'{"seq":' + b"9" * 5000 + b',"at":"', "does not begin"),
        (encode_body(4, AT, 1.0, None, note("cut")), "does not end"),
        (encode_line(encode_body(9, AT, 1.0, None, note("far")), 0)[0][:-1], "found record 9"),
        (encode_line(encode_body(4, AT, 1.0, None, note("bit")), 0)[0][:-1], "checksum"),
    ],
)
def test_damage_is_explained(line: bytes, reason: str) -> None:
    assert reason in explain_damage(line, 4)


def test_another_format_is_refused_by_name() -> None:
    with pytest.raises(UnknownFormat, match="format 2, this software reads 1"):
        decode_as(Record[Noted])(2)


def test_unknown_fields_are_ignored() -> None:
    line = b'{"seq":1,"at":"","mono":0.0,"cause":null,"event":{"type":"Noted","text":"a","new":1},"crc":""}'
    assert decode(1)(line).event == Noted(text="a")


def test_an_event_that_is_not_known_does_not_decode() -> None:
    with pytest.raises(msgspec.ValidationError, match="Other"):
        decode(1)(b'{"seq":1,"at":"","mono":0.0,"cause":null,"event":{"type":"Other"},"crc":""}')


def test_times_are_utc_to_the_microsecond() -> None:
    now = [1795357801_123456_789]
    stamp = Stamp(Clock(wall=lambda: now[0]))
    assert stamp() == b"2026-11-22T14:30:01.123456Z"
    now[0] += 999_000_000
    assert stamp() == b"2026-11-22T14:30:02.122456Z"
    now[0] -= 3600 * 10**9
    assert stamp() == b"2026-11-22T13:30:02.122456Z"
