"""What a bug on purpose is: a patch that is in force as long as its context. And the register of them."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

Bug = Callable[[], AbstractContextManager[Any]]


class Bugs(dict[str, Bug]):
    """Bugs by a sentence that says what is wrong."""

    def named(self, name: str) -> Callable[[Bug], Bug]:
        """Register a bug."""

        def register(function: Bug) -> Bug:
            self[name] = function
            return function

        return register
