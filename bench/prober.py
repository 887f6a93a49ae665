"""What a check costs: microseconds of CPU of the probing process, the server's not counted.

    python -m bench.prober --kind tcp --reals 5000 --interval 5

Reals are addresses in 127.0.0.0/8, all of them one server in a process of its own. ``floor_us`` is what
the bare system calls of a TCP check cost at the same rate (socket, setsockopt, connect, close): on loopback
they include the server's half of the handshake and waking the server, which no remote real costs.
"""

import argparse
import asyncio
import json
import multiprocessing
import resource
import socket
import ssl
import statistics
import struct
import subprocess
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import cast

import uvloop

from kglb.checks.dial import Dialer
from kglb.checks.make import make_probe
from kglb.checks.outcome import Outcome
from kglb.checks.probe import Probe
from kglb.checks.prober import Prober
from kglb.checks.secured import RESUMPTIONS
from kglb.checks.tls import tls_context
from kglb.model import Endpoint
from kglb.model.check import AllCheck, Check, HttpCheck, TcpCheck, question_of

CHECKS: dict[str, Check] = {
    "tcp": TcpCheck(timeout=1.0),
    "http": HttpCheck(timeout=1.0),
    "https": HttpCheck(timeout=1.0, tls=True),
    "exchange": TcpCheck(timeout=1.0, send=b"PING\r\n", expect=b"200 OK"),
    "tls": TcpCheck(timeout=1.0, tls=True, send=b"PING\r\n", expect=b"200 OK"),
    "all": AllCheck(timeout=1.0, checks=(question_of(TcpCheck()), question_of(HttpCheck()))),
}
SECURED = ("https", "tls")
ANSWER = b"HTTP/1.1 200 OK\r\nServer: bench\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


class _Answers(asyncio.Protocol):
    """Answers whatever it hears, and lets the client hang up."""

    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:  # noqa: ARG002
        self.transport.write(ANSWER)


def serve(ready: Connection, tls: bool) -> None:
    """Serve on a free port of all of 127.0.0.0/8, tell which, and go on until killed."""

    async def run() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(_Answers, "0.0.0.0", 0, backlog=4096, ssl=_server_context() if tls else None)
        ready.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(run())


def _server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as directory:
        key, certificate = Path(directory, "key.pem"), Path(directory, "certificate.pem")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-days", "2", "-subj", "/CN=bench", "-keyout", key, "-out", certificate],
            check=True, capture_output=True,
        )  # fmt: skip
        context.load_cert_chain(certificate, key)
    return context


class Bench:
    """Probes every real each interval, as checkers do, and counts."""

    def __init__(self, prober: Prober, interval: float) -> None:
        self.prober = prober
        self.interval = interval
        self.outcomes = 0
        self.failed = 0
        self.latencies: list[float] = []

    def add(self, check: Check, target: Endpoint, due: float) -> None:
        """Begin to probe a real."""
        probe: Probe

        def answered(outcome: Outcome) -> None:
            self.outcomes += 1
            self.failed += outcome.status != "success"
            self.latencies.append(outcome.latency)
            self.prober.schedule(probe, outcome.due + self.interval)

        probe = make_probe(check, target, answered=answered)
        self.prober.schedule(probe, due)


async def floor(port: int, rate: float, seconds: float) -> float:
    """CPU microseconds of a TCP check's bare system calls, in batches of 5 ms, with no prober around them."""
    dialer, target, calls = Dialer(), Endpoint("127.0.0.1", port), 0
    wall, cpu = time.monotonic(), time.process_time()
    while (elapsed := time.monotonic() - wall) < seconds:
        sockets = [dialer.dial(target) for _ in range(int(rate * elapsed) - calls)]
        calls += len(sockets)
        for sock in sockets:
            sock.close()
        await asyncio.sleep(0.005)
    return (time.process_time() - cpu) / max(1, calls) * 1e6


def handshake(port: int, rate: float, count: int) -> float:
    """CPU microseconds of connecting, shaking hands and closing, in blocking calls; so many a second, as the checks are
    made: in a tight loop, caches stay warm that a check finds cold.
    """
    context = tls_context(CHECKS["https"])  # type: ignore[arg-type]
    session: ssl.SSLSession | None = None
    resumed, cpu, due = 0, time.process_time(), time.monotonic()
    for _ in range(count):
        due += 1 / rate
        time.sleep(max(0.0, due - time.monotonic()))
        with (
            socket.create_connection(("127.0.0.1", port)) as plain,
            context.wrap_socket(plain, session=session) as tls,
        ):
            tls.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            resumed = resumed + 1 if tls.session_reused else 0
            if session is None:  # its ticket comes with what the server says first
                tls.sendall(b"GET / HTTP/1.1\r\n\r\n")
                tls.recv(1024)
                session = tls.session
            elif resumed >= RESUMPTIONS:
                session = None
    return (time.process_time() - cpu) / count * 1e6


async def measure(args: argparse.Namespace, port: int) -> dict[str, object]:
    """Warm up for an interval, then measure one window after the other."""
    loop, rate = asyncio.get_running_loop(), args.reals / args.interval
    prober = Prober(clock=time.monotonic)
    bench = Bench(prober, args.interval)
    begin = loop.time() + 0.1
    for number in range(args.reals):
        address = f"127.{1 + number // 62500}.{number // 250 % 250}.{1 + number % 250}"
        bench.add(CHECKS[args.kind], Endpoint(address, port), begin + args.interval * number / args.reals)
    await asyncio.sleep(args.interval + 0.5)
    bench.failed = 0
    costs, shares, lateness = [], [], []
    for _ in range(args.windows):
        outcomes, cpu, wall = bench.outcomes, time.process_time(), time.monotonic()
        late, started = prober.stats.lateness, prober.stats.started
        await asyncio.sleep(args.interval)
        cpu = time.process_time() - cpu
        costs.append(cpu / max(1, bench.outcomes - outcomes) * 1e6)
        shares.append(cpu / (time.monotonic() - wall) * 100)
        lateness.append((prober.stats.lateness - late) / max(1, prober.stats.started - started) * 1e3)
    await prober.close()
    return {
        "kind": args.kind,
        "reals": args.reals,
        "interval_s": args.interval,
        "us_per_check": round(statistics.median(costs), 1),
        "us_per_check_windows": [round(cost, 1) for cost in costs],
        "floor_us": round(await floor(port, rate, args.interval), 1),
        **({"handshake_us": round(handshake(port, rate, 2000), 1)} if args.kind in SECURED else {}),
        "cpu_percent": round(statistics.median(shares), 1),
        "lateness_ms": round(statistics.median(lateness), 2),
        "latency_ms_median": round(statistics.median(bench.latencies) * 1e3, 3),
        "failed": bench.failed,
        "unknown": prober.stats.unknown,
        "max_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def main() -> None:
    """Run the server and one measurement; print it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", choices=CHECKS, default="tcp")
    parser.add_argument("--reals", type=int, default=5000)
    parser.add_argument("--interval", type=float, default=5.0, help="seconds")
    parser.add_argument("--windows", type=int, default=3, help="how many intervals are measured")
    args = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(there, args.kind in SECURED), daemon=True)
    server.start()
    try:
        port = here.recv()
        result = uvloop.run(measure(args, port))
        print(json.dumps(result))
    finally:
        server.kill()
        server.join()


if __name__ == "__main__":
    main()
