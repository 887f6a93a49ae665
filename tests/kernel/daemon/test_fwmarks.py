"""Checks through the VIP, under marks: in every way of forwarding they judge exactly the real they are meant for."""

from collections.abc import Iterator

import pytest

from kglb.events import (
    ChecksImpossible,
    ChecksResumed,
    HealthChanged,
    MarkAssigned,
    OperationsApplied,
    ProbeFlipped,
    WatchLost,
)
from lab import forwarding
from lab.namespaces import command, in_namespace, sysctl
from lab.net import Network
from lab.reals import Reals
from tests.kernel.daemon.test_watch import HOLDING, serving
from tests.kernel.director import WEIGHT, Director, balancer, until

FORWARDS = {
    "masquerade": '"masquerade"',
    "direct": '"direct"',
    "ipip": '"tunnel"',
    "gue": f'{{ type = "gue", port = {forwarding.GUE_PORT} }}',
}
VIPS = {
    (method, family): prefix + str(number)
    for family, prefix in (("IPv4", "10.0.0."), ("IPv6", "fd00::"))
    for number, method in enumerate(FORWARDS, 111)
}
ADMITTING = ("net.ipv4.conf.all.accept_local=1", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.lan.rp_filter=0")
FAMILIES = ("IPv4", "IPv6")


def service_at(vip: str) -> str:
    return f"tcp://[{vip}]:80" if ":" in vip else f"tcp://{vip}:80"


def reals_of(network: Network, family: str, number: int = 2) -> list[str]:
    reals = network.reals[:number]
    return [f"{real.address}:80" if family == "IPv4" else f"[{real.address6}]:80" for real in reals]


def marked(service: str, reals: list[str], forward: str = '"masquerade"') -> str:
    return balancer(service, reals, forward=forward) + "fwmark_checks = true\n"


@pytest.fixture
def admitting(network: Network) -> Iterator[None]:
    """The director lets in what the reals answer from its VIPs."""
    with in_namespace(network.director):
        sysctl(*ADMITTING)
    yield
    with in_namespace(network.director):
        sysctl("net.ipv4.conf.all.accept_local=0", "net.ipv4.conf.lan.rp_filter=0")


@pytest.fixture(scope="module")
def tunnels(network: Network) -> None:
    held = [vip for (method, _), vip in VIPS.items() if method != "masquerade"]
    forwarding.tunnel(network, *held, encapsulation="gue")


@pytest.mark.usefixtures("admitting", "tunnels")
@pytest.mark.parametrize("family", FAMILIES)
def test_of_two_reals_behind_each_vip_the_checks_of_the_dead_one_fail_and_no_other(
    director: Director, network: Network, reals: Reals, family: str
) -> None:
    first, second = reals_of(network, family)
    services = {method: service_at(VIPS[method, family]) for method in FORWARDS}
    director.configure(*(marked(services[method], [first, second], FORWARDS[method]) for method in FORWARDS))
    director.start()
    for service in services.values():
        director.wait_weights(service, {first: WEIGHT, second: WEIGHT})
    settled = director.last_seq()
    reals.behave("dead", network.reals[0])
    for service in services.values():
        director.wait_weights(service, {first: 0, second: WEIGHT})
    flips = director.events(ProbeFlipped, settled)
    assert {(flip.service, flip.real, flip.outcome) for flip in flips} == {
        (service, first, "failure") for service in services.values()
    }
    reals.behave("answer", network.reals[0])
    reals.behave("dead", network.reals[1])
    for service in services.values():
        director.wait_weights(service, {first: WEIGHT, second: 0})
    marks = {f"fwmark://{mark}" for mark in range(10000, 10008)}
    assert {service for service in director.weights() if service.startswith("fwmark")} == marks


@pytest.mark.usefixtures("admitting", "tunnels")
def test_a_real_whose_tunnel_is_down_fails_although_it_answers_at_its_own_address(
    director: Director, network: Network, reals: Reals
) -> None:
    first, second = reals_of(network, "IPv4")
    through, straight = service_at(VIPS["ipip", "IPv4"]), service_at(VIPS["gue", "IPv4"])
    director.configure(
        marked(through, [first, second], FORWARDS["ipip"]), balancer(straight, [first, second], forward='"tunnel"')
    )
    director.start()
    both_up = {first: WEIGHT, second: WEIGHT}
    director.wait_weights(through, both_up)
    director.wait_weights(straight, both_up)
    with in_namespace(network.reals[0].namespace):
        command("ip", "link", "set", "tunl0", "down")
    try:
        director.wait_weights(through, {first: 0, second: WEIGHT})
        assert director.weights()[straight] == both_up
    finally:
        with in_namespace(network.reals[0].namespace):
            command("ip", "link", "set", "tunl0", "up")
    director.wait_weights(through, both_up)


@pytest.mark.usefixtures("admitting", "tunnels")
def test_each_of_several_checks_goes_through_the_tunnel_to_its_own_real(
    director: Director, network: Network, reals: Reals
) -> None:
    first, second = reals_of(network, "IPv4")
    service = service_at(VIPS["gue", "IPv4"])
    both = 'checks = [{ type = "tcp" }, { type = "http" }]'
    check = f'{{ type = "all", interval = "200ms", timeout = "10s", rise = 1, fall = 1, {both} }}'
    director.configure(
        balancer(service, [first, second], forward=FORWARDS["gue"], check=check) + "fwmark_checks = true\n"
    )
    director.start()
    director.wait_weights(service, {first: WEIGHT, second: WEIGHT})
    settled = director.last_seq()
    reals.behave("error", network.reals[0])
    director.wait_weights(service, {first: 0, second: WEIGHT})
    flips = director.events(ProbeFlipped, settled)
    assert {(flip.real, flip.reason) for flip in flips} == {(first, "http (2 of 2): unexpected status 500")}


def test_two_balancers_share_the_mark_of_a_real_and_a_restart_keeps_it(
    director: Director, network: Network, reals: Reals
) -> None:
    first, second, third = reals_of(network, "IPv4", 3)
    one, other = service_at("10.0.0.111"), service_at("10.0.0.112")
    director.configure(marked(one, [first, second]), marked(other, [second, third]))
    director.start()
    director.wait_weights(one, {first: WEIGHT, second: WEIGHT})
    director.wait_weights(other, {second: WEIGHT, third: WEIGHT})
    marks = director.weights()
    assert sorted(id for id in marks if id.startswith("fwmark")) == [f"fwmark://{10000 + n}" for n in range(3)]
    director.kill()
    settled = director.last_seq()
    director.configure(marked(other, [second, third]), marked(one, [first, second]))
    director.start()
    reals.behave("dead", network.reals[1])
    director.wait_weights(one, {first: WEIGHT, second: 0})
    director.wait_weights(other, {second: 0, third: WEIGHT})
    assert director.events(MarkAssigned, settled) == []
    assert {change.real for change in director.events(HealthChanged, settled)} == {second}
    assert director.stop() == 0
    assert director.weights() == {}


def test_without_its_journal_a_daemon_reads_the_marks_back_from_the_kernel(
    director: Director, network: Network, reals: Reals
) -> None:
    first, second = reals_of(network, "IPv4")
    service = service_at("10.0.0.111")
    director.configure(marked(service, [first, second]))
    director.start()
    director.wait_weights(service, {first: WEIGHT, second: WEIGHT})
    before = director.weights()
    director.kill()
    for path in director.journal.iterdir():
        path.unlink()
    director.configure(marked(service, [second, first]))
    director.start()
    until(lambda: len(director.events(ProbeFlipped)) >= 2, "checks")
    assert director.weights() == before
    assert director.events(OperationsApplied) == []
    assert [event.mark for event in director.events(MarkAssigned)] == [10001, 10000]


@pytest.mark.usefixtures("tunnels")
def test_a_sysctl_that_forbids_the_checks_is_named_and_takes_no_healthy_real_out(
    director: Director, network: Network, reals: Reals
) -> None:
    first, second = reals_of(network, "IPv4")
    service = service_at(VIPS["ipip", "IPv4"])
    with in_namespace(network.director):
        sysctl(*ADMITTING)
    director.configure(marked(service, [first, second], FORWARDS["ipip"]))
    director.start()
    both_up = {first: WEIGHT, second: WEIGHT}
    director.wait_weights(service, both_up)
    settled = director.last_seq()
    with in_namespace(network.director):
        sysctl("net.ipv4.conf.all.accept_local=0", "net.ipv4.conf.lan.rp_filter=1")

    def complaints() -> list[ChecksImpossible]:
        """About both sysctls: the daemon may look when only one of them is set."""
        both = "net.ipv4.conf.lan.accept_local is 0 and net.ipv4.conf.lan.rp_filter"
        return [one for one in director.events(ChecksImpossible, settled) if both in one.problem]

    (said,) = until(complaints, "the complaint")
    assert said.reals == (first, second)
    assert director.events(HealthChanged, settled) == []
    assert director.weights()[service] == both_up
    with in_namespace(network.director):
        command("sysctl", "-q", *said.remedy.split()[1:])
    until(lambda: director.events(ChecksResumed, settled), "the resumption")
    reals.behave("dead", network.reals[0])
    director.wait_weights(service, {first: 0, second: WEIGHT})
    with in_namespace(network.director):
        sysctl("net.ipv4.conf.lan.accept_local=0", "net.ipv4.conf.lan.rp_filter=0")


@pytest.mark.usefixtures("admitting", "tunnels")
def test_a_watched_real_behind_a_tunnel_is_missed_when_its_idle_connection_ends(
    director: Director, network: Network
) -> None:
    service = f"tcp://{VIPS['ipip', 'IPv4']}:8080"
    first, second = (f"{real.address}:8080" for real in network.reals[:2])
    check = '{ type = "tcp", interval = "10s", rise = 1, fall = 1, watch = true }'
    watched = balancer(service, [first, second], forward=FORWARDS["ipip"], check=check) + "fwmark_checks = true\n"
    with serving(network, HOLDING) as processes:
        director.configure(watched)
        director.start()
        director.wait_weights(service, {first: WEIGHT, second: WEIGHT})
        processes[0].kill()
        director.wait_weights(service, {first: 0, second: WEIGHT})
    lost = director.events(WatchLost)
    assert [event.real for event in lost][:1] == [first], "long before its next check"
