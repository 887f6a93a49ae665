"""States of a daemon as ``/state`` says them, for the verbs that show them."""

import asyncio
import json

import msgspec

from kglb.events import HealthChanged, ProbeFlipped, RealDrained
from kglb.web.live import LiveState
from tests.projections.builders import WEB, real_id
from tests.web.boards import Site
from tests.web.builders import vitals, web_fleet


def one_down_one_drained(**changes: object) -> Site:
    """A balancer ``web`` with four reals: the second is down, the third drained."""
    fleet = web_fleet(4)
    fleet.record(
        ProbeFlipped(
            service=WEB, real=real_id(1), outcome="failure", reason="refused", detail="", latency=0.0, previous_count=1
        )
    )
    fleet.record(HealthChanged(service=WEB, real=real_id(1), healthy=False, streak=-2, run=len(fleet.events)))
    fleet.record(RealDrained(service=WEB, real=real_id(2), who="anna", note="new disk"))
    fleet.decide(WEB, "available", {real_id(1): 0, real_id(2): 0})
    fleet.apply_everything()
    return Site(fleet, vitals(**changes))


def body(site: Site) -> bytes:
    """What ``/state`` answers."""
    return json.dumps(asyncio.run(site.state())).encode()


def live(site: Site) -> LiveState:
    """The same, decoded."""
    return msgspec.json.decode(body(site), type=LiveState)
