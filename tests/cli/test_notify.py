"""Others are told what happened: as a process, of a journal that is being written meanwhile."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kglb.replay.notices import MISSED
from tests.checks.servers import free_port, serving, silent
from tests.cli.conftest import Command
from tests.cli.daemon import COMMAND, ONE, Site
from tests.cli.daemon import running as daemon
from tests.cli.notifying.receivers import Answer, Receiver, until
from tests.patience import PATIENCE
from tests.projections.builders import real_id
from tests.replay.journals import Fleet
from tests.web.builders import Reading

A, B, C = real_id(0), real_id(1), real_id(2)
Process = subprocess.Popen[str]


class Notifier:
    """``notify`` with a state of its own, over the journal of ``fleet``; started as often as need be."""

    def __init__(self, fleet: Fleet, directory: Path) -> None:
        self._fleet = fleet
        self.state = directory / "state"

    @contextmanager
    def running(self, *arguments: object, **environ: str) -> Iterator[Process]:
        """The process, once it follows the journal; killed at the end if it still runs."""
        command = [*COMMAND, "notify", "--journal", self._fleet.builder.directory, "--state", self.state, *arguments]
        with subprocess.Popen(
            list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | environ
        ) as process:
            try:
                until(lambda: self.state.exists() or process.poll() is not None)
                yield process
            finally:
                if process.poll() is None:
                    process.kill()

    def has_told(self, seq: int) -> bool:
        """Whether a record is behind, by the state."""
        return bool(json.loads(self.state.read_text())["seq"] >= seq)


@pytest.fixture
def notifier(fleet: Fleet, tmp_path: Path) -> Notifier:
    return Notifier(fleet, tmp_path)


def ended(process: Process) -> tuple[int, str]:
    """How it ends on SIGTERM, and what it has said."""
    process.terminate()
    _, err = process.communicate(timeout=PATIENCE)
    return process.returncode, err


def test_what_happens_is_told_as_it_happens_also_over_a_rotation(fleet: Fleet, notifier: Notifier) -> None:
    with Receiver() as receiver, notifier.running("--url", receiver.url) as process:
        down = fleet.goes(A, up=False)["health"]
        until(lambda: receiver.seqs == [down])
        fleet.builder.rotate()
        up = fleet.goes(A, up=True)["health"]
        until(lambda: receiver.seqs == [down, up])
        until(lambda: notifier.has_told(up))
        assert ended(process)[0] == 0
    assert receiver.posts[0]["text"].startswith(f"{A} is down: 2 failures in a row")
    assert receiver.posts[0]["causes"][0]["text"] == f"{A} fails its checks now: connection refused"


def test_while_the_receiver_is_down_nothing_is_lost_and_the_order_is_kept(fleet: Fleet, notifier: Notifier) -> None:
    port = free_port()
    with notifier.running("--url", f"http://127.0.0.1:{port}/hooks/T0KEN-of-ours") as process:
        seqs = [fleet.goes(real, up=False)["health"] for real in (A, B, C)]
        assert process.stderr is not None
        assert process.stderr.readline().endswith(f"is told what follows record 19 of {fleet.builder.directory}\n")
        assert f"record {seqs[0]} on: Connection refused" in process.stderr.readline()
        with Receiver(port) as receiver:
            until(lambda: receiver.seqs == seqs)
        assert "takes notices again" in process.stderr.readline()
        assert ended(process) == (0, "")


def test_who_takes_over_goes_on_where_the_other_ended(fleet: Fleet, notifier: Notifier) -> None:
    with Receiver() as receiver:
        with notifier.running("--url", receiver.url) as process:
            one = fleet.goes(A, up=False)["health"]
            until(lambda: notifier.has_told(fleet.builder.seq))
            assert ended(process)[0] == 0
        meanwhile = [fleet.goes(B, up=False)["health"], fleet.goes(B, up=True)["health"]]
        with notifier.running("--url", receiver.url, "--since", "2020-01-01") as process:
            until(lambda: receiver.seqs == [one, *meanwhile])
            assert ended(process)[0] == 0


def test_a_second_one_with_the_same_state_tells_nothing_and_says_who_does(
    fleet: Fleet, notifier: Notifier, kglb: Command
) -> None:
    with Receiver() as receiver, notifier.running("--url", receiver.url) as process:
        second = kglb("notify", "--journal", fleet.builder.directory, "--state", notifier.state, "--url", receiver.url)
        assert (second.code, second.out) == (3, "")
        assert f"{notifier.state}: process {process.pid} keeps its place there" in second.err
        down = fleet.goes(A, up=False)["health"]
        until(lambda: notifier.has_told(down))
        assert ended(process)[0] == 0
    assert receiver.seqs == [down]


def test_a_kill_between_the_post_and_the_state_repeats_and_does_not_lose(fleet: Fleet, notifier: Notifier) -> None:
    victims: list[Process] = []

    def kill() -> None:
        victims[0].kill()
        victims[0].wait(60)

    with Receiver(answers=(Answer(), Answer(before=kill))) as receiver:
        with notifier.running("--url", receiver.url) as process:
            victims.append(process)
            seqs = [fleet.goes(real, up=False)["health"] for real in (A, B, C)]
            assert process.wait(60) == -signal.SIGKILL
        assert receiver.seqs == seqs[:2]
        with notifier.running("--url", receiver.url) as process:
            until(lambda: receiver.seqs == [seqs[0], seqs[1], seqs[1], seqs[2]])
            assert ended(process)[0] == 0


def test_a_receiver_that_asks_for_time_is_given_it(fleet: Fleet, notifier: Notifier) -> None:
    busy = (Answer(429, (("Retry-After", "1"),)), Answer(500))
    with Receiver(answers=busy) as receiver, notifier.running("--url", receiver.url) as process:
        seqs = [fleet.goes(real, up=False)["health"] for real in (A, B)]
        until(lambda: receiver.seqs == [seqs[0]] * 3 + [seqs[1]])
        code, err = ended(process)
    assert code == 0
    assert "429 Too Many Requests: ok" in err
    assert "T0KEN" not in err


def test_a_record_that_is_refused_holds_nobody_up(fleet: Fleet, notifier: Notifier) -> None:
    with Receiver(answers=(Answer(422),)) as receiver, notifier.running("--url", receiver.url) as process:
        seqs = [fleet.goes(real, up=False)["health"] for real in (A, B)]
        until(lambda: receiver.seqs == seqs)
        assert f"record {seqs[0]} is passed over" in ended(process)[1]


def test_an_end_does_not_wait_for_a_receiver_that_hangs(fleet: Fleet, notifier: Notifier) -> None:
    with serving(silent) as where, notifier.running("--url", f"http://{where}/x", "--timeout", "1h") as process:
        down = fleet.goes(A, up=False)["health"]
        until(lambda: connections(process.pid))
        assert ended(process)[0] == 0
    assert not notifier.has_told(down)


def connections(pid: int) -> list[str]:
    """The TCP sockets of a process that are open: it has connected."""
    sockets = []
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = os.readlink(fd)
        except FileNotFoundError:
            continue
        inode = target.removeprefix("socket:[").removesuffix("]")
        if inode.isdigit() and f" {inode} " in Path(f"/proc/{pid}/net/tcp").read_text():
            sockets.append(inode)
    return sockets


def test_a_journal_that_was_pruned_past_what_was_told_is_said_first(fleet: Fleet, notifier: Notifier) -> None:
    with Receiver() as receiver:
        with notifier.running("--url", receiver.url) as process:
            assert ended(process)[0] == 0
        oldest = fleet.builder.path
        fleet.goes(A, up=False)
        fleet.builder.rotate()
        oldest.unlink()
        up = fleet.goes(A, up=True)["health"]
        with notifier.running("--url", receiver.url) as process:
            until(lambda: up in receiver.seqs)
            assert ended(process)[0] == 0
    assert [post["type"] for post in receiver.posts] == [MISSED, "HealthChanged"]


def test_a_batch_is_an_array_and_filters_choose(fleet: Fleet, notifier: Notifier) -> None:
    options = ("type=HealthChanged", "type=ProbeFlipped", f"real={B}", "--grep", "fails|down", "--batch", 50)
    with Receiver() as receiver, notifier.running(*options, KGLB_NOTIFY_URL=receiver.url) as process:
        for real in (A, B, C):
            fleet.goes(real, up=False)
        seqs = fleet.goes(B, up=False)
        until(lambda: receiver.seqs[-1:] == [seqs["health"]])
        assert ended(process)[0] == 0
    assert all(isinstance(post, list) for post in receiver.posts)
    told = [one for post in receiver.posts for one in post]
    assert [one["type"] for one in told] == ["ProbeFlipped", "HealthChanged"] * 2
    assert {one["real"] for one in told} == {B}


def test_a_program_is_told_and_one_that_fails_or_hangs_is_started_again(
    fleet: Fleet, notifier: Notifier, tmp_path: Path
) -> None:
    script = tmp_path / "alert"
    script.write_text(
        f"#!/bin/sh\necho $KGLB_SEQ >> {tmp_path}/runs\n"
        f"case $(wc -l < {tmp_path}/runs) in 1) exit 1 ;; 2) sleep 600 ;; esac\n"
        f"echo $KGLB_SEQ $* >> {tmp_path}/told\n"
    )
    script.chmod(0o755)
    told = tmp_path / "told"
    with notifier.running("--timeout", "5s", "--exec", script, "--loud", "-5") as process:
        seqs = [fleet.goes(real, up=False)["health"] for real in (A, B)]
        until(lambda: told.exists() and told.read_text() == "".join(f"{seq} --loud -5\n" for seq in seqs))
        code, err = ended(process)
    assert code == 0
    assert "exit status 1" in err
    assert "did not end within 5 s and was killed" in err
    assert (tmp_path / "runs").read_text().split() == [str(seq) for seq in (seqs[0], seqs[0], seqs[0], seqs[1])]


def test_the_metrics_say_that_a_receiver_is_stuck_and_that_all_is_told(
    fleet: Fleet, notifier: Notifier, tmp_path: Path
) -> None:
    metrics = tmp_path / "chat.prom"
    arguments = ("--url", f"http://127.0.0.1:{free_port()}/hooks/T0KEN", "--metrics", metrics)
    began = time.time()
    with notifier.running(*arguments) as process:
        seqs = [fleet.goes(real, up=False)["health"] for real in (A, B)]
        assert process.stderr is not None
        while "has not taken 1 notice" not in process.stderr.readline():
            assert process.poll() is None
        assert ended(process)[0] == 0
    stuck = Reading(metrics.read_text())
    assert (stuck_until := standing(stuck, "kglb_notify_told_until_timestamp_seconds")) < time.time()
    assert standing(stuck, "kglb_notify_backlog_records") >= 2
    assert standing(stuck, "kglb_notify_failed_attempts_total") >= 1
    assert "T0KEN" not in metrics.read_text()
    with Receiver() as receiver, notifier.running("--url", receiver.url, "--metrics", metrics) as process:
        until(lambda: receiver.seqs == seqs and notifier.has_told(fleet.builder.seq))
        assert ended(process)[0] == 0
    caught_up = Reading(metrics.read_text())
    assert standing(caught_up, "kglb_notify_told_until_timestamp_seconds") >= max(began, stuck_until)
    assert standing(caught_up, "kglb_notify_backlog_records") == 0
    assert standing(caught_up, "kglb_notify_notices_total", result="taken") == 2


def standing(reading: Reading, name: str, **labels: str) -> float:
    """The value of the only notifier, whose target is left out."""
    (value,) = (
        value
        for (sample, found), value in reading.samples.items()
        if sample == name and {("notifier", "chat"), *labels.items()} <= found
    )
    return value


def test_a_daemon_that_starts_and_stops_is_told_of(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.write(ONE)
    site.journal.mkdir()
    command = [*COMMAND, "notify", "--journal", str(site.journal), "--batch", "100", "--since", "2020-01-01"]
    with Receiver() as receiver, subprocess.Popen([*command, "--url", receiver.url], stderr=subprocess.PIPE) as process:
        try:
            with daemon(site):
                until(lambda: "HealthChanged" in types(receiver))
            until(lambda: "DaemonStopping" in types(receiver))
        finally:
            process.terminate()
            process.communicate(timeout=PATIENCE)
    assert types(receiver)[:2] == ["DaemonStarted", "HealthChanged"]
    assert receiver.posts[0][0]["host"] == os.uname().nodename


def types(receiver: Receiver) -> list[str]:
    return [one["type"] for post in receiver.posts for one in post]


# --- usage --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "no receiver is given"),
        (["--url", "http://a/T0KEN", "--exec", "cat"], 2, "only one receiver is possible"),
        (["--url", "a/T0KEN"], 2, "--url: expected a URL"),
        (["--url", "http://a/T0KEN", "type=Helth"], 2, "there is no such event"),
        (["--url", "http://a/T0KEN", "balancer=wep"], 2, "there is no balancer of that name; there is web"),
        (["--url", "http://a/T0KEN", "--grep", "("], 2, "is not a regular expression"),
        (["--url", "http://a/T0KEN", "--since", "soon"], 2, "'soon' is not a time"),
        (["--url", "http://a/T0KEN", "--header", "T0KEN"], 2, "--header: expected a header"),
        (["--url-file", "/nowhere/T"], 2, "the file /nowhere/T cannot be read"),
        (["--exec"], 2, "--exec: expected a program"),
        (["--header", "X: 1", "--exec", "cat"], 2, "--header is for a URL"),
        (["--exec", "/nowhere/alert"], 3, "/nowhere/alert: there is no such program"),
        (["--state", "/nowhere/state", "--exec", "cat"], 3, "/nowhere/state: No such file or directory"),
        (["--metrics", "/nowhere/a.prom", "--exec", "cat"], 3, "/nowhere/a.prom: No such file or directory"),
    ],
)
def test_what_cannot_be_done_is_said_and_shows_no_secret(
    kglb: Command, fleet: Fleet, arguments: list[str], code: int, message: str
) -> None:
    ran = kglb("notify", "--journal", fleet.builder.directory, *arguments)
    assert (ran.code, ran.out) == (code, "")
    assert message in ran.err
    assert "T0KEN" not in ran.err


@pytest.mark.parametrize(
    "option", [["--batch", "0"], ["--batch", "many"], ["--timeout", "5"], ["--format", "xml"], ["--metrics", "a"]]
)
def test_a_wrong_option_is_2(kglb: Command, option: list[str]) -> None:
    with pytest.raises(SystemExit) as left:
        kglb("notify", *option)
    assert left.value.code == 2


def test_a_journal_that_is_not_there_is_3(kglb: Command, tmp_path: Path) -> None:
    ran = kglb("notify", "--journal", tmp_path / "nothing", "--exec", "cat")
    assert ran.code == 3
    assert "expected a journal's directory" in ran.err
