"""What a target is given to read."""

import json

from kglb.cli.notifying.payload import chat_text, documents, one_document
from kglb.events import HealthChanged
from kglb.model import RealId, ServiceId
from kglb.replay.notices import Led
from tests.cli.notifying.receivers import notice

DOWN = HealthChanged(service=ServiceId("tcp://1.2.3.4:80"), real=RealId("10.0.0.1:80"), healthy=False, streak=-2, run=6)


def test_a_notice_is_one_document_with_its_event_as_in_the_journal() -> None:
    told = json.loads(one_document([notice(event=DOWN, causes=(Led(6, "it fails"),))]))
    assert list(told) == [
        *("host", "seq", "at", "type", "kind", "tone", "balancer", "service", "real", "text", "causes", "event")
    ]
    assert told["causes"] == [{"seq": 6, "text": "it fails"}]
    assert told["event"] == {
        "type": "HealthChanged",
        "service": "tcp://1.2.3.4:80",
        "real": "10.0.0.1:80",
        "healthy": False,
        "streak": -2,
        "run": 6,
    }


def test_a_batch_is_an_array_also_of_one() -> None:
    assert [one["seq"] for one in json.loads(documents([notice(1)]))] == [1]
    assert [one["seq"] for one in json.loads(documents([notice(1), notice(2)]))] == [1, 2]


def test_a_chat_gets_a_line_for_each_and_no_markup() -> None:
    told = json.loads(chat_text([notice(), notice(balancer=None, text="<!channel> a & b")]))
    assert told == {"text": "lb1 web 10.0.0.1:80 is down\nlb1 &lt;!channel&gt; a &amp; b"}
