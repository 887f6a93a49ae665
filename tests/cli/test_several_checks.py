"""A check of several, from the config to the journal's verbs: they know of it what they know of any."""

import socket
from pathlib import Path

from kglb.events import HealthChanged, ProbeFlipped, WatchLost
from tests.checks.servers import answering, serving
from tests.cli.conftest import Command
from tests.cli.daemon import ONE, Site, running

CONFIG = (
    ONE.partition("[balancer.check]")[0].replace("192.168.100.100:80", "{real}")
    + """
[balancer.check]
type = "all"
interval = "100ms"
timeout = "10s"
rise = 1
fall = 1
watch = true
checks = [{{ type = "tcp" }}, {{ type = "http" }}]
"""
)
FAILS = "http (2 of 2): unexpected status 503"


class Moody:
    """A server that answers with 200 or 503, as it is told."""

    def __init__(self) -> None:
        self.status = 200

    def __call__(self, connection: socket.socket) -> None:
        answering(f"HTTP/1.1 {self.status} Moody\r\nContent-Length: 0\r\n\r\n".encode())(connection)


def changed(events: list[object], *, healthy: bool) -> bool:
    return any(isinstance(event, HealthChanged) and event.healthy is healthy for event in events)


def test_what_fails_is_named_explained_verified_and_judged_otherwise(tmp_path: Path, kglb: Command) -> None:
    site, server = Site(tmp_path), Moody()
    with serving(server) as real:
        site.write(CONFIG.format(real=real))
        with running(site):
            site.wait(lambda events: changed([*events], healthy=True))
            server.status = 503
            site.wait(lambda events: changed([*events], healthy=False))
            server.status = 200
            site.wait(lambda events: sum(isinstance(event, HealthChanged) for event in events) > 2)
            server.status = 503
            site.wait(lambda events: sum(isinstance(event, HealthChanged) for event in events) > 3)
    records = site.records()
    events = [record.event for record in records]
    failed = [event.reason for event in events if isinstance(event, ProbeFlipped) and event.outcome == "failure"]
    assert set(failed) == {FAILS}
    assert not any(isinstance(event, WatchLost) for event in events)
    (taken_out, *_) = (
        record.seq for record in records if isinstance(record.event, HealthChanged) and not record.event.healthy
    )
    explained = kglb("explain", str(real), "--seq", taken_out + 1, "--journal", site.journal)
    assert f"1 check failed: {FAILS}" in explained.out
    assert kglb("verify", site.journal).code == 0
    otherwise = kglb("whatif", site.journal, "--set", "balancer.web.check.fall=1000", "-o", "json")
    assert otherwise.code == 0
    assert '"healthy":false,"streak":-1,"recorded":true,"supposed":false' in otherwise.out
