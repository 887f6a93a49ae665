"""The doubt about a real whose idle connection was lost: it lasts until ``rise`` probes in a row pass, or one fails.

A failure ends it because it takes nothing more on trust: from then on the streak says what is in doubt.
"""


class Doubt:
    """Of a loss: ``how`` the connection ended, ``after`` how many seconds, and the ``seq`` of its record, once made."""

    __slots__ = ("_to_pass", "after", "how", "seq")

    def __init__(self, how: str, after: float, rise: int) -> None:
        self.how = how
        self.after = after
        self.seq: int | None = None
        self._to_pass = rise

    def ends(self, *, passed: bool) -> bool:
        """Take one more probe in; whether it ends the doubt."""
        self._to_pass -= 1
        return not passed or not self._to_pass
