"""Every test here runs on both kinds of event loop, and leaves no descriptor open."""

import asyncio
import os
from collections.abc import Iterator

import pytest
import uvloop

from tests.checks.asking import Run

uvloop.new_event_loop().close()  # the first one opens descriptors that stay for ever


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Iterator[Run]:
    before = set(os.listdir("/proc/self/fd"))
    yield Run(asyncio.new_event_loop if request.param == "asyncio" else uvloop.new_event_loop)
    after = set(os.listdir("/proc/self/fd"))
    assert len(after) <= len(before), f"descriptors left open: {after - before}"
