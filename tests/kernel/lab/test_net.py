"""A network is there for its context, apart from every other one, and leaves nothing behind."""

import os
import subprocess
import threading
from contextlib import suppress

import pytest

from lab import ipvs
from lab.namespaces import CommandError, command, in_namespace, spawn
from lab.net import Network
from tests.kernel.director import until


def own_namespace() -> str:
    return os.readlink("/proc/thread-self/ns/net")


def test_networks_follow_each_other_and_leave_nothing_behind() -> None:
    def traces() -> str:
        return command("ip", "-oneline", "address") + command("ip", "netns")

    before = traces()
    for _ in range(2):
        with Network(reals=1) as network, in_namespace(network.director):
            assert ipvs.saved() == {}
            command("ipvsadm", "-A", "-t", f"{network.vip}:80")
            assert set(ipvs.saved()) == set(ipvs.table()) == {"tcp://10.0.0.100:80"}
    assert traces() == before


def test_two_networks_stand_side_by_side() -> None:
    with Network(reals=1, prefix="one") as one, Network(reals=1, prefix="two") as two:
        with in_namespace(one.director):
            command("ipvsadm", "-A", "-t", "10.0.0.100:80")
        with in_namespace(two.director):
            assert ipvs.saved() == {}


def test_a_network_that_cannot_be_built_leaves_nothing_behind() -> None:
    command("ip", "netns", "add", "lab-real0")
    try:
        with pytest.raises(CommandError, match="lab-real0"), Network(reals=1):
            pass
        assert command("ip", "netns") == ""
    finally:
        subprocess.run(["ip", "netns", "del", "lab-real0"], capture_output=True, check=False)


def test_only_the_calling_thread_enters_a_namespace() -> None:
    elsewhere: list[str] = []
    home = own_namespace()
    with Network(reals=0) as network, in_namespace(network.client):
        assert own_namespace() != home
        thread = threading.Thread(target=lambda: elsewhere.append(os.readlink(f"/proc/{os.getpid()}/ns/net")))
        thread.start()
        thread.join()
    assert own_namespace() == home


def test_a_thread_comes_back_from_a_namespace_after_an_error() -> None:
    home = own_namespace()
    with Network(reals=0) as network, suppress(ZeroDivisionError), in_namespace(network.client):
        _ = 1 / 0
    assert own_namespace() == home


def test_a_spawned_process_and_its_children_end_with_the_block() -> None:
    script = "sleep 60 & echo $! && exec sleep 60"
    with Network(reals=0) as network:
        with spawn(network.director, ["sh", "-c", script], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            child = int(process.stdout.readline())
            assert os.readlink(f"/proc/{child}/ns/net") != own_namespace()
        until(lambda: not os.path.exists(f"/proc/{child}"), "the child's end")
        assert process.returncode == -15
