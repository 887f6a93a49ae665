"""What is raised where an invariant does not hold."""


class Violation(BaseException):
    """An invariant does not hold. Not an Exception: no actor may catch it."""
