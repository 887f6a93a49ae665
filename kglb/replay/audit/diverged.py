"""What an audit raises, and how it words both sides."""

from kglb.replay.words import printable


class Diverged(Exception):  # noqa: N818 - it reads as what it is
    """A record is not what today's decision code makes of what was recorded before it."""

    def __init__(self, about: str, *, recorded: str, decided: str) -> None:
        super().__init__(f"{about}: recorded {recorded}, decided {decided}")
        self.about = printable(about)
        self.recorded = printable(recorded)
        self.decided = printable(decided)


def health_word(healthy: bool) -> str:
    """How a belief about a real is called."""
    return "healthy" if healthy else "unhealthy"


def wrong_cause(about: str, cause: int | None, expected: str) -> Diverged:
    """A record names another cause than what made it necessary."""
    recorded = "no cause" if cause is None else f"cause {cause}"
    return Diverged(about, recorded=recorded, decided=f"as cause {expected}")
