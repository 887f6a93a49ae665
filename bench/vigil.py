"""What idle connections cost, and how soon their end is noticed: the vigil alone, on loopback.

    python -m bench.vigil --connections 15000

Memory is the process's own (the kernel's, 2.7 KiB a connection, it does not tell); CPU is of ten seconds in which
nothing happens. Then the other side closes single connections, and ends at last with all that are left.
"""

import argparse
import asyncio
import os
import resource
import signal
import socket
import statistics
import time
from pathlib import Path

import uvloop

from kglb.checks.make import make_idle
from kglb.checks.vigil import IdleConnection, Vigil
from kglb.model import Endpoint, TcpCheck

IDLE = 10.0
SINGLES = 100


def serve(listener: socket.socket, orders: int) -> None:
    """Accept and keep; close the oldest connection for each byte of ``orders``."""
    kept: list[socket.socket] = []
    listener.setblocking(False)
    os.set_blocking(orders, False)
    closed = 0
    while True:
        try:
            kept.append(listener.accept()[0])
        except BlockingIOError:
            try:
                os.read(orders, 1)
                kept[closed].close()
                closed += 1
            except BlockingIOError:
                time.sleep(0.0001)


def resident() -> int:
    """Bytes of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


class Losses:
    """When each of them was told."""

    def __init__(self) -> None:
        self.at: list[float] = []
        self.news = asyncio.Event()

    def __call__(self, _idle: IdleConnection, _how: str, _after: float) -> None:
        """Note the time."""
        self.at.append(time.monotonic())
        self.news.set()

    async def count(self, wanted: int) -> None:
        """Wait until there are so many."""
        while len(self.at) < wanted:
            self.news.clear()
            await self.news.wait()


async def measure(target: Endpoint, connections: int, server: int, orders: int) -> None:
    """Hold, wait, lose; print what it took."""
    losses = Losses()
    vigil = Vigil(clock=time.monotonic, room=connections)
    before, cpu = resident(), time.process_time()
    for _ in range(connections):
        vigil.hold(make_idle(TcpCheck(), target, lost=losses))
        if not len(vigil) % 50:
            await asyncio.sleep(0.001)
    held = len(vigil)
    print(f"{held:,} connections held, {(time.process_time() - cpu) / held * 1e6:.0f} us of CPU each to open")
    print(f"memory of the process: {(resident() - before) / held:,.0f} bytes each")
    cpu = time.process_time()
    await asyncio.sleep(IDLE)
    print(f"CPU while idle: {(time.process_time() - cpu) / IDLE * 100:.3f} %")
    await _lose(losses, held, server, orders)
    await vigil.close()


async def _lose(losses: Losses, held: int, server: int, orders: int) -> None:
    assert not losses.at, "connections were lost while nothing happened"
    noticed = []
    for number in range(1, SINGLES + 1):
        await asyncio.sleep(0.01)
        begin = time.monotonic()
        os.write(orders, b".")
        await losses.count(number)
        noticed.append((losses.at[-1] - begin) * 1000)
    print(f"one ends: noticed after {statistics.median(noticed):.2f} ms, at worst {max(noticed):.2f} ms")
    begin = time.monotonic()
    os.kill(server, signal.SIGKILL)
    await losses.count(held)
    print(f"the other {held - SINGLES:,} end: all noticed after {(losses.at[-1] - begin) * 1000:.0f} ms")


def main() -> None:
    """Fork the server, and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=15_000)
    connections: int = parser.parse_args().connections
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    reading, writing = os.pipe()
    server = os.fork()
    if server == 0:
        serve(listener, reading)
    target = Endpoint("127.0.0.1", listener.getsockname()[1])
    listener.close()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(measure(target, connections, server, writing))
    finally:
        os.kill(server, signal.SIGKILL)
        os.waitpid(server, 0)


if __name__ == "__main__":
    main()
