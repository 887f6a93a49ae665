"""Journals that were recorded once stay readable, and no event changes without one being recorded."""

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from journal import JournalReader, UnknownFormat
from kglb.events import Event, RealAdded, codec, decode, encode
from kglb.projections import State
from kglb.replay.fsck import fsck
from kglb.replay.source import Source
from kglb.replay.state_at import state_at
from kglb.replay.verify import verify
from kglb.replay.view import view
from tests.events.recorded import newest_schema, recorded, schema_now
from tests.events.samples import every_event

CHANGED = """the events are not what they were when the newest journal was recorded.
If a journal written by the last version still decodes without an upcast (a field is new and has a default), run
`python -m tests.events.recorded` and commit what it keeps beside the others. Else raise journal.FORMAT and write the
step in kglb/events/codec.py first. Never change what was recorded."""

JOURNALS = pytest.mark.parametrize("path", recorded(), ids=lambda path: path.name)


def shape(schema: bytes) -> Any:
    """What it says; the order in which the kinds of events are listed says nothing."""
    found = json.loads(schema)
    found["anyOf"].sort(key=json.dumps)
    return found


def test_no_event_has_changed_since_a_journal_was_recorded() -> None:
    assert shape(schema_now()) == shape(newest_schema()), CHANGED


def test_the_newest_journal_has_an_event_of_every_kind() -> None:
    newest = max(path for path in recorded() if path.name.endswith("-events.jsonl"))
    kinds = {type(record.event) for record in JournalReader(newest, decode).records()}
    assert kinds == set(get_args(Event))


@JOURNALS
def test_a_recorded_journal_is_intact_and_folds(path: Path) -> None:
    assert fsck(path).faults == ()


@JOURNALS
def test_a_recorded_journal_replays(path: Path) -> None:
    source = Source(path)
    seen = view(state_at(source, source.resolve(None, None)))
    assert [service.service for service in seen.services]


@pytest.mark.parametrize("path", [path for path in recorded() if "daemon" in path.name], ids=lambda path: path.name)
def test_what_a_daemon_recorded_is_what_it_would_decide_today(path: Path) -> None:
    found = verify(Source(path))
    assert found.difference is None
    assert found.decisions > 10


def test_every_kind_of_event_comes_back_from_its_json_and_folds() -> None:
    state = State()
    for seq, event in enumerate(every_event(), 1):
        body = b'{"seq":%d,"at":"","mono":0.0,"cause":null,"event":%b,"crc":""}' % (seq, encode(event))
        assert decode(1)(body).event == event
        state.fold(seq, event)


LINE = b'{"seq":7,"at":"now","mono":1.5,"cause":3,"event":%b,"crc":"00000000"}'


def test_an_older_format_is_lifted_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    def rename(event: dict[str, Any]) -> dict[str, Any]:
        return event | {"type": "RealAdded", "healthy": event.pop("up")}

    def supply(event: dict[str, Any]) -> dict[str, Any]:
        return event | {"basis": "initial"}

    monkeypatch.setattr("journal.format.FORMAT", 3)
    monkeypatch.setattr(codec, "UPCASTS", {1: {"RealJoined": rename}, 2: {"RealAdded": supply}})
    entry = b'{"host":"10.0.0.1:80","weight":1,"forward":{}}'
    line = LINE % (
        b'{"type":"RealJoined","service":"tcp://192.0.2.1:80","real":"10.0.0.1:80","entry":%b,"up":true}' % entry
    )
    record = decode(1)(line)
    assert (record.seq, record.at, record.mono, record.cause) == (7, "now", 1.5, 3)
    assert isinstance(record.event, RealAdded)
    assert (record.event.healthy, record.event.basis) == (True, "initial")
    unchanged = LINE % b'{"type":"DaemonStopping","reason":"SIGTERM","on_stop":"leave"}'
    assert encode(decode(1)(unchanged).event) == b'{"type":"DaemonStopping","reason":"SIGTERM","on_stop":"leave"}'


@pytest.mark.parametrize("version", [0, 1, 4])
def test_a_format_without_its_steps_is_refused(monkeypatch: pytest.MonkeyPatch, version: int) -> None:
    monkeypatch.setattr("journal.format.FORMAT", 3)
    monkeypatch.setattr(codec, "UPCASTS", {2: {}})
    with pytest.raises(UnknownFormat, match=f"format {version}, this software reads 3"):
        decode(version)
