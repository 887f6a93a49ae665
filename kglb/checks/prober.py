"""The batched prober: all probes of the process, started and read in batches, below the actors.

Due times stand in one heap, deadlines in another. A tick starts every probe that is due with a non-blocking
connect, asks the kernel about all of them with one ``poll``, and reports what has an answer, the whole
batch in one go. That is four system calls a TCP check (socket, setsockopt, connect, close), which is the
cost that counts.

Ticks stand on a grid of 10 ms, and on an idle loop a probe starts at the point that is nearest to its due time, up to
5 ms before or after; when a batch was started or got on, the next looks follow within 1, 2 and 4 ms, so that a quick
answer is a quick report. Who schedules a probe less than a tick ahead is in a hurry: until it is due, the grid is one
of 1 ms. No tick works much longer than 4 ms: what is left waits for the next, and the rest of the loop has its turn in
between.

Descriptors: at most ``room`` sockets are open at once. At that bound, or when the kernel has none left,
probes stay in the heap of due times, which is their queue. The prober keeps no health, decides nothing, and
never blocks.
"""

import asyncio
import errno
import math
from collections.abc import Callable
from typing import Final

from kglb.checks.alarm import TICK, Alarm
from kglb.checks.dial import OUT_OF_DESCRIPTORS, verdict_of
from kglb.checks.outbox import Outbox, ProberStats, Turn
from kglb.checks.outcome import Outcome, Verdict
from kglb.checks.probe import REDIAL, Probe
from kglb.checks.room import default_room
from kglb.checks.spares import SPARES
from kglb.checks.timetable import Timetable
from kglb.checks.watch import Watch

EARLY: Final = TICK / 2 + 0.0005
"""So many seconds before it is due a probe may start: half a tick, and what rounding may add."""
SLICE: Final = 0.004
FOLLOW_UPS: Final = (0.001, 0.001, 0.002)
YOUNG: Final = 0.05
"""Seconds after which a probe without an answer moves to the epoll."""
BATCH: Final = 4
"""So many sockets are begun or stepped between two looks at the clock: reading it is a system call on some machines."""
LATE: Final = 0.1
"""A deadline noticed later than this many seconds proves nothing about the real."""
RETRY: Final = 0.05
"""Seconds between attempts while there is no descriptor and none of ours is about to become free."""


class Prober:
    """The ``ProberPort`` of production. One per process, on a running event loop.

    ``clock`` gives loop time, finer than ``loop.time`` where that counts whole milliseconds (on uvloop pass
    ``time.monotonic``, which is the same clock). ``room`` is how many sockets may be open at once, by
    default what the descriptor limit allows, less a reserve; ``held`` says how many of them others have. Each
    batch of outcomes is told within ``turn``.
    """

    def __init__(
        self,
        *,
        loop: asyncio.AbstractEventLoop | None = None,
        clock: Callable[[], float] | None = None,
        room: int | None = None,
        held: Callable[[], int] = lambda: 0,
        turn: Turn = lambda deliver: deliver(),
    ) -> None:
        self.stats = ProberStats()
        self._loop = loop or asyncio.get_running_loop()
        self._clock = clock or self._loop.time
        self._room = default_room() if room is None else room
        self._held = held
        self._due = Timetable()
        self._deadlines = Timetable()
        self._watch = Watch()
        self._outbox = Outbox(self.stats, turn, self._complain)
        self._alarm = Alarm(self._loop, self._tick)
        self._busy = False
        self._closed = False
        self._now = 0.0  # what the clock said last
        self._no_start_before = 0.0
        self._looks = 0  # since something last got on: an index into FOLLOW_UPS
        self._loop.add_reader(self._watch.slow_fd, self._hear_slow)

    @property
    def in_flight(self) -> int:
        """How many probes have a socket open."""
        return len(self._watch)

    def schedule(self, probe: Probe, due: float) -> None:
        """Make the probe once, at this loop time; at once when it has passed.

        A probe that is scheduled or under way has to be cancelled first, or report.
        """
        assert not self._closed, "a closed prober makes no probes"
        assert not probe.ticket, "this probe is scheduled already"
        probe.due = due
        self._due.add(due, probe)
        if due < self._alarm.at + TICK and due - (self._now if self._busy else self._clock()) < TICK:
            self._alarm.hurry(due)
        if not self._busy:
            self._alarm.near(due)

    def cancel(self, probe: Probe) -> None:
        """Forget the probe, and close its socket when it is under way: it reports nothing any more."""
        if not probe.ticket:
            return
        probe.ticket = 0
        if probe.sock is not None:
            self._hang_up(probe)
        else:
            self._due.voided()
        self._leave_gate(probe)
        if not self._busy:
            self._arm()

    def holds(self, probe: Probe) -> bool:
        """Whether the probe waits for its time, its turn or its answer, and so will report."""
        return bool(probe.ticket)

    async def close(self) -> None:
        """Cancel everything, for good. Nothing is reported afterwards."""
        if self._closed:
            return
        self._closed = True
        self._alarm.stopped()
        self._loop.remove_reader(self._watch.slow_fd)
        for probe in self._watch.probes:
            probe.ticket = 0
            probe.end()
            self._leave_gate(probe)
        self._watch.close()
        while (waiting := self._due.pop(math.inf)) is not None:  # those that take over a place too
            waiting.ticket = 0
            self._leave_gate(waiting)
        self._due.clear()
        self._deadlines.clear()
        SPARES.close()

    def _tick(self) -> None:
        self._alarm.stopped()
        self._busy = True
        try:
            until = self._read_clock() + SLICE
            self._look(self._watch.poll_young(), until)
            self._expire(until)
            if self._start_due(until):
                news = self._watch.poll_young()
                self._read_clock()
                self._look(news, until)
            self._outbox.send()
        finally:
            self._busy = False
            self._arm()

    def _read_clock(self) -> float:
        self._now = now = self._clock()
        return now

    def _hear_slow(self) -> None:
        self._busy = True
        try:
            self._look(self._watch.poll_slow(), self._read_clock() + SLICE)
            self._outbox.send()
        finally:
            self._busy = False
            self._arm()

    def _look(self, news: list[tuple[int, int]], until: float) -> None:
        for number, (fd, events) in enumerate(news, 1):
            self._step(self._watch[fd], events)
            if not number % BATCH and self._read_clock() > until:
                break  # poll will say it again

    def _step(self, probe: Probe, events: int) -> None:
        self._looks = 0
        try:
            verdict = probe.step(events)
        except BlockingIOError:
            return
        except Exception as error:
            verdict = self._blame(error, at_once=False)
        if verdict is REDIAL:
            self._redial(probe)
        elif verdict is None:
            self._watch.change(probe)
        else:
            self._hang_up(probe)
            self._finish(probe, verdict)

    def _redial(self, probe: Probe) -> None:
        self._watch.remove(probe)
        try:
            verdict = probe.redial()
        except Exception as error:
            verdict = self._blame(error, at_once=True)
        if verdict is None:
            self._watch.add(probe)
        else:
            probe.end()
            self._finish(probe, verdict)

    def _expire(self, until: float) -> None:
        for probe in self._watch.age(until - SLICE - YOUNG):
            if probe.timeout >= YOUNG:
                self._deadlines.add(probe.started + probe.timeout, probe)
        while self._now < until and (expired := self._deadlines.pop(self._now)) is not None:
            events = self._watch.poll_one(expired)
            if events:
                self._step(expired, events)
            if expired.sock is not None:
                verdict = _timeout(expired, self._now)
                self._hang_up(expired)
                self._finish(expired, verdict)
            self._read_clock()

    def _start_due(self, until: float) -> bool:
        started = self.stats.started
        until_read = BATCH
        while self._no_start_before <= self._now < until:
            probe = self._due.pop(self._now + EARLY)
            if probe is None:
                break
            self._start(probe, self._now)
            until_read -= 1
            if not until_read:
                until_read = BATCH
                self._read_clock()
        return self.stats.started != started

    def _start(self, probe: Probe, now: float) -> None:
        if probe.gate is not None and not probe.admitted:
            if not probe.gate.enter(probe):
                return
            probe.admitted = True
        probe.started = now
        try:
            self._check_room()
            verdict = probe.begin()
        except Exception as error:
            if _no_descriptor(error) and now - probe.due < probe.timeout:
                self._due.add(probe.due, probe)
                self._no_start_before = now + RETRY
                return
            verdict = self._blame(error, at_once=True)
        self.stats.begun(now - probe.due)
        if verdict is not None:
            self._finish(probe, verdict)
            return
        self._watch.add(probe)
        if probe.timeout < YOUNG:
            self._deadlines.add(now + probe.timeout, probe)
        self._looks = 0

    def _check_room(self) -> None:
        if len(self._watch) + self._held() >= self._room:
            raise OSError(errno.EMFILE, "at the prober's own bound")

    def _hang_up(self, probe: Probe) -> None:
        self._watch.remove(probe)
        probe.end()
        self._no_start_before = 0.0

    def _finish(self, probe: Probe, verdict: Verdict) -> None:
        self._leave_gate(probe)
        status, reason, detail, weight = verdict
        latency = self._now - probe.started
        self._outbox.add(probe, Outcome(status, reason, detail, latency, probe.due, probe.started, weight))

    def _leave_gate(self, probe: Probe) -> None:
        if probe.gate is None:
            return
        if not probe.admitted:
            probe.gate.forget(probe)
            return
        probe.admitted = False
        heir = probe.gate.leave()
        if heir is not None:
            heir.admitted = True
            self._due.add(heir.due, heir)

    def _blame(self, error: Exception, *, at_once: bool) -> Verdict:
        if isinstance(error, OSError):
            return verdict_of(error.errno, at_once=at_once)
        self._complain("a probe failed in its conversation", error)
        return Verdict("unknown", "probe crashed", repr(error))

    def _complain(self, message: str, error: Exception) -> None:
        self._loop.call_exception_handler({"message": message, "exception": error})

    def _arm(self) -> None:
        if self._closed:
            return
        earliest = self._due.earliest
        if earliest is not None:
            if earliest < self._no_start_before:
                self._alarm.after(self._no_start_before)
            else:
                self._alarm.near(earliest)
        earliest = self._deadlines.earliest
        if earliest is not None:
            self._alarm.after(earliest)
        if self._watch.has_young:
            self._alarm.soon(self._clock(), FOLLOW_UPS[self._looks] if self._looks < len(FOLLOW_UPS) else None)
            self._looks += 1


def _no_descriptor(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno in OUT_OF_DESCRIPTORS


def _timeout(probe: Probe, now: float) -> Verdict:
    if now - probe.started - probe.timeout > LATE:
        return Verdict("unknown", "deadline noticed late", f"during {probe.phase}")
    return probe.overdue()
