"""Journals as this version writes them, kept for ever: ``python -m tests.events.recorded`` records the next pair.

``N-events.jsonl`` has one event of every kind; ``N-daemon.jsonl`` is what a daemon recorded in a world of virtual time.
``N-schema.json`` is what the events looked like then.
"""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from kglb.events import Event
from kglb.model import Balancer, Forward, Real, RealId, Service, ServiceId, TcpCheck
from tests.actors.virtual import run
from tests.actors.world import REFUSED, world
from tests.events.samples import every_event
from tests.projections.builders import config
from tests.replay.journals import JournalBuilder

DIRECTORY = Path(__file__).parent / "fixtures"


def recorded() -> list[Path]:
    """All that were kept, oldest first."""
    return sorted(DIRECTORY.glob("*.jsonl"))


def newest_schema() -> bytes:
    """What the events looked like when the newest pair was recorded."""
    return max(DIRECTORY.glob("*-schema.json")).read_bytes()


def schema_now() -> bytes:
    """What the events look like now, without what is only explanation."""
    shape = _without(msgspec.json.schema(Event), "description")
    return msgspec.json.format(msgspec.json.encode(shape, order="deterministic"), indent=1) + b"\n"


def record_all(number: int) -> None:
    """Record the pair of that number, and its schema."""
    with tempfile.TemporaryDirectory() as scratch:
        builder = JournalBuilder(Path(scratch) / "events")
        for event in every_event():
            builder.record(event)
        _keep(f"{number}-events.jsonl", builder.text())
        directory = Path(scratch) / "daemon"
        run(_incident(directory))
        _keep(f"{number}-daemon.jsonl", b"".join(path.read_bytes() for path in sorted(directory.glob("*.jsonl"))))
    _keep(f"{number}-schema.json", schema_now())


async def _incident(directory: Path) -> None:
    """A real comes back slowly, the primaries fail, then the backup, one leaves by reload, the daemon stops."""
    web = ServiceId("tcp://192.168.100.10:80")
    reals = tuple(
        Real(host=f"10.0.0.{number}:80", weight=1000, forward=Forward(), backup=number == 9) for number in (9, 1, 2, 3)
    )
    check = TcpCheck(interval=1.0, timeout=1.0, rise=2, fall=2)
    balancer = Balancer(name="web", service=Service(id=web), reals=reals, check=check, slow_start=4.5)
    async with world(directory, config(balancer)) as director:
        await asyncio.sleep(5)
        director.prober.answers[RealId("10.0.0.1:80")] = REFUSED
        await asyncio.sleep(5)
        director.prober.answers.clear()
        await asyncio.sleep(10)
        director.prober.answers[RealId("10.0.0.1:80")] = REFUSED
        director.prober.answers |= {RealId(f"10.0.0.{number}:80"): REFUSED for number in (2, 3)}
        await asyncio.sleep(5)
        director.prober.default = REFUSED
        await asyncio.sleep(5)
        director.prober.default = ("success", "ok")
        director.prober.answers.clear()
        await asyncio.sleep(5)
        await director.reload(config(msgspec.structs.replace(balancer, reals=reals[:3])))
        await asyncio.sleep(5)


def _keep(name: str, content: bytes) -> None:
    (DIRECTORY / name).write_bytes(content)
    print(f"kept {name}, {len(content)} bytes")


def _without(tree: Any, key: str) -> Any:
    if isinstance(tree, dict):
        return {name: _without(value, key) for name, value in tree.items() if name != key}
    return [_without(item, key) for item in tree] if isinstance(tree, list) else tree


if __name__ == "__main__":
    record_all(1 + len(list(DIRECTORY.glob("*-schema.json"))))
