"""promtool, and series in the notation of its rule tests."""

import shutil
import subprocess

import pytest

STEPS = 30
"""Samples, a minute apart."""

needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="needs promtool (package prometheus)")


def always(value: float) -> str:
    return f"{value}+0x{STEPS}"


def growing(by: float) -> str:
    return f"0+{by}x{STEPS}"


def run_promtool(*arguments: object, stdin: str = "") -> None:
    command = ["promtool", *map(str, arguments)]
    ran = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
