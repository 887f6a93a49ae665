"""Somebody edits what is ours by hand: it is put right, and the journal says what was found."""

import subprocess
from collections.abc import Iterator

import pytest

from kglb.events import DriftFound, EntryContested
from kglb.model import (
    AddDestination,
    Address,
    ChangeDestination,
    ChangeService,
    DeleteAddress,
    DeleteDestination,
    DeleteService,
    Destination,
    Operation,
    RealId,
    Service,
    ServiceId,
)
from lab.client import Client
from lab.namespaces import command, in_namespace
from lab.net import Network
from lab.reals import Reals
from tests.kernel.director import WEIGHT, Director, balancer, until

WEB = ServiceId("tcp://10.0.0.100:80")
FIRST, SECOND, THIRD = RealId("10.2.0.10:80"), RealId("10.2.0.11:80"), RealId("10.2.0.12:80")


OTHER_CONTROLLER = f"while :; do ipvsadm -e -t 10.0.0.100:80 -r {FIRST} -m -w 7; sleep 0.2; done"


@pytest.fixture(scope="module")
def serving(network: Network, servers: Reals, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Director]:
    """A daemon that compares the kernel with what it knows each second."""
    with Director(network, tmp_path_factory.mktemp("serving")) as director:
        director.configure(balancer(WEB, [FIRST, SECOND]), reconcile_interval="1s")
        director.start()
        director.wait_weights(WEB, {FIRST: WEIGHT, SECOND: WEIGHT})
        until(lambda: "10.0.0.100/32" in director.addresses(), "the VIP on lo")
        yield director


def test_everything_that_somebody_clears_is_back_and_what_is_foreign_is_counted(
    serving: Director, network: Network
) -> None:
    before, last = serving.saved(), serving.last_seq()
    with in_namespace(network.director):
        command("ipvsadm", "-C")
        command("ipvsadm", "-A", "-t", "203.0.113.9:25", "-s", "lc")
    until(lambda: serving.saved().keys() >= before.keys(), "the repair")
    drifts = until(lambda: serving.events(DriftFound, last), "its record")
    assert drifts == [DriftFound(changes=(DeleteService(WEB),))]
    until(lambda: serving.scraped("kglb_foreign_services") == 1, "the count of foreign services")
    with in_namespace(network.director):
        command("ipvsadm", "-D", "-t", "203.0.113.9:25")
    until(lambda: serving.saved() == before, "the state before")


@pytest.mark.parametrize(
    ("edit", "found"),
    [
        (
            f"ipvsadm -e -t 10.0.0.100:80 -r {FIRST} -m -w 7",
            ChangeDestination(WEB, Destination(real=FIRST, weight=7)),
        ),
        (f"ipvsadm -d -t 10.0.0.100:80 -r {FIRST}", DeleteDestination(WEB, FIRST)),
        (
            f"ipvsadm -a -t 10.0.0.100:80 -r {THIRD} -m -w 9",
            AddDestination(WEB, Destination(real=THIRD, weight=9)),
        ),
        ("ipvsadm -E -t 10.0.0.100:80 -s wlc", ChangeService(Service(id=WEB, scheduler="wlc"))),
        ("ipvsadm -D -t 10.0.0.100:80", DeleteService(WEB)),
        ("ip address del 10.0.0.100/32 dev lo", DeleteAddress(Address("10.0.0.100/32", "lo"))),
    ],
    ids=["weight", "real deleted", "real added", "scheduler", "service deleted", "address deleted"],
)
def test_an_edit_by_hand_is_repaired_and_recorded(
    serving: Director, network: Network, edit: str, found: Operation
) -> None:
    before, last = (serving.saved(), serving.addresses()), serving.last_seq()
    with in_namespace(network.director):
        command(*edit.split())
    until(lambda: serving.events(DriftFound, last), "the discovery")
    until(lambda: (serving.saved(), serving.addresses()) == before, "the repair")
    assert serving.events(DriftFound, last) == [DriftFound(changes=(found,))]
    with Client(network.client, network.vip) as client:
        client.wait(4)
    assert client.failures() == []
    assert set(client.answered()) == {"real0", "real1"}


def test_another_controller_at_work_on_an_entry_is_reported_and_not_fought_for_ever(
    serving: Director, network: Network
) -> None:
    """Last in this file: its contest is remembered for longer than tests last."""
    last = serving.last_seq()

    def contests() -> list[EntryContested]:
        return serving.events(EntryContested, last)

    def complaint() -> str:
        times = contests()[-1].drifts
        return (
            f"contested: somebody else changed {WEB} {FIRST} {times} times in a row: is another controller at work?\n"
        )

    with in_namespace(network.director):
        other = subprocess.Popen(["/bin/sh", "-c", OTHER_CONTROLLER])
    try:
        until(lambda: len(contests()) >= 3 and any(one.hold for one in contests()), "a repair put off", 120.0)
        until(lambda: serving.status("/healthz") == complaint(), "the complaint")
        assert serving.scraped("kglb_contested_entries") == 1
    finally:
        other.kill()
        other.wait()
    assert [contest.drifts for contest in contests()[:3]] == [5, 6, 7]
    assert contests()[2].hold < 4.0, "since the repair before"
    assert {contest.operation for contest in contests()} == {ChangeDestination(WEB, Destination(real=FIRST, weight=7))}
    serving.wait_weights(WEB, {FIRST: WEIGHT, SECOND: WEIGHT}, 120.0)
