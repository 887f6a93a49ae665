"""The process in which real servers live: HTTP, TCP echo and UDP echo for any number of reals, on one epoll.

Run by ``lab.reals``, which writes it one JSON array a line and reads one line back for each: ``ok``, or what
failed.

- ``["serve", [[name, namespace, addresses, {"http": 80, ...}], ...]]``: start these reals;
- ``["behave", [name, ...], behaviour]``: change how they behave.

It ends with its input. It is a process of its own so as not to delay the Python that a test measures.
"""

import json
import resource
import select
import socket
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from lab.namespaces import in_namespace

BACKLOG = 4096
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
HEAD_END = b"\r\n\r\n"


@dataclass(eq=False)
class Server:
    """One real: where it listens, how it behaves, and what is open."""

    name: str
    namespace: str
    addresses: list[str]
    ports: dict[str, int]
    behaviour: str = "answer"
    listeners: list[socket.socket] = field(default_factory=list)
    connections: set[socket.socket] = field(default_factory=set)


Answer = Callable[[Server, socket.socket, bytearray], None]
"""Answers what was received on a connection, and takes from it what is answered."""


def answer_http(server: Server, connection: socket.socket, received: bytearray) -> None:
    """Answer each complete request head with the real's name; it is the client that closes the connection."""
    status = "500 Internal Server Error" if server.behaviour == "error" else "200 OK"
    body = f"{server.name}\n"
    while (end := received.find(HEAD_END)) >= 0:
        del received[: end + len(HEAD_END)]
        connection.sendall(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())


def answer_tcp_echo(server: Server, connection: socket.socket, received: bytearray) -> None:
    """Send everything back, after the real's name."""
    connection.sendall(f"{server.name}: ".encode() + received)
    received.clear()


ANSWERS: dict[str, Answer] = {"http": answer_http, "tcp_echo": answer_tcp_echo}


class Loop:
    """All reals on one epoll, with a callback for each descriptor."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._callbacks: dict[int, Callable[[], None]] = {}
        self._servers: dict[str, Server] = {}

    def run(self) -> None:
        """Obey the standard input until it ends."""
        orders = sys.stdin.fileno()
        self._watch(orders, self._obey)
        while orders in self._callbacks:
            for descriptor, _ in self._epoll.poll():
                if callback := self._callbacks.get(descriptor):
                    callback()

    def _obey(self) -> None:
        if not (line := sys.stdin.readline()):
            del self._callbacks[sys.stdin.fileno()]
            return
        order = json.loads(line)
        try:
            if order[0] == "serve":
                for fields in order[1]:
                    server = self._servers[fields[0]] = Server(*fields)
                    self._listen(server)
            else:
                for name in order[1]:
                    self._behave(self._servers[name], order[2])
            print("ok", flush=True)
        except OSError as error:
            print(f"{order[0]}: {error}", flush=True)

    def _behave(self, server: Server, behaviour: str) -> None:
        server.behaviour = behaviour
        if behaviour in ("dead", "refuse"):
            while server.listeners:
                self._close(server.listeners.pop())
        elif not server.listeners:
            self._listen(server)
        while behaviour == "dead" and server.connections:
            connection = server.connections.pop()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            self._close(connection)

    def _listen(self, server: Server) -> None:
        with in_namespace(server.namespace):
            for address in server.addresses:
                for service, port in server.ports.items():
                    if service == "udp_echo":
                        self._serve_datagrams(server, _bound(socket.SOCK_DGRAM, address, port))
                    else:
                        self._serve_streams(server, _bound(socket.SOCK_STREAM, address, port), ANSWERS[service])

    def _serve_datagrams(self, server: Server, endpoint: socket.socket) -> None:
        def readable() -> None:
            with suppress(OSError):  # a real that drops its answers has no route to its client
                payload, sender = endpoint.recvfrom(65536)
                if server.behaviour != "hang":
                    endpoint.sendto(f"{server.name}: ".encode() + payload, sender)

        server.listeners.append(endpoint)
        self._watch(endpoint.fileno(), readable)

    def _serve_streams(self, server: Server, listener: socket.socket, answer: Answer) -> None:
        def acceptable() -> None:
            with suppress(OSError):  # no more to accept, or gone before it was
                while True:
                    connection, _ = listener.accept()
                    self._serve_connection(server, connection, answer)

        listener.listen(BACKLOG)
        server.listeners.append(listener)
        self._watch(listener.fileno(), acceptable)

    def _serve_connection(self, server: Server, connection: socket.socket, answer: Answer) -> None:
        received = bytearray()

        def readable() -> None:
            try:
                part = connection.recv(65536)
                received.extend(part)
                if part and server.behaviour != "hang":
                    answer(server, connection, received)
            except OSError:
                part = b""
            if not part:
                server.connections.discard(connection)
                self._close(connection)

        connection.setblocking(False)
        server.connections.add(connection)
        self._watch(connection.fileno(), readable)

    def _watch(self, descriptor: int, callback: Callable[[], None]) -> None:
        self._epoll.register(descriptor, select.EPOLLIN)
        self._callbacks[descriptor] = callback

    def _close(self, endpoint: socket.socket) -> None:
        del self._callbacks[endpoint.fileno()]
        endpoint.close()


def _bound(kind: socket.SocketKind, address: str, port: int) -> socket.socket:
    """A non-blocking socket of the calling thread's namespace, bound to the address."""
    endpoint = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)
    endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if endpoint.family == socket.AF_INET6:
        endpoint.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    endpoint.setblocking(False)
    endpoint.bind((address, port))
    return endpoint


def main() -> None:
    """Serve with as many descriptors as the system allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    Loop().run()


if __name__ == "__main__":
    main()
