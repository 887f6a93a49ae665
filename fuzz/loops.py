"""One event loop for all inputs of a process, whose complaints are findings."""

import asyncio
from collections.abc import Coroutine
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")

_complaints: list[dict[str, Any]] = []


@cache
def loop() -> asyncio.AbstractEventLoop:
    """The loop, which is never closed."""
    made = asyncio.new_event_loop()
    made.set_exception_handler(lambda _, context: _complaints.append(context))
    return made


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run to the end; raises what the coroutine does, or for what the loop was told of an exception nobody caught."""
    result = loop().run_until_complete(coroutine)
    if _complaints:
        context = _complaints[0]
        _complaints.clear()
        raise RuntimeError(f"the loop was told: {context['message']}") from context.get("exception")
    return result
