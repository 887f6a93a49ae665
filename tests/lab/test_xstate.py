"""On a processor with AMX the lab's kernel runs by the help of a preloaded library, which changes nothing elsewhere."""

import shutil
import sys
from pathlib import Path

import pytest

from lab import xstate
from lab.job import Job, LabError, environment
from lab.kernel import missing_tools, run

needs_a_compiler = pytest.mark.skipif(shutil.which(xstate.COMPILER) is None, reason=f"without {xstate.COMPILER}")

DIGESTS = """
import hashlib, threading
pieces = [bytes([n]) * 3_000_001 for n in range(4)]
alone = [hashlib.blake2b(piece).hexdigest() for piece in pieces]
def digest(n):
    for turn in range(8):
        if hashlib.blake2b(pieces[n]).hexdigest() == alone[n] and bytes(bytearray(pieces[n])) == pieces[n]:
            right.append((n, turn))
right = []
threads = [threading.Thread(target=digest, args=(n,)) for n in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
raise SystemExit(0 if len(right) == 32 else 1)
"""
"""Threads of one address space, whose registers are set again after each turn, in code that uses all there are."""


@pytest.mark.parametrize(("flags", "wide"), [("fpu avx512f amx_tile amx_int8", True), ("fpu avx avx512f pku", False)])
def test_the_processor_says_what_it_has(tmp_path: Path, flags: str, wide: bool) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"processor\t: 0\nmodel name\t: no amx_tile here\nflags\t\t: {flags}\n\nprocessor\t: 1\n")
    assert xstate.is_wide(cpuinfo) is wide


def test_where_nothing_is_needed_nothing_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xstate, "is_wide", lambda: False)
    assert xstate.preload(tmp_path) == {}
    assert not list(tmp_path.iterdir())


def test_a_compiler_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xstate, "is_wide", lambda: True)
    monkeypatch.setattr(xstate, "COMPILER", "no-such-compiler")
    with pytest.raises(LabError, match="no-such-compiler"):
        xstate.preload(tmp_path)


@needs_a_compiler
@pytest.mark.skipif(bool(missing_tools()), reason=f"without {', '.join(missing_tools())}: `make setup`")
def test_with_the_library_a_kernel_keeps_the_registers_of_threads_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xstate, "is_wide", lambda: True)
    command = (sys.executable, "-c", DIGESTS)
    job = Job(command=command, environment=environment(), directory=Path.cwd(), timeout=120)
    assert run(job) == 0
