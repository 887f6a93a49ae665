"""What would this config change? The answer, and that nothing is touched to find it."""

import json
import resource
import select
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from kglb.events import ConfigApplied, OperationsApplied
from tests.checks.servers import refusing
from tests.cli.conftest import Command
from tests.cli.daemon import BAD, ONE, TWO, Site, running

SERVICE = "tcp://192.168.100.10:80"
REAL = "192.168.100.100:80"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.fixture
def live(site: Site) -> Iterator[Site]:
    """A daemon with one real, up."""
    site.write(ONE)
    with running(site):
        site.wait_up(REAL)
        yield site


def test_where_nothing_was_everything_would_be_made_in_a_safe_order(kglb: Command, site: Site) -> None:
    site.write(TWO)
    ran = kglb("plan", site.config)
    assert ran.code == 1
    assert ran.out.splitlines() == [
        f"a start with {site.config} would do, in this order:",
        f"  + add service {SERVICE} (wlc)",
        f"  + {SERVICE}: add 192.168.100.100:80 by masquerade, weight 0",
        f"  + {SERVICE}: add 192.168.100.101:80 by masquerade, weight 0",
        "  + add address 192.168.100.10/32 on lo",
    ]
    assert not site.journal.exists()


def test_where_no_config_was_in_force_it_is_said_that_nothing_was_compared(kglb: Command, site: Site) -> None:
    site.write('balancer = []\n[data_plane]\nkind = "memory"\n')
    ran = kglb("plan", site.config)
    assert ran.code == 0
    assert ran.out.endswith("would change nothing; no config was in force to compare it with\n")


def test_the_config_in_force_would_change_nothing(kglb: Command, live: Site) -> None:
    before = len(live.records())
    ran = kglb("plan", live.config)
    assert (ran.code, ran.out) == (0, f"a reload with {live.config} would change nothing\n")
    assert len(live.records()) == before


def test_what_no_operation_follows_from_at_once_is_a_change_all_the_same(kglb: Command, live: Site) -> None:
    live.write(ONE.replace("rise = 1", "rise = 2\nfall = 5").replace("[data_plane]", '[data_plane]\non_stop = "leave"'))
    ran = kglb("plan", live.config)
    assert ran.code == 1
    assert ran.out.splitlines() == [
        f"a reload with {live.config} would change, of the config in force:",
        "  ~ data_plane.on_stop cleanup -> leave",
        "  ~ web  check.rise 1 -> 2 (1 real is judged by it from now on)",
        "  ~ web  check.fall 2 -> 5 (1 real is judged by it from now on)",
        "and do nothing to the machine at once",
    ]


def test_a_start_is_compared_with_the_config_last_in_force(kglb: Command, site: Site) -> None:
    site.write(ONE)
    with running(site) as process:
        site.wait_up(REAL)
        process.kill()
    site.write(ONE.replace('"dummy"', '"ping"'))
    ran = kglb("plan", site.config)
    assert ran.code == 1
    assert ran.out.splitlines()[:2] == [
        f"a start with {site.config} would change, of the config last in force:",
        "  ~ web  check.type dummy -> ping (1 real is judged by it from now on)",
    ]


@pytest.mark.parametrize(
    "spelled", ["{directory}/journal/", "{directory}/../{name}/journal", "journal", "{directory}/link"]
)
def test_another_spelling_of_the_journals_directory_is_no_change(
    kglb: Command, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spelled: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to("journal")
    journal = spelled.format(directory=tmp_path, name=tmp_path.name)
    site.write(ONE)
    with running(site) as process:
        site.wait_up(REAL)
        assert kglb("plan", site.config, "--journal", journal).out.endswith("would change nothing\n")
        process.kill()
    assert kglb("plan", site.config, "--journal", journal).out.endswith("would change nothing\n")


def test_that_the_value_of_a_secret_is_not_compared_is_said(
    kglb: Command, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = 'type = "http"\nheaders = { Authorization = { env = "TOKEN" } }'
    site.write(ONE.replace('type = "dummy"', check))
    with running(site, TOKEN="s3cr3t") as process:
        site.wait(lambda events: any(isinstance(event, ConfigApplied) for event in events))
        monkeypatch.setenv("TOKEN", "an0ther")
        ran = kglb("plan", site.config)
        process.terminate()
        process.wait(15)
    assert ran.out.splitlines()[-1] == "not compared, as the journal has no secrets: the value of $TOKEN"
    assert "an0ther" not in ran.out + ran.err


def test_what_the_disk_does_not_take_is_said_to_be_unknown(kglb: Command, live: Site) -> None:
    assert live.process is not None
    before = resource.prlimit(live.process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    kglb("drain", REAL, "--socket", live.socket)
    ran = kglb("plan", live.config)
    resource.prlimit(live.process.pid, resource.RLIMIT_FSIZE, before)
    assert "lacks the newest" in ran.err
    assert "File too large" in ran.err


def test_a_program_gets_the_operations_and_the_reload_then_does_them(kglb: Command, live: Site) -> None:
    live.write(TWO.replace(REAL, "192.168.100.102:80"))
    ran = kglb("plan", live.config, "-o", "json")
    planned = json.loads(ran.out)
    assert ran.code == 1
    assert [(change["key"], change["before"], change["after"]) for change in planned["changes"]] == [
        ("reals", None, "192.168.100.102:80"),
        ("reals", None, "192.168.100.101:80"),
        ("reals", REAL, None),
    ]
    assert [operation["type"] for operation in planned["operations"]] == [
        "AddDestination",
        "AddDestination",
        "DeleteDestination",
    ]
    before = live.records()[-1].seq
    assert kglb("reload", "--journal", live.journal).code == 0
    done: list[str] = []
    while "DeleteDestination" not in done:  # the old real goes once a new one serves
        live.wait_up("192.168.100.101:80")
        applied = (r.event for r in live.records() if r.seq > before and isinstance(r.event, OperationsApplied))
        done = [type(operation).__name__ for event in applied for operation in event.operations]
    assert [kind for kind in done if kind != "ChangeDestination"] == [one["type"] for one in planned["operations"]]
    assert kglb("plan", live.config).code == 0


def test_a_start_after_a_crash_would_go_on(kglb: Command, site: Site) -> None:
    site.write(ONE)
    with running(site) as process:
        site.wait_up(REAL)
        process.kill()
    ran = kglb("plan", site.config)
    assert (ran.code, ran.out) == (0, f"a start with {site.config} would change nothing\n")


def test_after_a_reboot_it_is_said_that_the_kernel_may_not_hold_what_the_journal_says(
    kglb: Command, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.write(ONE)
    with running(site) as process:
        site.wait_up(REAL)
        process.kill()
    assert kglb("plan", site.config).err == ""
    monkeypatch.setattr("kglb.cli.plan.boot_id", lambda: "the next boot")
    ran = kglb("plan", site.config)
    assert ran.err.startswith("warning: the journal is of another boot or another machine")
    assert "--against kernel" in ran.err
    assert kglb("plan", site.config, "--against", "kernel").err == ""


def test_a_start_after_a_cleanup_would_begin_anew(kglb: Command, site: Site) -> None:
    site.write(ONE)
    with running(site) as process:
        site.wait_up(REAL)
        process.terminate()
        process.wait(15)
    ran = kglb("plan", site.config)
    assert ran.code == 1
    assert f"  + {SERVICE}: add 192.168.100.100:80 by masquerade, weight 0" in ran.out.splitlines()


def test_against_a_kernel_that_is_empty_everything_is_missing(kglb: Command, live: Site) -> None:
    ran = kglb("plan", live.config, "--against", "kernel")
    assert ran.code == 1
    assert f"  + {SERVICE}: add 192.168.100.100:80 by masquerade, weight 1000" in ran.out.splitlines()


def test_a_secret_is_not_needed_but_its_config_must_be_right(
    kglb: Command, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "s3cr3t")
    check = 'type = "http"\nheaders = { Authorization = { env = "TOKEN" } }'
    site.write(ONE.replace('type = "dummy"', check))
    ran = kglb("plan", site.config)
    assert ran.code == 1
    assert "s3cr3t" not in ran.out + ran.err


def test_a_wrong_config_has_its_mistakes_named(kglb: Command, site: Site) -> None:
    site.write(BAD)
    ran = kglb("plan", site.config)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.count(f"{site.config}:") == 2


def test_what_a_reload_cannot_change_is_said_beforehand(kglb: Command, live: Site) -> None:
    live.write(ONE.replace('listen = "off"', 'listen = "127.0.0.1:5679"'))
    ran = kglb("plan", live.config)
    assert (ran.code, ran.out) == (2, "")
    assert "status: cannot change by a reload" in ran.err


# --- reals that are asked -----------------------------------------------------------------------------------------


@pytest.fixture
def listener() -> Iterator[str]:
    """The address of a server that accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def closed() -> Iterator[str]:
    """An address where nobody listens."""
    with refusing() as endpoint:
        yield endpoint.id


def of_tcp(*reals: str) -> str:
    listed = ", ".join(f'"{real}"' for real in reals)
    return ONE.replace('"dummy"', '"tcp"').replace('"50ms"', '"10s"').replace(f'"{REAL}"', listed)


def test_what_would_come_up_is_known_beforehand(kglb: Command, site: Site, listener: str, closed: str) -> None:
    site.write(of_tcp(listener, closed, "nowhere.invalid:80"))
    ran = kglb("plan", site.config, "--probe")
    assert ran.code == 1
    *_, balancer, refused, nowhere = ran.out.splitlines()
    assert balancer == "web  asked once: 1 of 3 reals pass"
    assert refused == f"  ! {closed} fails: connection refused"
    assert nowhere.startswith("  ! nowhere.invalid:80 cannot be asked: no address (")
    assert not site.journal.exists()


def test_the_members_of_pools_are_asked_too(
    kglb: Command, site: Site, listener: str, closed: str, tmp_path: Path
) -> None:
    targets, none = tmp_path / "web.json", tmp_path / "none.json"
    targets.write_text(json.dumps([{"targets": [listener, closed]}]))
    pools = f'{{ file = "{targets}" }}, {{ file = "{none}" }}, {{ dns = "localhost:{listener.rpartition(":")[2]}" }}'
    site.write(of_tcp().replace("reals = []", f"reals = [{pools}]"))
    ran = kglb("plan", site.config, "--probe")
    assert ran.code == 1
    assert ran.out.splitlines()[-3:] == [
        "web  asked once: 1 of 3 reals pass",
        f"  ! {closed} fails: connection refused",
        f"  ! file {none} cannot be asked: no member (cannot be read: No such file or directory)",
    ]


def test_with_probe_the_exit_code_is_about_the_reals(kglb: Command, site: Site, listener: str, closed: str) -> None:
    site.write(of_tcp(listener))
    assert kglb("plan", site.config).code == 1
    assert kglb("plan", site.config, "--probe").code == 0
    site.write('balancer = []\n[data_plane]\nkind = "memory"\n')
    assert kglb("plan", site.config, "--probe").code == 0
    site.write(of_tcp(listener, closed))
    assert kglb("plan", site.config, "--probe").code == 1


def test_what_is_up_now_and_would_fail_is_said(kglb: Command, live: Site) -> None:
    live.write(ONE.replace('type = "dummy"', 'type = "tcp"\nsource = "192.0.2.99"'))
    ran = kglb("plan", live.config, "--probe")
    assert ran.code == 1
    assert ran.out.splitlines()[-1] == (
        f"  ! {REAL} cannot be asked: local error EADDRNOTAVAIL (Cannot assign requested address), and is up now"
    )


def test_a_program_gets_every_answer(kglb: Command, site: Site, listener: str, closed: str) -> None:
    site.write(of_tcp(listener, closed))
    answers = json.loads(kglb("plan", site.config, "--probe", "-o", "json").out)["probes"]
    assert [(one["balancer"], one["real"], one["status"], one["reason"], one["up"]) for one in answers] == [
        ("web", listener, "success", "ok", None),
        ("web", closed, "failure", "refused", None),
    ]
    assert json.loads(kglb("plan", site.config, "-o", "json").out)["probes"] is None


def test_a_secret_in_an_answer_is_not_shown(kglb: Command, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "s3cr3t-t0ken")
    with HTTPServer(("127.0.0.1", 0), Telltale) as server:
        Thread(target=server.handle_request).start()
        check = 'type = "http"\nheaders = { Authorization = { env = "TOKEN" } }'
        real = f"127.0.0.1:{server.server_port}"
        site.write(ONE.replace('type = "dummy"', check).replace(REAL, real).replace('"50ms"', '"10s"'))
        ran = kglb("plan", site.config, "--probe")
    assert ran.out.splitlines()[-1] == f"  ! {real} fails: unexpected status 401 (HTTP/1.0 401 no [secret] here)"


class Telltale(BaseHTTPRequestHandler):
    """Refuses with the password that it was told."""

    def do_GET(self) -> None:
        self.send_response(401, f"no {self.headers['Authorization']} here")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


def test_checks_through_the_vip_are_made_without_it(kglb: Command, site: Site, listener: str) -> None:
    site.write(of_tcp(listener).replace("[balancer.check]", "fwmark_checks = true\n[balancer.check]"))
    ran = kglb("plan", site.config, "--probe")
    assert ran.code == 0
    assert ran.out.splitlines()[-1] == "web  asked once, straight and not through the VIP: 1 of 1 real pass"


def test_no_more_reals_are_asked_at_once_than_the_config_says(kglb: Command, site: Site) -> None:
    crowded = []
    with socket.create_server(("0.0.0.0", 0)) as server:

        def answer_one_by_one() -> None:
            for _ in range(5):
                with server.accept()[0] as connection:
                    crowded.append(bool(select.select([server], [], [], 0.05)[0]))
                    connection.send(b"hello")

        port, thread = server.getsockname()[1], Thread(target=answer_one_by_one)
        thread.start()
        five = of_tcp(*(f"127.0.0.{host}:{port}" for host in range(2, 7)))
        site.write(five.replace("[balancer.check]", 'concurrency = 1\n[balancer.check]\nexpect = "hello"'))
        ran = kglb("plan", site.config, "--probe")
        thread.join()
    assert ran.code == 0
    assert crowded == [False] * 5
