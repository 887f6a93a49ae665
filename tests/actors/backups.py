"""A balancer with a backup, and a story that is played and then decided again from its journal."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from msgspec.structs import replace

from kglb.model import Balancer, ServiceId
from kglb.replay.source import Source
from kglb.replay.verify import verify
from tests.actors.virtual import run
from tests.actors.world import World, tcp, world
from tests.projections.builders import WEB, balancer, config, real, real_id

CHECK = tcp()
A, B, SORRY = real_id(0), real_id(1), real_id(9)


def guarded(id: ServiceId = WEB, *, primaries: int = 2, backups: int = 1, **more: object) -> Balancer:
    """A balancer with primaries from 0 on and backups from 9 on; the first backup's weight is 7."""
    fields: dict[str, object] = {"check": CHECK, **more}
    standing_by = tuple(replace(real(9 + number, weight=7), backup=True) for number in range(backups))
    whole = balancer(id, primaries, **fields)  # type: ignore[arg-type]
    return replace(whole, reals=whole.reals + standing_by)


def mode(w: World) -> str | None:
    return w.state.fleet.balancers[WEB].mode


async def primaries_fail(w: World) -> None:
    for name in (A, B):
        w.real_fails_now(name)
    await asyncio.sleep(0.01)


def played(tmp_path: Path, of: Balancer, story: Callable[[World], Awaitable[None]], **more: object) -> None:
    """Play a story, and decide again all that was decided in it."""

    async def main() -> None:
        async with world(tmp_path, config(of), **more) as w:  # type: ignore[arg-type]
            await story(w)

    run(main())
    found = verify(Source(tmp_path))
    assert found.difference is None
    assert found.decisions > 0
