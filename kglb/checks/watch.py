"""Which sockets have news. Young ones share one ``poll``; the few that take longer go to an epoll of our own.

A ``poll`` costs no system call per socket, an epoll two, but the epoll's cost does not grow with those that
stay silent: a rack that hangs must not make every poll long. How many sockets a user's epolls may have is limited
(fs.epoll.max_user_watches); what is beyond that stays with the ``poll``. Nothing here reads, writes or closes.
"""

from select import epoll, poll

from kglb.checks.probe import Probe


class Watch:
    """The probes under way, by descriptor."""

    __slots__ = ("_epoll", "_poll", "_slow", "_staying", "_young")

    def __init__(self) -> None:
        self._poll = poll()
        self._epoll = epoll()
        self._young: dict[int, Probe] = {}  # in the order they started
        self._slow: dict[int, Probe] = {}
        self._staying: dict[int, Probe] = {}  # with the poll, though they are not young any more

    def __len__(self) -> int:
        return len(self._young) + len(self._slow) + len(self._staying)

    def __getitem__(self, fd: int) -> Probe:
        return self._young.get(fd) or self._slow.get(fd) or self._staying[fd]

    @property
    def has_young(self) -> bool:
        """Whether anything waits for ``poll_young``."""
        return bool(self._young or self._staying)

    @property
    def slow_fd(self) -> int:
        """A descriptor that is readable whenever ``poll_slow`` has news."""
        return self._epoll.fileno()

    @property
    def probes(self) -> list[Probe]:
        """All the probes under way."""
        return [*self._young.values(), *self._slow.values(), *self._staying.values()]

    def add(self, probe: Probe) -> None:
        """Watch a probe that has just started for its ``interest``."""
        assert probe.sock is not None
        probe.fd = fd = probe.sock.fileno()
        self._young[fd] = probe
        self._poll.register(fd, probe.interest)

    def change(self, probe: Probe) -> None:
        """Watch for the probe's new ``interest``."""
        if probe.fd in self._slow:
            self._epoll.modify(probe.fd, probe.interest)
        else:
            self._poll.modify(probe.fd, probe.interest)

    def remove(self, probe: Probe) -> None:
        """Watch a probe no more; to be called before its socket is closed."""
        if self._young.pop(probe.fd, None) is not None or self._staying.pop(probe.fd, None) is not None:
            self._poll.unregister(probe.fd)
        else:
            # Closing alone would not do: a child between fork and exec still holds the socket, and an event
            # of this one could be taken for one of the next that gets its number.
            del self._slow[probe.fd]
            self._epoll.unregister(probe.fd)

    def poll_young(self) -> list[tuple[int, int]]:
        """(descriptor, events) of the young ones, and of those that stay with them, that have news now."""
        return self._poll.poll(0) if self.has_young else []

    def poll_slow(self) -> list[tuple[int, int]]:
        """(descriptor, events) of the slow ones that have news now."""
        return self._epoll.poll(0)

    def poll_one(self, probe: Probe) -> int:
        """The events one probe has now, 0 for none."""
        single = poll()
        single.register(probe.fd, probe.interest)
        news = single.poll(0)
        return news[0][1] if news else 0

    def age(self, born_before: float) -> list[Probe]:
        """Move the young ones that started before this loop time to the epoll, if it takes them, and say which."""
        aged: list[Probe] = []
        for probe in self._young.values():
            if probe.started > born_before:
                break
            aged.append(probe)
        for probe in aged:
            del self._young[probe.fd]
            try:
                self._epoll.register(probe.fd, probe.interest)
            except OSError:
                self._staying[probe.fd] = probe
            else:
                self._poll.unregister(probe.fd)
                self._slow[probe.fd] = probe
        return aged

    def close(self) -> None:
        """Watch nothing any more."""
        self._young.clear()
        self._slow.clear()
        self._staying.clear()
        self._epoll.close()
