"""A reload, good or bad, while clients ask: they notice neither."""

from kglb.events import ConfigApplied, ConfigRejected, HealthChanged, OperationsApplied
from kglb.model import AddDestination, ChangeDestination, ChangeService
from lab.client import Client
from lab.namespaces import command, in_namespace
from lab.net import Network
from lab.reals import Reals
from tests.kernel.director import WEIGHT, Director, balancer

SERVICE = "tcp://10.0.0.100:80"
FIRST, SECOND, THIRD = "10.2.0.10:80", "10.2.0.11:80", "10.2.0.12:80"
BOTH_UP = {FIRST: WEIGHT, SECOND: WEIGHT}


def serving(director: Director, *, reconcile_interval: str = "30s") -> None:
    director.configure(balancer(SERVICE, [FIRST, SECOND]), reconcile_interval=reconcile_interval)
    director.start()
    director.wait_weights(SERVICE, BOTH_UP)


def test_a_good_config_is_in_force_and_no_request_fails(director: Director, network: Network, reals: Reals) -> None:
    serving(director)
    reals.behave("refuse", network.reals[2])
    before = director.last_seq()
    with Client(network.client, network.vip, rate=100) as client:
        client.wait(20)
        director.configure(balancer(SERVICE, [FIRST, SECOND, THIRD], scheduler="wrr"))
        planned = director.verb("plan", str(director.config))
        assert (planned.returncode, planned.stderr) == (1, "")
        assert [line.split()[0] for line in planned.stdout.splitlines()[1:]] == ["~", "+", "and", "~", "+"]
        told = director.verb("reload", "--journal", str(director.journal))
        assert (told.returncode, told.stderr) == (0, "")
        director.wait_weights(SERVICE, {**BOTH_UP, THIRD: 0})
        reals.behave("answer", network.reals[2])
        director.wait_weights(SERVICE, {**BOTH_UP, THIRD: WEIGHT})
        client.wait(60)
    assert client.failures() == []
    assert set(client.answered()) == {"real0", "real1", "real2"}
    done = [operation for applied in director.events(OperationsApplied, before) for operation in applied.operations]
    assert [type(operation) for operation in done] == [ChangeService, AddDestination, ChangeDestination]
    assert {change.real for change in director.events(HealthChanged, before)} == {THIRD}
    assert director.verb("plan", str(director.config)).returncode == 0
    assert director.verb("plan", str(director.config), "--against", "kernel").returncode == 0


def test_a_bad_config_is_refused_and_no_request_fails(director: Director, network: Network) -> None:
    serving(director)
    before = director.last_seq()
    with Client(network.client, network.vip, rate=100) as client:
        client.wait(20)
        director.configure(balancer(SERVICE, [FIRST], scheduler="wrrr"), balancer(SERVICE, ["10.2.0.300:80"]))
        told = director.verb("reload", "--journal", str(director.journal))
        assert told.returncode == 1
        assert "stays in force" in told.stderr
        client.wait(40)
    assert client.failures() == []
    assert director.weights()[SERVICE] == BOTH_UP
    (rejected,) = director.events(ConfigRejected, before)
    assert all(error in told.stderr for error in rejected.errors)
    assert len(rejected.errors) >= 2
    assert director.events(ConfigApplied, before) == []
    assert director.events(OperationsApplied, before) == []


def test_against_the_kernel_a_plan_sees_what_a_stranger_did(director: Director) -> None:
    serving(director, reconcile_interval="1h")
    with in_namespace(director.network.director):
        command("ipvsadm", "-d", "-t", SERVICE.removeprefix("tcp://"), "-r", FIRST)
    against_kernel = director.verb("plan", str(director.config), "--against", "kernel")
    assert against_kernel.returncode == 1
    assert f"+ {SERVICE}: add {FIRST} by masquerade, weight {WEIGHT}" in against_kernel.stdout
