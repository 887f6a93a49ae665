"""Virtual time. What is to happen stands on one agenda and happens one step at a time; time passes only in between.

Steps of the same moment happen in the order in which they were put down. Nothing here knows what a step does.
"""

import heapq
from collections import deque
from collections.abc import Callable

Step = Callable[[], object]


class Agenda:
    """One per simulation. ``now`` is in seconds; ``steps`` counts what has happened so far."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now
        self.steps = 0
        self._order = 0
        self._soon: deque[Step] = deque()
        self._later: list[tuple[float, int, Step]] = []

    def soon(self, step: Step) -> None:
        """Do this next, after what is to be done at once already."""
        self._soon.append(step)

    def at(self, when: float, step: Step) -> None:
        """Do this then, or at once if that has passed."""
        self._order += 1
        heapq.heappush(self._later, (when, self._order, step))

    def after(self, seconds: float, step: Step) -> None:
        """Do this in so many seconds."""
        self.at(self.now + seconds, step)

    def run(self, until: float) -> None:
        """Do everything up to a moment, which is now afterwards."""
        soon, later = self._soon, self._later
        while True:
            if soon:
                step = soon.popleft()
            elif later and later[0][0] <= until:
                when, _, step = heapq.heappop(later)
                self.now = max(self.now, when)
            else:
                self.now = max(self.now, until)
                return
            self.steps += 1
            step()
