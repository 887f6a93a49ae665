"""Has the config been taken? End to end, with the daemon as a process."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from kglb.events import ConfigApplied, ConfigRejected, HealthChanged, OperationsApplied
from kglb.model import AddDestination, ChangeDestination
from tests.cli.conftest import Command
from tests.cli.daemon import BAD, ONE, TWO, Site, running


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A daemon with one real, up."""
    one = Site(tmp_path)
    one.write(ONE)
    with running(one):
        one.wait_up("192.168.100.100:80")
        yield one


def test_a_good_config_is_in_force_and_only_what_it_brings_is_done(kglb: Command, site: Site) -> None:
    before = site.records()[-1].seq
    site.write(TWO)
    ran = kglb("reload", "--journal", site.journal)
    assert ran.code == 0
    assert "is in force" in ran.out
    assert "1 balancer, 2 reals" in ran.out
    site.wait_up("192.168.100.101:80")
    done = [
        operation
        for record in site.records()
        if record.seq > before and isinstance(record.event, OperationsApplied)
        for operation in record.event.operations
    ]
    assert {type(operation) for operation in done} <= {AddDestination, ChangeDestination}
    assert {operation.destination.real for operation in done} == {"192.168.100.101:80"}  # type: ignore[union-attr]
    changed = [r.event for r in site.records() if r.seq > before and isinstance(r.event, HealthChanged)]
    assert [change.real for change in changed] == ["192.168.100.101:80"]


def test_a_bad_config_is_rejected_with_every_mistake_and_changes_nothing(kglb: Command, site: Site) -> None:
    before = site.records()[-1].seq
    site.write(BAD)
    ran = kglb("reload", "--journal", site.journal)
    assert (ran.code, ran.out) == (1, "")
    assert "stays in force" in ran.err
    assert 'did you mean "dummy"?' in ran.err
    assert 'did you mean "interval"?' in ran.err
    assert [type(record.event) for record in site.records() if record.seq > before] == [ConfigRejected]


def test_another_spelling_of_the_journals_directory_is_no_other_journal(kglb: Command, site: Site) -> None:
    site.write(TWO)
    text = site.config.read_text()
    site.config.write_text(text.replace(f'"{site.journal}"', f'"{site.journal}/"'))
    assert kglb("reload", "--journal", site.journal).code == 0
    site.config.write_text(text.replace(f'"{site.journal}"', f'"{site.journal}-2"'))
    ran = kglb("reload", "--journal", site.journal)
    assert ran.code == 1
    assert "journal: cannot change by a reload" in ran.err


def test_a_program_gets_the_same_answer_as_over_the_socket(kglb: Command, site: Site) -> None:
    site.write(TWO)
    ran = kglb("reload", "--journal", site.journal, "-o", "json")
    answer = json.loads(ran.out)
    assert (ran.code, answer["applied"], answer["source"]) == (0, True, str(site.config))
    site.write(BAD)
    ran = kglb("reload", "--journal", site.journal, "-o", "json")
    answer = json.loads(ran.out)
    assert (ran.code, ran.err, answer["applied"]) == (1, "", False)
    assert len(answer["lines"]) == 2


def test_what_came_of_a_reading_that_began_before_the_signal_is_no_answer_to_it(
    kglb: Command, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert site.process is not None
    site.config.unlink()
    os.mkfifo(site.config)
    os.kill(site.process.pid, signal.SIGHUP)
    signal_it = os.kill
    with site.config.open("w") as being_read:  # opened once the daemon has it open
        next_time = site.config.with_suffix(".next")
        site.write(TWO, next_time)

        def signalled(pid: int, number: int) -> None:
            signal_it(pid, number)
            next_time.replace(site.config)
            being_read.write(BAD)
            being_read.close()

        monkeypatch.setattr("os.kill", signalled)
        ran = kglb("reload", "--journal", site.journal)
    assert (ran.code, ran.err) == (0, "")
    assert "1 balancer, 2 reals" in ran.out
    answers = [type(r.event) for r in site.records() if isinstance(r.event, ConfigApplied | ConfigRejected)]
    assert answers == [ConfigApplied, ConfigRejected, ConfigApplied]


def test_a_daemon_that_hangs_gives_no_answer(kglb: Command, site: Site) -> None:
    assert site.process is not None
    os.kill(site.process.pid, signal.SIGSTOP)
    try:
        ran = kglb("reload", "--journal", site.journal, "--timeout", "0.3")
    finally:
        os.kill(site.process.pid, signal.SIGCONT)
    assert ran.code == 3
    assert "has not answered within 0.3 s" in ran.err


def test_a_daemon_that_ends_meanwhile_gives_no_answer(
    kglb: Command, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert site.process is not None
    signal_it = os.kill
    signal_it(site.process.pid, signal.SIGSTOP)

    def signalled(pid: int, number: int) -> None:
        signal_it(pid, number)
        signal_it(pid, signal.SIGKILL)

    monkeypatch.setattr("os.kill", signalled)
    ran = kglb("reload", "--journal", site.journal, "--timeout", "1000")
    assert ran.code == 3
    assert "has ended" in ran.err


def test_without_a_daemon_there_is_nobody_to_ask(kglb: Command, tmp_path: Path) -> None:
    one = Site(tmp_path)
    one.write(ONE)
    with running(one):
        one.wait(lambda events: any(isinstance(event, ConfigApplied) for event in events))
    ran = kglb("reload", "--journal", one.journal)
    assert (ran.code, ran.out) == (3, "")
    assert "no daemon writes the journal" in ran.err
    assert kglb("reload", "--journal", tmp_path / "nothing").code == 3


@pytest.mark.parametrize("timeout", ["0", "-1", "nan", "inf", "soon"])
def test_a_timeout_is_a_number_of_seconds(kglb: Command, timeout: str) -> None:
    with pytest.raises(SystemExit) as left:
        kglb("reload", f"--timeout={timeout}")
    assert left.value.code == 2


def test_over_the_socket_the_daemon_answers_by_itself_whoever_may_read_the_journal(
    kglb: Command, site: Site, tmp_path: Path
) -> None:
    site.write(TWO)
    ran = kglb("reload", "--journal", tmp_path / "nothing", "--socket", site.socket)
    assert (ran.code, ran.err) == (0, "")
    assert "is in force" in ran.out
    assert "1 balancer, 2 reals" in ran.out
    site.write(BAD)
    ran = kglb("reload", "--socket", site.socket)
    assert (ran.code, ran.out) == (1, "")
    assert 'did you mean "dummy"?' in ran.err
    ran = kglb("reload", "--socket", site.socket, "-o", "json")
    assert (ran.code, json.loads(ran.out)["applied"]) == (1, False)
    ran = kglb("reload", "--socket", f"{site.socket}.not")
    assert ran.code == 3
    assert "no daemon listens" in ran.err


@pytest.mark.parametrize("forbidden", ["os.kill", "kglb.cli.reload.writer_of"])
def test_who_may_not_signal_or_read_asks_over_the_socket(
    kglb: Command, site: Site, installed: Path, monkeypatch: pytest.MonkeyPatch, forbidden: str
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(forbidden, refuse)
    assert installed == site.config
    ran = kglb("reload", "--journal", site.journal)
    assert (ran.code, ran.err) == (0, "")
    assert "is in force" in ran.out
