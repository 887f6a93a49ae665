"""What we write, ipvsadm and (where it is right) pyroute2 read; what others write, we read."""

import asyncio
import errno
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st
from pyroute2 import IPVS, IPRoute, IPVSService

from kglb.dataplane.addresses import MARK as OURS
from kglb.dataplane.kernel import KernelDataPlane
from kglb.dataplane.port import Failure
from kglb.dataplane.worker import Worker
from kglb.model import (
    AddAddress,
    AddDestination,
    Address,
    AddService,
    Destination,
    Forward,
    RealId,
    Service,
    ServiceId,
)
from lab.ipvs import saved
from tests.dataplane.contract import FORWARDS, MARK, VIP, VIP6, WEB, real, succeed, wipe
from tests.dataplane.strategies import destinations, services
from tests.kernel.printed import fits, is_printed, printed
from tests.patience import PATIENCE

pytestmark = pytest.mark.kernel


@pytest.fixture
def plane() -> Iterator[KernelDataPlane]:
    plane = KernelDataPlane()
    wipe(plane)
    yield plane
    wipe(plane)
    plane.close()


def run(*argv: str) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True, timeout=PATIENCE).stdout


@settings(max_examples=25)
@given(
    entries=st.lists(services(), max_size=6, unique_by=lambda service: service.id),
    pool=st.lists(destinations(), max_size=8, unique_by=lambda destination: destination.real),
)
def test_ipvsadm_reads_what_we_wrote(plane: KernelDataPlane, entries: list[Service], pool: list[Destination]) -> None:
    wipe(plane)
    expected = {}
    for service in entries:
        if not is_printed(service):
            continue
        reals = [destination for destination in pool if fits(service, destination)]
        succeed(plane, AddService(service), *(AddDestination(service.id, each) for each in reals))
        expected[service.id] = printed(service, reals)
    assert saved() == expected


def test_ipvsadm_reads_the_thresholds_we_wrote(plane: KernelDataPlane) -> None:
    succeed(plane, AddService(Service(id=WEB)), AddDestination(WEB, real(1, upper=1000, lower=800)))
    row = run("ipvsadm", "-Ln", "--thresholds").splitlines()[-1]
    assert row.split() == ["->", "10.1.0.1:80", "1000", "800", "0", "0"]


def test_pyroute2_reads_what_we_wrote(plane: KernelDataPlane) -> None:
    service = Service(id=WEB, scheduler="mh", flags=("flag-1", "flag-2"), persistence=300)
    reals = [real(n, n, forward=forward, upper=9, lower=n) for n, forward in enumerate(FORWARDS)]
    succeed(plane, AddService(service), *(AddDestination(WEB, each) for each in reals))
    with IPVS() as witness:
        (answer,) = witness.service("dump")
        found = dict(answer.get("IPVS_CMD_ATTR_SERVICE")["attrs"])
        key = IPVSService(addr="192.0.2.10", port=80, protocol=6)
        rows = [dict(row.get("IPVS_CMD_ATTR_DEST")["attrs"]) for row in witness.dest("dump", service=key)]
    assert found["IPVS_SVC_ATTR_SCHED_NAME"] == "mh"
    assert found["IPVS_SVC_ATTR_FLAGS"]["flags"] == 1 | 2 | 8 | 16
    assert found["IPVS_SVC_ATTR_TIMEOUT"] == 300
    assert found["IPVS_SVC_ATTR_NETMASK"] == "255.255.255.255"
    by_address = {row["IPVS_DEST_ATTR_ADDR"]: row for row in rows}
    assert len(by_address) == len(reals)
    for destination in reals:
        row = by_address[destination.real.partition(":")[0]]
        forward = destination.forward
        assert row["IPVS_DEST_ATTR_PORT"] == 80
        assert row["IPVS_DEST_ATTR_WEIGHT"] == destination.weight
        assert (row["IPVS_DEST_ATTR_U_THRESH"], row["IPVS_DEST_ATTR_L_THRESH"]) == (9, destination.lower)
        assert row["IPVS_DEST_ATTR_FWD_METHOD"] == ["masquerade", "local", "tunnel", "direct"].index(forward.method)
        assert row["IPVS_DEST_ATTR_TUN_TYPE"] == ["ipip", "gue", "gre"].index(forward.tunnel)
        assert row["IPVS_DEST_ATTR_TUN_FLAGS"] == ["none", "csum", "remcsum"].index(forward.checksum)


def test_we_read_what_ipvsadm_wrote(plane: KernelDataPlane) -> None:
    run(
        "ipvsadm",
        "-A",
        "-u",
        "192.0.2.10:53",
        "-s",
        "sh",
        "-b",
        "sh-port",
        "-o",
        "-p",
        "7",
        "-M",
        "255.255.0.0",
    )
    run("ipvsadm", "-a", "-u", "192.0.2.10:53", "-r", "10.1.0.1:53", "-g", "-w", "0", "-x", "5", "-y", "3")
    run(
        "ipvsadm",
        "-a",
        "-u",
        "192.0.2.10:53",
        "-r",
        "[2001:db8:1::1]:53",
        "-i",
        "--tun-type",
        "gue",
        "--tun-port",
        "6080",
    )
    service_id = ServiceId("udp://192.0.2.10:53")
    assert plane.services() == [
        Service(id=service_id, scheduler="sh", flags=("flag-2", "one-packet"), persistence=7, netmask=16)
    ]
    assert plane.destinations(service_id) == [
        Destination(real=RealId("10.1.0.1:53"), weight=0, forward=Forward("direct"), upper=5, lower=3),
        Destination(real=RealId("[2001:db8:1::1]:53"), weight=1, forward=Forward("tunnel", "gue", 6080)),
    ]


def test_services_the_model_cannot_name_are_passed_over(plane: KernelDataPlane) -> None:
    run("ipvsadm", "-A", "--sctp-service", "192.0.2.10:80")
    run("ipvsadm", "-A", "-t", "224.0.0.1:80")
    succeed(plane, AddService(Service(id=MARK)))
    try:
        assert plane.services() == [Service(id=MARK)]
    finally:
        run("ipvsadm", "-C")


@pytest.mark.parametrize("mask", ["255.0.255.0", "0.0.0.0"])
def test_a_netmask_that_is_no_prefix_is_seen_as_such(plane: KernelDataPlane, mask: str) -> None:
    run("ipvsadm", "-A", "-t", "192.0.2.10:80", "-p", "300", "-M", mask)
    assert plane.service(WEB) == Service(id=WEB, persistence=300, netmask=-1)


def test_an_ipv6_address_on_ethernet_can_be_used_at_once(plane: KernelDataPlane) -> None:
    run("ip", "link", "add", "kglb0", "type", "veth", "peer", "name", "kglb1")
    try:
        run("ip", "link", "set", "kglb0", "up")
        run("ip", "link", "set", "kglb1", "up")
        vip = Address("2001:db8::10/128", "kglb0")
        succeed(plane, AddAddress(vip))
        assert vip in plane.addresses("kglb0")
        assert "tentative" not in run("ip", "-6", "address", "show", "dev", "kglb0", "to", "2001:db8::10")
    finally:
        run("ip", "link", "delete", "kglb0")


def test_an_address_with_a_peer_is_read_as_our_end(plane: KernelDataPlane) -> None:
    run("ip", "address", "add", "192.0.2.1", "peer", "192.0.2.2/32", "dev", "lo")
    assert Address("192.0.2.1/32", "lo") in plane.addresses("lo")
    run("ip", "address", "del", "192.0.2.1", "peer", "192.0.2.2/32", "dev", "lo")


def protocols() -> dict[str, int]:
    """What pyroute2 says of the protocol of each address of the machine; 0 for none."""
    with IPRoute() as route:
        return {address.get_attr("IFA_ADDRESS"): address.get_attr("IFA_PROTO") or 0 for address in route.get_addr()}


def test_our_mark_on_an_address_is_its_protocol(plane: KernelDataPlane) -> None:
    succeed(plane, AddAddress(VIP), AddAddress(VIP6))
    assert protocols() | {"127.0.0.1": 0, "::1": 0} == {
        "127.0.0.1": 0,
        "::1": 0,
        "192.0.2.10": OURS,
        "2001:db8::10": OURS,
    }


@pytest.mark.parametrize("vip", [VIP, VIP6], ids=str)
def test_an_address_that_somebody_puts_in_the_place_of_ours_has_no_mark(plane: KernelDataPlane, vip: Address) -> None:
    succeed(plane, AddAddress(vip))
    run("ip", "address", "del", vip.address, "dev", "lo")
    run("ip", "address", "add", vip.address, "dev", "lo")
    (refused,) = plane.apply([AddAddress(vip)])
    assert refused is not None
    assert refused.errno == errno.EEXIST
    assert vip in plane.addresses("lo")
    assert plane.marked("lo") == frozenset()


def test_ipv6_switched_off_is_said(plane: KernelDataPlane) -> None:
    switch = Path("/proc/sys/net/ipv6/conf/lo/disable_ipv6")
    switch.write_text("1")
    try:
        (failure,) = plane.apply([AddAddress(Address("2001:db8::10/128", "lo"))])
    finally:
        switch.write_text("0")
        run("ip", "address", "replace", "::1/128", "dev", "lo")
    assert failure == Failure(errno.EACCES, "IPv6 is disabled on lo")


def test_without_the_capability_the_data_plane_is_unavailable() -> None:
    script = "import os; from kglb.dataplane.kernel import KernelDataPlane; os.setuid(65534); KernelDataPlane()"
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert "Unavailable: IPVS needs the capability CAP_NET_ADMIN; try: " in ended.stderr


def test_it_works_on_a_worker_beside_uvloop(plane: KernelDataPlane) -> None:
    async def main() -> frozenset[Address]:
        worker = Worker("kernel")
        mine = await worker.call(KernelDataPlane)
        assert await worker.call(mine.services) == []
        addresses = await worker.call(mine.addresses, "lo")
        await worker.call(mine.close)
        assert await worker.close(timeout=PATIENCE)
        return addresses

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert Address("127.0.0.1/8", "lo") in runner.run(main())
