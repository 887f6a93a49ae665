"""The check that runs a program: exit status 0, in time, and nothing left behind."""

import asyncio
import os
import pwd
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kglb.checks import program
from kglb.checks.gate import Gate
from kglb.checks.probe import Probe
from kglb.checks.program import PROCESSES
from kglb.model import Endpoint, ExecCheck
from tests.checks.asking import Answers, Run, ask, lasted, many, probing
from tests.patience import PATIENCE

REAL = Endpoint("192.0.2.7", 80)
OURSELVES = pwd.getpwuid(os.geteuid()).pw_name


@pytest.fixture(autouse=True)
def reaped(run: Run) -> Iterator[None]:
    """Every program that was killed is reaped when the test is over."""
    yield
    until = time.monotonic() + PATIENCE
    while program._dying and time.monotonic() < until:
        program.reap()
    assert not program._dying


def shell(script: str, timeout: float = PATIENCE, port: int = 0) -> ExecCheck:
    return ExecCheck(command=("/bin/sh", "-c", script), timeout=timeout, port=port, user=OURSELVES)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_exit_status_0_passes(run: Run) -> None:
    outcomes = run(ask(shell("exit 0"), REAL, times=3))
    assert {(outcome.status, outcome.reason) for outcome in outcomes} == {("success", "ok")}


@pytest.mark.parametrize(("status", "weight"), [(0, None), (2, 0), (50, 48), (255, 253)])
def test_a_program_may_say_the_weight_of_its_real(run: Run, status: int, weight: int | None) -> None:
    check = ExecCheck(command=("/bin/sh", "-c", f"exit {status}"), timeout=5.0, dynamic_weight=True)
    [outcome] = run(ask(check, REAL))
    assert (outcome.status, outcome.reason, outcome.weight) == ("success", "ok", weight)


@pytest.mark.parametrize("script", ["exit 1", "kill -9 $$"])
def test_with_weights_too_status_1_and_a_signal_fail(run: Run, script: str) -> None:
    check = ExecCheck(command=("/bin/sh", "-c", script), timeout=5.0, dynamic_weight=True)
    [outcome] = run(ask(check, REAL))
    assert (outcome.status, outcome.weight) == ("failure", None)


@pytest.mark.parametrize("status", [1, 2, 127, 255])
def test_any_other_fails_with_what_the_program_said(run: Run, status: int) -> None:
    [outcome] = run(ask(shell(f"echo no luck >&2; exit {status}"), REAL))
    assert (outcome.status, outcome.reason) == ("failure", f"exit status {status}")
    assert outcome.detail == "no luck"


def test_a_program_that_is_killed_fails(run: Run) -> None:
    [outcome] = run(ask(shell("kill -9 $$"), REAL))
    assert (outcome.status, outcome.reason) == ("failure", "killed by signal 9")


@pytest.mark.parametrize(("program", "name"), [("/nonexistent/check", "ENOENT"), ("/etc/passwd", "EACCES")])
def test_a_program_that_cannot_be_run_says_nothing_about_the_real(run: Run, program: str, name: str) -> None:
    [outcome] = run(ask(ExecCheck(command=(program,)), REAL))
    assert (outcome.status, outcome.reason) == ("unknown", f"local error {name}")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a program as somebody else")
def test_root_starts_it_as_nobody(run: Run) -> None:
    whoami = ExecCheck(command=("/bin/sh", "-c", "echo $(id -un) $(id -G); exit 1"))
    [outcome] = run(ask(whoami, REAL))
    assert (outcome.reason, outcome.detail) == ("exit status 1", "nobody 65534")
    [outcome] = run(ask(ExecCheck(command=("/etc/shadow",)), REAL))
    assert outcome.reason == "local error EACCES"
    [outcome] = run(ask(ExecCheck(command=("/bin/true",), user="nobody-knows"), REAL))
    assert outcome.reason == "local error EINVAL"


def test_arguments_are_passed_as_they_are(run: Run) -> None:
    [outcome] = run(ask(ExecCheck(command=("/bin/sh", "-c", 'echo "$@"; exit 1', "sh", "$HOME; a  b")), REAL))
    assert outcome.detail == "$HOME; a b"


def test_the_environment_is_the_checks_own(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KGLB_HEALTH_TOKEN", "s3cret")
    [outcome] = run(ask(ExecCheck(command=("/usr/bin/env", "--", "/usr/bin/env", "false"), port=81), REAL))
    assert outcome.reason == "exit status 1"
    show = "echo $KGLB_ADDRESS $KGLB_PORT [$KGLB_HEALTH_TOKEN]; exit 1"
    [outcome] = run(ask(shell(show, port=81), REAL))
    assert outcome.detail == "192.0.2.7 81 []"


def test_no_descriptor_of_the_daemon_reaches_the_program(run: Run) -> None:
    with open(os.devnull) as file:
        [outcome] = run(ask(shell("ls /proc/self/fd | tr '\\n' ' '; exit 1"), REAL))
        assert str(file.fileno()) not in outcome.detail.split()


def test_at_the_timeout_the_program_is_killed_with_all_it_started(run: Run, tmp_path: Path) -> None:
    script = f"sleep 60 & echo $! > {tmp_path}/child; echo $$ > {tmp_path}/self; echo working; wait"
    [outcome] = run(ask(shell(script, timeout=2.0), REAL))
    assert (outcome.status, outcome.reason) == ("failure", "timeout of the program")
    assert outcome.detail == "working"
    assert lasted(outcome.latency, 2.0)
    until = time.monotonic() + PATIENCE
    pids = [int((tmp_path / name).read_text()) for name in ("child", "self")]
    while any(map(is_alive, pids)) and time.monotonic() < until:
        time.sleep(0.01)
    assert not any(map(is_alive, pids))


def test_what_a_program_leaves_running_in_its_group_is_killed_when_it_ends(run: Run, tmp_path: Path) -> None:
    [outcome] = run(ask(shell(f"sleep 60 & echo $! > {tmp_path}/child"), REAL))
    assert outcome.status == "success"
    until = time.monotonic() + PATIENCE
    child = int((tmp_path / "child").read_text())
    while is_alive(child) and time.monotonic() < until:
        time.sleep(0.01)
    assert not is_alive(child)


def test_a_program_that_writes_without_end_is_held_and_then_killed(run: Run) -> None:
    [outcome] = run(ask(ExecCheck(command=("/usr/bin/yes",), timeout=0.2), REAL))
    assert (outcome.status, outcome.reason) == ("failure", "timeout of the program")
    assert len(outcome.detail) <= 200


def test_what_is_killed_is_reaped_though_no_other_program_is_started(run: Run) -> None:
    async def scenario() -> None:
        for _ in range(3):
            program.Process(shell("sleep 60"), {}).close()
        async with asyncio.timeout(PATIENCE):
            while program._dying:
                await asyncio.sleep(0.01)

    run(scenario())
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_no_zombie_is_left(run: Run) -> None:
    run(ask(shell("exit 1"), REAL, times=20))
    program.reap()
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


@pytest.mark.parametrize(("gate", "limit"), [(None, PROCESSES), (Gate(3), 3)])
def test_so_many_programs_run_at_once_and_no_more(run: Run, gate: Gate[Probe] | None, limit: int) -> None:
    async def flood() -> int:
        answers, most = Answers(), 0
        async with probing() as prober:
            many(prober, shell("sleep 0.05"), REAL, limit * 2, answers, gate)
            for count in range(1, limit * 2 + 1):
                await answers.first(count)
                most = max(most, prober.in_flight)
        assert {outcome.status for outcome in answers} == {"success"}
        return most

    assert run(flood()) <= limit


def test_a_prober_that_closes_kills_what_runs_and_gives_the_places_back(run: Run) -> None:
    async def leave() -> None:
        async with probing() as prober:
            many(prober, shell("sleep 60"), REAL, PROCESSES + 5, answers := Answers())
            many(prober, shell("true"), REAL, 1, answers)
            while prober.in_flight < PROCESSES:
                await asyncio.sleep(0.01)

    run(leave())
    [outcome] = run(ask(shell("exit 0"), REAL))
    assert outcome.status == "success"
