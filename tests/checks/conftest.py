"""Servers that misbehave in a scripted way, on loopback, and both kinds of event loop."""

import asyncio
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Protocol

import pytest
import uvloop

from kglb.checks import Gate, Outcome, Prober, make_probe
from kglb.model import Endpoint
from kglb.model.config import Check

Handler = Callable[[socket.socket], object]
CERTIFICATE = Path(__file__).parent / "self_signed.pem"


class Run(Protocol):
    """Runs a coroutine on a fresh loop."""

    def __call__[T](self, coroutine: Coroutine[Any, Any, T], /) -> T: ...


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Callable[[Coroutine[Any, Any, Any]], Any]:
    factory = uvloop.new_event_loop if request.param == "uvloop" else asyncio.new_event_loop

    def run_on_loop(coroutine: Coroutine[Any, Any, Any]) -> Any:
        with asyncio.Runner(loop_factory=factory) as runner:
            return runner.run(asyncio.wait_for(coroutine, 15))

    return run_on_loop
