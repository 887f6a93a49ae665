"""What announces routes: the port to a BGP engine, and the fake that remembers what it was told.

The port is asynchronous and used on the event loop: an engine is another process, reached by a socket. Nothing here
decides which routes there should be.
"""

from collections.abc import Callable
from typing import Protocol

from kglb.dataplane.port import Failure
from kglb.model import AnnounceRoute, Route, RouteOperation, WithdrawRoute


class RouteEngine(Protocol):
    """A BGP speaker. It keeps its routes when we let go of it."""

    async def perform(self, operation: RouteOperation) -> Failure | None:
        """Announce or withdraw one route; None once the engine has acknowledged, else why not.

        Announcing again replaces the attributes; withdrawing what is not announced is fine.
        """

    async def announced(self) -> tuple[Route, ...]:
        """What the engine announces, or may announce, for us. Raises OSError where it does not answer."""

    def on_loss(self, tell: Callable[[], None]) -> None:
        """Call ``tell`` whenever the engine goes away."""

    async def close(self) -> None:
        """Let go of the engine. Its routes stay."""


class MemoryRoutes:
    """The engine that is only memory: the fake, shipped. ``history`` is every operation it was given.

    ``failure`` is its answer to all operations while it is set; ``lose`` is a restart that forgets everything.
    """

    def __init__(self) -> None:
        self.routes: dict[str, Route] = {}
        self.history: list[RouteOperation] = []
        self.failure: Failure | None = None
        self._tell: Callable[[], None] = lambda: None

    async def perform(self, operation: RouteOperation) -> Failure | None:
        """Remember, or forget, the route."""
        self.history.append(operation)
        if self.failure is not None:
            return self.failure
        match operation:
            case AnnounceRoute(route):
                self.routes[route.prefix] = route
            case WithdrawRoute(route):
                self.routes.pop(route.prefix, None)
        return None

    async def announced(self) -> tuple[Route, ...]:
        """The routes that are remembered."""
        return tuple(self.routes.values())

    def on_loss(self, tell: Callable[[], None]) -> None:
        """Call ``tell`` at each ``lose``."""
        self._tell = tell

    def lose(self) -> None:
        """Forget every route, as an engine that starts again does."""
        self.routes.clear()
        self._tell()

    async def close(self) -> None:
        """Do nothing: there is nothing to let go of."""
