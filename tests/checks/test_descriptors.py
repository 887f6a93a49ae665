"""At the descriptor limit of the process probes wait; no real is blamed for it. In processes of their own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import PATIENCE

PROGRAM = """
import asyncio, json, os, resource, sys
import uvloop
from collections import Counter
from kglb.model import TcpCheck
from tests.checks.asking import Answers, many, probing
from tests.checks.servers import black_hole

async def scenario(real, early):
    limit = len(os.listdir("/proc/self/fd")) + 20
    answers = Answers()
    if early:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    async with probing() as prober:
        if not early:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        many(prober, TcpCheck(timeout=0.3), real, 60, answers)
        await answers.first(60)
    return dict(Counter(f"{outcome.status}: {outcome.reason}" for outcome in answers))

loop_factory = uvloop.new_event_loop if sys.argv[1] == "uvloop" else asyncio.new_event_loop
with black_hole() as real, asyncio.Runner(loop_factory=loop_factory) as runner:
    print(json.dumps(runner.run(asyncio.wait_for(scenario(real, sys.argv[2] == "early"), 60))))
"""


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("lowered", ["early", "late"])
def test_probes_wait_for_descriptors_and_are_unknown_when_there_are_none(loop: str, lowered: str) -> None:
    finished = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, loop, lowered],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    reasons = json.loads(finished.stdout)
    connecting = {"failure: timeout during connect", "unknown: deadline noticed late"}
    assert set(reasons) <= connecting | {"unknown: local error EMFILE"}
    assert sum(reasons.get(reason, 0) for reason in connecting) >= 8
    assert reasons["unknown: local error EMFILE"] >= 10
    assert sum(reasons.values()) == 60
