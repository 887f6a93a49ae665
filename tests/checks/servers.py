"""Servers on loopback that behave or misbehave as a test says, each connection on a thread of its own."""

import random
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from queue import SimpleQueue

from kglb.model import Endpoint
from tests.patience import PATIENCE

Handler = Callable[[socket.socket], object]

CERTIFICATE = Path(__file__).parent / "self_signed.pem"
CA_FILE = Path(__file__).parent / "ca.pem"
CA_SIGNED = Path(__file__).parent / "ca_signed.pem"
"""A certificate for real.test, 127.0.0.1 and ::1, by the CA of ``CA_FILE``."""
EXPIRED = Path(__file__).parent / "expired.pem"
"""The same, no longer valid."""


@contextmanager
def serving(handle: Handler, address: str = "127.0.0.1") -> Iterator[Endpoint]:
    """A TCP server that hands each connection to ``handle``, and waits for the last of them at the end."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    handlers: list[threading.Thread] = []
    with socket.create_server((address, 0), family=family, backlog=4096) as listener:
        acceptor = threading.Thread(target=_accept, args=(listener, handle, handlers), daemon=True)
        acceptor.start()
        yield Endpoint(address, listener.getsockname()[1])
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        acceptor.join(PATIENCE)  # which may have one more handler to start
        for thread in (acceptor, *handlers):
            thread.join(PATIENCE)
            assert not thread.is_alive(), "a server's thread still waits for a probe that is over"


def _accept(listener: socket.socket, handle: Handler, handlers: list[threading.Thread]) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        handlers.append(threading.Thread(target=_serve, args=(connection, handle), daemon=True))
        handlers[-1].start()


def _serve(connection: socket.socket, handle: Handler) -> None:
    with closing(connection), suppress(OSError):
        handle(connection)


def answering(
    answer: bytes, peers: SimpleQueue[str] | None = None, requests: SimpleQueue[bytes] | None = None
) -> Handler:
    """Read one request, answer it, and wait for the other side to close; tell who asked, and what."""

    def handle(connection: socket.socket) -> None:
        if peers is not None:
            peers.put(connection.getpeername()[0])
        request = b""
        while not request.endswith(b"\r\n\r\n"):
            chunk = connection.recv(65536)
            if not chunk:
                return
            request += chunk
        if requests is not None:
            requests.put(request)
        connection.sendall(answer)
        connection.recv(1)

    return handle


def silent(connection: socket.socket) -> None:
    """Accept, and say nothing."""
    while connection.recv(65536):
        pass


def resetting(connection: socket.socket) -> None:
    """Close with a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def over_tls(handle: Handler, context: ssl.SSLContext | None = None) -> Handler:
    """Speak TLS with a self-signed certificate, then do as ``handle``."""
    tls = context or server_context()

    def wrapped(connection: socket.socket) -> None:
        with tls.wrap_socket(connection, server_side=True) as session:
            handle(session)

    return wrapped


def server_context(certificate: Path = CERTIFICATE) -> ssl.SSLContext:
    """A TLS server's context, with the self-signed certificate unless told otherwise."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@contextmanager
def refusing(address: str = "127.0.0.1") -> Iterator[Endpoint]:
    """A port at which nobody listens, held so that nobody else can."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with closing(socket.socket(family)) as holder:
        holder.bind((address, 0))
        yield Endpoint(address, holder.getsockname()[1])


@contextmanager
def black_hole(address: str = "127.0.0.1") -> Iterator[Endpoint]:
    """A listener whose queue is full: it drops every SYN."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket(family))
        listener.bind((address, 0))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket(family))
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield Endpoint(address, listener.getsockname()[1])


@contextmanager
def udp_serving(reply: Callable[[bytes], Iterable[bytes]], address: str = "127.0.0.1") -> Iterator[Endpoint]:
    """A UDP server that answers each datagram, also those that it has not read at the end, with those of ``reply``."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with closing(socket.socket(family, socket.SOCK_DGRAM)) as server:
        server.bind((address, 0))
        server.settimeout(0.05)
        over = threading.Event()

        def serve() -> None:
            while True:
                try:
                    datagram, peer = server.recvfrom(65536)
                    for answer in reply(datagram):
                        server.sendto(answer, peer)
                except ConnectionRefusedError:
                    continue
                except TimeoutError:
                    if over.is_set():
                        return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield Endpoint(address, server.getsockname()[1])
        over.set()
        thread.join(PATIENCE)


@contextmanager
def udp_closed(address: str = "127.0.0.1") -> Iterator[Endpoint]:
    """A UDP port at which nobody listens: what is sent there brings an ICMP error back."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with closing(socket.socket(family, socket.SOCK_DGRAM)) as taken:
        taken.bind((address, 0))
        endpoint = Endpoint(address, taken.getsockname()[1])
    yield endpoint


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port of 127.0.0.1 that nobody has, and that the kernel gives to nobody who connects meanwhile."""
    while True:
        port = random.randrange(10_000, 30_000)
        with closing(socket.socket(socket.AF_INET, kind)) as taken, suppress(OSError):
            taken.bind(("127.0.0.1", port))
            return port
