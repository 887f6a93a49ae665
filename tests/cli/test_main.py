"""The frame: verbs, help, exit codes."""

import subprocess
import sys
from pathlib import Path
from threading import Timer

import pytest

from kglb.cli.main import VERBS, main
from tests.patience import PATIENCE
from tests.projections.builders import real_id
from tests.replay.journals import Fleet

REAL = real_id(0)
START = (sys.executable, "-c", "import sys; from kglb.cli.main import main; sys.exit(main())")


def test_help_names_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--help"])
    assert left.value.code == 0
    printed = capsys.readouterr().out
    assert all(name in printed and verb.summary in printed for name, verb in VERBS.items())


def test_what_a_verb_does_not_take_is_answered_by_how_it_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["verify", "--journal", "there"])
    assert left.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("usage: kglb-actors verify ")
    assert "[JOURNAL]" in said
    assert "unrecognized arguments: --journal" in said


def test_a_time_ago_may_stand_apart_from_its_option(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["tail", "--journal", str(fleet.builder.directory), "-o", "cat"]
    printed = []
    for since in (["--since", "-10000d"], ["--since=-10000d"], ["--since", "-1s"]):
        assert main([*arguments, *since]) == 0
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1] != printed[2]


def imported(modules: set[str], *arguments: str) -> set[str]:
    """Which of these modules a command line has imported when it ends."""
    watch = f"import sys; from kglb.cli.main import main\ntry: main({list(arguments)!r})\nexcept SystemExit: pass\n"
    watch += f"print(); print(*({modules!r} & set(sys.modules)))"
    ended = subprocess.run([sys.executable, "-c", watch], capture_output=True, text=True, check=True)
    return set(ended.stdout.splitlines()[-1].split())


def test_help_imports_no_library() -> None:
    assert imported({"msgspec", "structlog", "pyroute2", "httpx", "uvloop", "asyncio"}, "--help") == set()


DAEMON = {
    "asyncio",
    "dns",
    "httptools",
    "httpx",
    "pykka",
    "structlog",
    "uvloop",
    "kglb.actors",
    "kglb.checks",
    "journal.appender",
}
KERNEL = {"kglb.dataplane.kernel", "kglb.dataplane.ipvs", "kglb.dataplane.exabgp"}
DECIDING = {"kglb.decisions", "kglb.replay.audit", "kglb.replay.whatif"}
CONFIG = {"kglb.config.load", "ssl", "tomllib"}


COMPRESSORS = {"shutil", "bz2", "lzma"}
"""What argparse would bring along for the terminal's width."""


def test_the_daemon_imports_the_checks_and_the_machine_of_its_config_and_nothing_for_mistakes(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(
        f"""
        data_plane = {{ kind = "memory" }}
        journal = {{ directory = "{config}/journal" }}  # which cannot be made: it ends there, with all else imported
        balancer = [
            {{ name = "web", service = "tcp://192.0.2.10:80", reals = ["127.0.0.1:9"], check = {{ type = "tcp" }} }},
        ]
        """
    )
    kinds = {f"kglb.checks.{kind}" for kind in ("dns", "dummy", "http", "ping", "program", "syslog", "udp")}
    mistakes = {"difflib", "kglb.config.lines", "kglb.config.foreign"}
    needless = COMPRESSORS | KERNEL | kinds | mistakes | {"dns", "_strptime"}
    assert imported(needless | {"structlog"}, "run", str(config)) == {"structlog"}


@pytest.mark.parametrize(
    ("verb", "needless"),
    [
        ("tail", DECIDING | CONFIG | {"kglb.replay.explain", "kglb.replay.report", "journal.repairing", "socket"}),
        ("explain", CONFIG | {"kglb.replay.whatif", "kglb.replay.verify", "kglb.replay.report"}),
        ("replay", DECIDING | CONFIG | {"kglb.replay.explain", "kglb.replay.report"}),
        ("verify", CONFIG | {"kglb.replay.explain", "kglb.replay.whatif", "kglb.replay.report"}),
        ("report", CONFIG | DECIDING),
    ],
)
def test_a_verb_that_reads_a_journal_imports_neither_the_daemon_nor_the_other_verbs(
    fleet: Fleet, tmp_path: Path, verb: str, needless: set[str]
) -> None:
    journal = str(fleet.builder.directory)
    arguments = {
        "tail": ["--journal", journal],
        "explain": [REAL, "--journal", journal],
        "report": [journal, "-o", str(tmp_path / "report.html")],
    }
    needless |= DAEMON | KERNEL | COMPRESSORS
    assert imported(needless, verb, *arguments.get(verb, [journal])) == set()


def test_only_journal_metrics_imports_what_writes_metrics(fleet: Fleet) -> None:
    library, journal = {"prometheus_client"}, str(fleet.builder.directory)
    assert imported(library | DAEMON | KERNEL, "journal", "stat", journal) == set()
    assert imported(library | DAEMON | KERNEL, "journal", "metrics", journal) == library


def test_only_a_look_at_a_network_imports_pyroute2(tmp_path: Path) -> None:
    in_memory = tmp_path / "config.toml"
    in_memory.write_text('balancer = []\n[data_plane]\nkind = "memory"\n')
    assert imported({"pyroute2"}, "doctor", str(in_memory)) == set()
    assert imported({"pyroute2"}, "doctor") == {"pyroute2"}


def test_neither_the_daemon_nor_any_verb_that_is_not_run_yet_imports_pyroute2() -> None:
    modules = [*(verb.module for verb in VERBS.values()), "kglb.cli.wiring", "kglb.dataplane.kernel"]
    watch = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)\n"
    watch += "print('pyroute2' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", watch, *modules], capture_output=True, text=True, check=True)
    assert ended.stdout == "False\n"


def test_status_imports_no_event_loop() -> None:
    assert imported(DAEMON | KERNEL, "status", "--status", "127.0.0.1:1") == set()


def test_neither_the_daemon_nor_who_tells_a_program_imports_httpx(fleet: Fleet, tmp_path: Path) -> None:
    assert imported({"httpx"}, "run", str(tmp_path / "no.toml")) == set()
    assert imported({"httpx"}, "notify", "--journal", str(tmp_path / "no"), "--exec", "cat") == set()
    subprocess.run([sys.executable, "-c", "import sys, kglb.cli.wiring; sys.exit('httpx' in sys.modules)"], check=True)


@pytest.mark.parametrize("arguments", [[], ["dance"], ["tail", "--no-such-option"], ["replay", "--seq", "-1"]])
def test_a_wrong_command_line_is_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 2
    assert "usage: kglb-actors" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["check", "convert", "tail", "notify", "replay", "explain"])
def test_every_verb_has_help(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([verb, "--help"])
    assert left.value.code == 0
    assert f"usage: kglb-actors {verb}" in capsys.readouterr().out


@pytest.mark.parametrize("form", ["short", "json"])
def test_a_closed_pipe_ends_quietly(fleet: Fleet, form: str) -> None:
    for number in range(3000):
        fleet.flip(REAL, "failure", f"reason {number}")
    command = [*START, "tail", "-n", "3000", "-o", form, "--journal", str(fleet.builder.directory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(PATIENCE) == 0


def test_following_shows_what_comes_at_once_also_over_a_rotation(fleet: Fleet) -> None:
    command = [*START, "tail", "-f", "-n", "1", "-o", "cat", "type=HealthChanged", "--journal"]
    with subprocess.Popen([*command, str(fleet.builder.directory)], stdout=subprocess.PIPE, text=True) as process:
        deadline = Timer(PATIENCE, process.kill)
        deadline.start()
        assert process.stdout is not None
        assert process.stdout.readline().startswith("10.0.0.3:80 is up")
        fleet.goes(REAL, up=False)
        assert process.stdout.readline().startswith(f"{REAL} is down: 2 failures in a row, connection refused")
        fleet.builder.rotate()
        fleet.goes(REAL, up=True)
        assert process.stdout.readline().startswith(f"{REAL} is up")
        process.terminate()
        deadline.cancel()


def test_a_programmers_mistake_is_not_hidden(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("kglb.cli.check.load", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(["check", str(tmp_path)])


def test_a_broken_pipe_of_something_else_is_not_taken_for_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def break_pipe(_: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("kglb.cli.check.load", break_pipe)
    with pytest.raises(BrokenPipeError):
        main(["check", "config.toml"])


def test_an_interrupt_ends_without_a_word(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("kglb.cli.check.load", interrupt)
    assert main(["check", "config.toml"]) == 130
    assert capsys.readouterr() == ("", "")
