"""Drain, restore, weigh, stop: end to end, with the daemon as a process."""

import json
import os
import pwd
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kglb.events import DaemonStopping, DrainFinished, RealDrained, RealRestored, WeightOverridden
from tests.cli.conftest import Command, Ran
from tests.cli.daemon import TWO, Site, running

ME = pwd.getpwuid(os.getuid()).pw_name
FIRST, SECOND = "192.168.100.100:80", "192.168.100.101:80"
TLS = TWO.partition("[[balancer]]")[2].replace('"web"', '"tls"').replace(":80", ":443")

Order = Callable[..., Ran]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A daemon with two hosts, each in two services, up."""
    one = Site(tmp_path)
    one.write(f"{TWO}[[balancer]]{TLS}")
    with running(one):
        one.wait_up("192.168.100.101:443")
        yield one


@pytest.fixture
def order(kglb: Command, site: Site, monkeypatch: pytest.MonkeyPatch) -> Order:
    """Gives the daemon an order."""
    monkeypatch.delenv("SUDO_USER", raising=False)
    return lambda *arguments: kglb(*arguments, "--socket", site.socket)


def test_a_host_drains_with_all_its_services_and_is_restored(order: Order, site: Site) -> None:
    ran = order("drain", "192.168.100.100", "--for", "30m", "--note", "new disk")
    assert (ran.code, ran.err) == (0, "")
    assert [line.partition(" (")[0] for line in ran.out.splitlines()] == [
        "192.168.100.100:80 of web is drained",
        "192.168.100.100:443 of tls is drained",
    ]
    drained = [record.event for record in site.records() if isinstance(record.event, RealDrained)]
    assert {(event.who, event.note) for event in drained} == {(ME, "new disk")}
    assert all(event.until is not None for event in drained)
    assert order("restore", "192.168.100.100", "--balancer", "tls").out.startswith("192.168.100.100:443 of tls")
    assert order("restore", "192.168.100.100").out.startswith("192.168.100.100:80 of web is restored")
    assert order("restore", "192.168.100.100").out == "192.168.100.100 is neither drained nor weighed by hand\n"
    assert len([record for record in site.records() if isinstance(record.event, RealRestored)]) == 2


def test_a_weight_is_of_one_real(order: Order, site: Site) -> None:
    assert order("weight", FIRST, "7", "--note", "warm up").code == 0
    (weighed,) = [record.event for record in site.records() if isinstance(record.event, WeightOverridden)]
    assert (weighed.real, weighed.weight, weighed.who, weighed.until) == (FIRST, 7, ME, None)
    ran = order("weight", "192.168.100.100", "7")
    assert ran.code == 2
    assert "192.168.100.100:443 of tls" in ran.err


def test_a_real_can_be_forced_up(order: Order, site: Site) -> None:
    ran = order("weight", FIRST, "7", "--force-up", "--note", "/up is gone")
    assert ran.code == 0
    assert ran.out.startswith(f"{FIRST} of web has weight 7 whatever its checks say (record ")
    assert ran.err.startswith(f"warning: {FIRST} gets traffic even if it dies, until kglb-actors restore")
    (weighed,) = [record.event for record in site.records() if isinstance(record.event, WeightOverridden)]
    assert weighed.force_up
    assert order("weight", FIRST, "7", "--force-up", "--for", "1h").err == ""
    assert order("weight", FIRST, "0", "--force-up").err == ""


def test_a_program_gets_json_with_the_records(order: Order, site: Site) -> None:
    answer = json.loads(order("drain", SECOND, "-o", "json").out)
    assert answer["type"] == "done"
    assert answer["on_disk"] is True
    (steered,) = answer["reals"]
    (record,) = [record for record in site.records() if isinstance(record.event, RealDrained)]
    assert (steered["real"], steered["seq"]) == (SECOND, record.seq)


def test_to_drain_the_last_one_is_done_and_warned_about(order: Order) -> None:
    assert order("drain", FIRST).err == ""
    assert order("drain", SECOND).err == "warning: every real of web is drained: it refuses new connections\n"


def test_a_drain_can_be_waited_for(order: Order, site: Site) -> None:
    ran = order("drain", FIRST, "--wait", "--timeout", "1m")
    assert (ran.code, ran.err) == (0, "")
    drained, finished = ran.out.splitlines()
    assert drained.startswith(f"{FIRST} of web is drained (record ")
    assert finished.startswith(f"{FIRST} of web has no connection left (record ")
    site.wait(lambda events: any(isinstance(event, DrainFinished) for event in events))


def test_what_is_not_there_is_not_drained(order: Order) -> None:
    ran = order("drain", "192.168.100.109")
    assert (ran.code, ran.out) == (1, "")
    assert "did you mean 192.168.100.10" in ran.err
    assert order("drain", FIRST, "--balancer", "wbe").code == 1


@pytest.mark.parametrize(
    "wrong",
    [
        ("drain",),
        ("drain", ""),
        ("drain", FIRST, "--for", "30"),
        ("drain", FIRST, "--note", "x" * 501),
        ("drain", FIRST, "--wait", "--timeout", "30"),
        ("weight", FIRST, "65536"),
        ("weight", FIRST, "all"),
    ],
)
def test_usage_is_explained_in_a_line(kglb: Command, wrong: tuple[str, ...], capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        kglb(*wrong)
    assert left.value.code == 2
    assert len(capfd.readouterr().err) < 800


def test_without_a_daemon_what_to_do_is_said(kglb: Command, tmp_path: Path) -> None:
    ran = kglb("drain", FIRST, "--socket", tmp_path / "control.sock")
    assert ran.code == 3
    assert "no daemon listens at" in ran.err
    assert "--socket" in ran.err


def test_stop_returns_when_the_daemon_has_ended(order: Order, site: Site) -> None:
    ran = order("stop", "--leave")
    assert (ran.code, ran.out) == (0, "stopped\n")
    assert site.process is not None
    assert site.process.wait(10) == 0
    (stopping,) = [record.event for record in site.records() if isinstance(record.event, DaemonStopping)]
    assert (stopping.on_stop, stopping.reason) == ("leave", f"ordered by {ME}")
    assert not site.socket.exists()
