"""Reals that can die: a process for each address, which accepts connections and keeps them until the other side closes.

A program of its own, as reals are. Orders come one a line, ``kill ADDRESS`` (by SIGKILL) or ``start ADDRESS``; each is
answered by a line once it is done: the time (``time.time()``) just before it was. Ends with its input.

    python -m bench.mortals PORT <<< ADDRESSES
"""

import os
import select
import signal
import socket
import sys
import time


def start(address: str, port: int) -> int:
    """Fork a process that listens; its id, once it does."""
    listening, told = os.pipe()
    pid = os.fork()
    if pid == 0:
        serve(address, port, told)
    os.close(told)
    os.read(listening, 1)
    os.close(listening)
    return pid


def serve(address: str, port: int, told: int) -> None:
    """Accept connections and keep them, for ever."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, port))
    listener.listen(64)
    os.write(told, b".")
    poller = select.epoll()
    poller.register(listener, select.EPOLLIN)
    kept: dict[int, socket.socket] = {}
    while True:
        for descriptor, _ in poller.poll():
            if descriptor == listener.fileno():
                connection = listener.accept()[0]
                kept[connection.fileno()] = connection
                poller.register(connection, select.EPOLLIN | select.EPOLLRDHUP)
            else:
                kept.pop(descriptor).close()


def main() -> None:
    """Start a process for each address of the first line, say so, and follow orders."""
    port = int(sys.argv[1])
    processes = {address: start(address, port) for address in sys.stdin.readline().split()}
    print("done", flush=True)
    for line in sys.stdin:
        verb, _, address = line.strip().partition(" ")
        at = time.time()
        if verb == "kill":
            os.kill(processes[address], signal.SIGKILL)
            os.waitpid(processes.pop(address), 0)
        elif verb == "start":
            processes[address] = start(address, port)
        print(at, flush=True)
    for pid in processes.values():
        os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
