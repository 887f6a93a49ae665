"""Whatever the config: kernel, journal and config agree on every service, as independent witnesses read it.

The daemon is the real one, on a loop in this process: a process for each example would cost two seconds.
"""

import asyncio
import gc
import logging
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from pyroute2 import IPVS, IPVSService

from journal import JournalReader
from kglb.cli.wiring import serve
from kglb.config.load import Loaded
from kglb.dataplane.kernel import KernelDataPlane
from kglb.events import OperationFailed, decode
from kglb.model import (
    Address,
    Balancer,
    Config,
    Destination,
    JournalConfig,
    Real,
    RealId,
    Service,
    StatusConfig,
    TcpCheck,
    parse_endpoint,
)
from kglb.projections import Holding, State
from lab.ipvs import SavedService, saved
from lab.namespaces import in_namespace
from lab.net import Network
from lab.reals import Reals
from tests.dataplane.contract import wipe
from tests.dataplane.strategies import forwards, services
from tests.kernel.printed import fits, is_printed, printed
from tests.patience import PATIENCE

LISTENING = 80
REALS = (
    "10.2.0.10:80",
    "10.2.0.11:80",
    "10.2.0.10:81",
    "10.2.0.11:81",
    "[fd00:2::a]:80",
    "[fd00:2::b]:80",
    "[fd00:2::a]:81",
)
"""Those with port 81 refuse the check's connection."""

CHECK = TcpCheck(interval=0.05, timeout=10.0, rise=1, fall=1)
PROTOCOL_NUMBERS = {"tcp": 6, "udp": 17}


@st.composite
def real_entries(draw: st.DrawFn) -> Real:
    upper = draw(st.sampled_from((0, 0, 1, 1000)))
    return Real(
        host=draw(st.sampled_from(REALS)),
        weight=draw(st.integers(0, 65535)),
        forward=draw(forwards),
        upper=upper,
        lower=draw(st.integers(0, upper)),
    )


@st.composite
def balancers(draw: st.DrawFn) -> Balancer:
    service = canonical(draw(services().filter(is_printed)))
    entries = draw(st.lists(real_entries(), min_size=1, max_size=6, unique_by=lambda entry: entry.host))
    key = service.key
    vip = None if key.protocol == "fwmark" else Address(f"{key.address}/{128 if key.ipv6 else 32}", "lo")
    return Balancer(
        name=service.id,
        service=service,
        reals=tuple(entry for entry in entries if fits(service, destination(entry, entry.weight))),
        check=CHECK,
        address=vip,
    )


def canonical(service: Service) -> Service:
    """As ``kglb.config`` has it: only persistence has a netmask, and that of the whole address is 0."""
    whole = service.netmask == (128 if service.key.ipv6 else 32)
    return replace(service, netmask=0) if whole or not service.persistence else service


def destination(entry: Real, weight: int) -> Destination:
    return Destination(
        real=RealId(entry.host), weight=weight, forward=entry.forward, upper=entry.upper, lower=entry.lower
    )


def destinations(balancer: Balancer) -> dict[RealId, Destination]:
    """What the kernel should hold: reals that answer with their weight, others with 0."""
    return {
        RealId(entry.host): destination(entry, entry.weight if parse_endpoint(entry.host).port == LISTENING else 0)
        for entry in balancer.reals
    }


async def settle_and_leave(loaded: Loaded, expected: dict[str, SavedService]) -> None:
    """Run the daemon until ipvsadm prints what is expected and the journal has it, or for too long; then stop it with
    SIGUSR2.
    """
    daemon = asyncio.create_task(serve(loaded, lambda: loaded, source="test", log_level=logging.ERROR))
    deadline = time.monotonic() + PATIENCE
    while not daemon.done() and time.monotonic() < deadline:
        if await asyncio.to_thread(saved) == expected and is_in_step(folded(Path(loaded.config.journal.directory))):
            break
        await asyncio.sleep(0.02)
    if not daemon.done():
        os.kill(os.getpid(), signal.SIGUSR2)
    assert await daemon


def folded(directory: Path) -> State:
    """What the journal leads to. Nothing in it was refused."""
    state = State()
    for record in JournalReader(directory, decode).records():
        assert not isinstance(record.event, OperationFailed)
        state.fold(record.seq, record.event)
    return state


def is_in_step(state: State) -> bool:
    actual, desired = state.data_plane.actual, state.data_plane.desired
    return actual == replace(desired, marked=actual.marked)  # which is about the kernel alone


def kernel_holding(plane: KernelDataPlane) -> Holding:
    held = Holding(addresses={str(address): (address, True) for address in plane.addresses("lo")})
    for service in plane.services():
        held.services[service.id] = service
        held.destinations[service.id] = {each.real: each for each in plane.destinations(service.id)}
    return held


def weights_by_pyroute2(balancer: Balancer) -> dict[tuple[str, int], int]:
    """Of an IPv4 service that is not on a mark: pyroute2 cannot ask for others."""
    key = balancer.service.key
    service = IPVSService(addr=key.address, port=key.port, protocol=PROTOCOL_NUMBERS[key.protocol])
    with IPVS() as witness:
        rows = [dict(row.get("IPVS_CMD_ATTR_DEST")["attrs"]) for row in witness.dest("dump", service=service)]
    return {
        (row["IPVS_DEST_ATTR_ADDR"], row["IPVS_DEST_ATTR_PORT"]): row["IPVS_DEST_ATTR_WEIGHT"]
        for row in rows
        if row["IPVS_DEST_ATTR_ADDR_FAMILY"] == 2
    }


@pytest.fixture(scope="module")
def plane(network: Network, servers: Reals) -> Iterator[KernelDataPlane]:
    """The director's kernel, which this thread is in."""
    with in_namespace(network.director):
        made = KernelDataPlane()
        yield made
        made.close()


@settings(max_examples=24)
@given(chosen=st.lists(balancers(), min_size=1, max_size=5, unique_by=lambda balancer: balancer.id))
def test_kernel_journal_and_config_agree(plane: KernelDataPlane, tmp_path: Path, chosen: list[Balancer]) -> None:
    wipe(plane)
    own = plane.addresses("lo")
    expected: dict[str, SavedService] = {
        balancer.id: printed(balancer.service, destinations(balancer).values()) for balancer in chosen
    }
    directory = tempfile.mkdtemp(dir=tmp_path)
    config = Config(journal=JournalConfig(directory=directory), status=StatusConfig(listen=""), balancers=tuple(chosen))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(settle_and_leave(Loaded(config, {}, (), "digest"), expected))
    gc.unfreeze()
    assert saved() == expected

    state = folded(Path(directory))
    assert is_in_step(state)
    held = kernel_holding(plane)
    assert held.services == state.data_plane.actual.services
    assert held.destinations == {balancer.id: destinations(balancer) for balancer in chosen}
    assert held.destinations == state.data_plane.actual.destinations
    assert plane.addresses("lo") - own == {balancer.address for balancer in chosen if balancer.address}

    for balancer in chosen:
        if balancer.service.key.protocol != "fwmark" and not balancer.service.key.ipv6:
            assert weights_by_pyroute2(balancer) == {
                (endpoint.address, endpoint.port): each.weight
                for each in destinations(balancer).values()
                if not (endpoint := parse_endpoint(each.real)).is_ipv6
            }
