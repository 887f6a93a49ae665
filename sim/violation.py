"""What is raised where an invariant does not hold, and what is raised on purpose to crash an actor."""

CRASH = "crashed on purpose"
"""The message of what is raised to crash an actor."""


class Violation(BaseException):
    """An invariant does not hold. Not an Exception: no actor may catch it."""
