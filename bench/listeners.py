"""Reals that can do one thing: accept connections. Thousands of addresses, a listening socket each, on one epoll.

A program of its own, as reals are. Orders come one a line, ``close ADDRESS...`` or ``listen ADDRESS...``; each is
answered by a line once it is done. Ends with its input.

    python -m bench.listeners PORT <<< ADDRESSES
"""

import resource
import select
import socket
import sys


class Listeners:
    """The listening sockets by address."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._epoll = select.epoll()
        self._by_address: dict[str, socket.socket] = {}
        self._by_descriptor: dict[int, socket.socket] = {}

    def listen(self, address: str) -> None:
        """Accept connections to the address."""
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, self._port))
        listener.listen(64)
        self._by_address[address] = self._by_descriptor[listener.fileno()] = listener
        self._epoll.register(listener.fileno(), select.EPOLLIN)

    def close(self, address: str) -> None:
        """Refuse connections to the address."""
        listener = self._by_address.pop(address)
        del self._by_descriptor[listener.fileno()]
        listener.close()

    def run(self, orders: int) -> None:
        """Accept and hang up, and follow orders, until their end."""
        self._epoll.register(orders, select.EPOLLIN)
        while True:
            for descriptor, _ in self._epoll.poll():
                if descriptor != orders:
                    self._accept(descriptor)
                elif not self._obey(sys.stdin.readline()):
                    return

    def _accept(self, descriptor: int) -> None:
        listener = self._by_descriptor.get(descriptor)
        if listener is not None:
            try:
                listener.accept()[0].close()
            except OSError:  # gone before it was accepted
                return

    def _obey(self, order: str) -> bool:
        verb, *addresses = order.split() or [""]
        for address in addresses:
            if verb == "close":
                self.close(address)
            elif verb == "listen":
                self.listen(address)
        print("done", flush=True)
        return bool(verb)


def main() -> None:
    """Listen on the addresses of the first line, say so, and serve."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    listeners = Listeners(int(sys.argv[1]))
    for address in sys.stdin.readline().split():
        listeners.listen(address)
    print("done", flush=True)
    listeners.run(sys.stdin.fileno())


if __name__ == "__main__":
    main()
