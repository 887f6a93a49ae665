"""What ``status`` shows of a daemon, where it looks for one, and what it exits with."""

import json
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from kglb.checks.counts import SourceCounts
from kglb.cli import live_words as words
from kglb.cli.output import Failed, Paint
from kglb.cli.status import only, render
from kglb.events import NameResolved, PoolAnswered, PoolFailed, ResolutionFailed, WarmthChanged
from kglb.model import ChangeDestination, Destination
from kglb.projections.view import EventView
from kglb.web.config_standing import InForce, Rejected
from kglb.web.live import LiveDrift, LiveState
from tests.browser.site import Reals, daemon
from tests.cli.conftest import Command
from tests.cli.live import body, live, one_down_one_drained
from tests.patience import PATIENCE
from tests.projections.builders import WEB, real_id
from tests.web.boards import Site
from tests.web.builders import POOL, backed_fleet, pooled_fleet, vitals, web_fleet

PLAIN = Paint(enabled=False)


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    """Have the daemon's ``/state`` be this."""
    return lambda body: monkeypatch.setattr("kglb.cli.status.read_state", lambda where: body)


def shown(state: LiveState, width: int | None = None) -> list[str]:
    return render(state, width, PLAIN)


# --- what is shown ------------------------------------------------------------------------------------------------


def test_services_and_their_reals_are_shown_with_what_matters_first() -> None:
    lines = shown(replace(live(one_down_one_drained()), now=1_000_007_200.6))
    assert lines[:5] == [
        "director: kglb-actors 0.1.0, running for 2 h",
        f"  ! web: {real_id(1)} is down",
        "  journal   record 13 in /var/lib/kglb/journal, 4 not written yet",
        "  kernel    nothing changed by others since the start; 6 foreign services",
        "",
    ]
    assert lines[5] == f"web  {WEB} wrr  available, 2 of 3 up"
    assert [line.split()[:3] for line in lines[7:]] == [
        [real_id(0), "up", "1000"],
        [real_id(1), "down", "0"],
        [real_id(2), "drained", "0"],
        [real_id(3), "up", "1000"],
    ]
    assert lines[8].endswith("connection refused, 2 failures in a row")
    assert "anna drained it: new disk" in lines[9]


def test_a_real_that_warms_up_says_how_far_it_is() -> None:
    fleet = web_fleet(2)
    fleet.record(WarmthChanged(service=WEB, tenths={real_id(0): 4}, causes={real_id(0): 1}))
    lines = shown(live(Site(fleet, vitals())))
    (line,) = [line for line in lines if real_id(0) in line]
    assert "slow start: 40 % of weight 1000" in line
    assert lines[1].strip() == "all is as it should be"


def test_a_name_that_has_no_address_is_a_trouble_until_it_has_one() -> None:
    fleet = web_fleet(2)
    fleet.record(ResolutionFailed(service=WEB, host="app1:80", error="NXDOMAIN"))
    assert shown(live(Site(fleet, vitals())))[1] == "  ! web: app1:80 has no address: NXDOMAIN"
    fleet.record(NameResolved(service=WEB, host="app1:80", address="10.0.0.9"))
    assert shown(live(Site(fleet, vitals())))[1].strip() == "all is as it should be"


def test_a_pool_says_how_many_members_it_has_and_how_old_that_is() -> None:
    fleet = pooled_fleet()
    answered = live(Site(fleet, vitals(sources={(WEB, POOL.id): SourceCounts(answered=1_000_000_000.0)})))
    lines = shown(replace(answered, now=1_000_000_090.0))
    assert lines[1].strip() == "all is as it should be"
    assert "  dns web.example.com:80: 2 members, answered 1 min ago" in lines
    unknown = shown(live(Site(fleet, vitals())))
    assert "  dns web.example.com:80: 2 members, not answered since the start" in unknown


def test_a_pool_without_an_answer_and_one_that_lacks_members_are_troubles() -> None:
    fleet = pooled_fleet()
    fleet.record(PoolAnswered(service=WEB, pool=POOL.id, lacking=(real_id(0),)))
    assert shown(live(Site(fleet, vitals())))[1].strip() == (
        "! web: dns web.example.com:80 lacks 1 of 2 members, who stay: more than max_loss of those that are up"
    )
    fleet.record(PoolFailed(service=WEB, pool=POOL.id, error="NXDOMAIN", keeping=2))
    assert shown(live(Site(fleet, vitals())))[1].strip() == (
        "! web: dns web.example.com:80 gives no answer, keeping 2 members: NXDOMAIN"
    )


def test_a_backup_is_shown_as_one_and_a_service_on_it_as_trouble() -> None:
    standing_by = shown(live(Site(backed_fleet(), vitals())))
    assert standing_by[1].strip() == "all is as it should be"
    assert f"web  {WEB} wrr  available, 1 of 1 up" in standing_by
    (line,) = [line for line in standing_by if real_id(1) in line]
    assert line.split()[1:3] == ["up", "0"]
    assert "backup" in line
    serving = shown(live(Site(backed_fleet(down=True), vitals())))
    assert serving[1].strip() == "! web is on its backups, 0 of 1 up"


def test_a_config_that_was_rejected_is_a_trouble_beside_the_one_in_force() -> None:
    rejected = Rejected(at=1_000_007_140.0, source="/etc/new.toml", errors=("new.toml:4: unknown key", "another"))
    in_force = InForce(source="/etc/old.toml", digest="0", since=1_000_000_000.0, rejected=rejected)
    state = replace(live(one_down_one_drained()), now=1_000_007_200.6, config=in_force)
    assert shown(state)[1:4] == [
        "  ! /etc/new.toml was rejected 1 min ago, the previous one stays in force: "
        "new.toml:4: unknown key (and 1 more)",
        f"  ! web: {real_id(1)} is down",
        "  config    /etc/old.toml, in force for 2 h",
    ]


@pytest.mark.parametrize("width", [40, 60, 80, 132])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    lines = shown(live(one_down_one_drained()), width)
    assert [line for line in lines if len(line) > width] == []
    assert any("connection refused" in line for line in lines)


def test_a_weight_that_the_kernel_does_not_have_is_said() -> None:
    fleet = web_fleet(2)
    fleet.apply(ChangeDestination(WEB, Destination(real=real_id(0), weight=7)))
    text = "\n".join(shown(live(Site(fleet))))
    assert "1000 (kernel 7)" in text
    assert f"! web: {real_id(0)} is up, with weight 7 in the kernel" in text


@pytest.mark.parametrize(
    ("free", "said"), [(3 << 30, "3.0 GiB"), (300 << 20, "300 MiB"), (512, "512 B"), (5000 << 30, "5000 GiB")]
)
def test_the_room_on_the_journals_disk_is_said(free: int, said: str) -> None:
    lines = shown(live(one_down_one_drained(journal_disk_free=free, journal_disk_size=5000 << 30)))
    assert lines[2].endswith(f", {said} free of 5000 GiB")


@pytest.mark.parametrize(("count", "said"), [(2, "2 changed by others since the start, last "), (0, "nothing changed")])
def test_what_others_changed_before_the_start_is_said_to_be_before_it(count: int, said: str) -> None:
    state = live(one_down_one_drained())
    seen = EventView(
        seq=9,
        at=state.now - 60,
        type="DriftFound",
        kind="drift",
        tone="warning",
        text="somebody else did it",
        service=WEB,
        balancer="web",
        reals=(),
        cause=None,
        because=(),
    )
    text = words.kernel(replace(state, drift=LiveDrift(count=count, last=seen)))
    assert text.startswith(said)
    assert ("last before it 1 min ago" in text) == (count == 0)


def test_a_journal_in_trouble_is_said_first() -> None:
    state = live(one_down_one_drained(journal_degraded="No space left on device"))
    lines = shown(state)
    assert lines[1] == "  ! the journal is degraded: No space left on device"
    assert "  journal   degraded: No space left on device (4 records not written)" in lines


def test_of_many_troubles_only_some_are_listed() -> None:
    state = replace(live(one_down_one_drained()), complaints=tuple(f"complaint {number}" for number in range(20)))
    assert "  ! and 11 troubles more" in shown(state)


def test_one_balancer_is_named_by_its_name_or_its_service() -> None:
    state = live(one_down_one_drained())
    assert only(state, "web") == only(state, WEB) == state
    with pytest.raises(Failed, match="no balancer 'mail'; there are web"):
        only(state, "mail")


def test_a_name_that_balancers_share_is_all_of_them() -> None:
    state = live(one_down_one_drained())
    shared = tuple(
        replace(state.balancers[0], service=service, balancer=f"web@{service}")
        for service in (WEB, "tcp://192.168.100.10:443")
    )
    state = replace(state, balancers=(*shared, replace(state.balancers[0], balancer="mail")))
    assert only(state, "web").balancers == shared
    assert only(state, f"web@{WEB}").balancers == shared[:1]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"),
        (-1, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3600, "1 h"),
        (11_100, "3 h 5 min"),
        (180_000, "2 d 2 h"),
    ],
)
def test_spans_are_short(seconds: float | None, text: str) -> None:
    assert words.span(seconds) == text


# --- the verb -----------------------------------------------------------------------------------------------------


def test_it_exits_with_1_only_if_asked_to_check(kglb: Command, answer: Callable[[bytes], None]) -> None:
    answer(body(one_down_one_drained()))
    assert kglb("status").code == 0
    assert kglb("status", "--check").code == 1
    assert kglb("status", "mail").code == 1


def test_a_program_gets_what_the_daemon_said(kglb: Command, answer: Callable[[bytes], None]) -> None:
    said = body(one_down_one_drained())
    answer(said)
    assert json.loads(kglb("status", "-o", "json").out) == json.loads(said)
    picked = json.loads(kglb("status", "web", "-o", "json").out)
    assert [one["balancer"] for one in picked["balancers"]] == ["web"]
    assert picked["balancers"][0]["reals"][1]["streak"] == -2


def counts(document: str) -> set[tuple[int | None, int | None]]:
    balancers = json.loads(document)["balancers"]
    return {(real["active"], real["inactive"]) for balancer in balancers for real in balancer["reals"]}


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def test_a_running_daemon_is_found_by_its_config(kglb: Command, tmp_path: Path) -> None:
    reals = Reals(1, 2)
    try:
        with daemon(tmp_path, reals, names=("web",)) as page:
            where = page.removeprefix("http://").rstrip("/")
            until(lambda: counts(kglb("status", "--status", where, "-o", "json").out) == {(0, 0)}, "connections")
            by_config = kglb("status", "--config", tmp_path / "config.toml")
    finally:
        reals.close()
    assert by_config.code == 0
    assert "web  tcp://192.0.2.10:80 wlc" in by_config.out


def test_without_a_daemon_it_is_3_and_says_what_to_do(kglb: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    ran = kglb("status", "--status", f"127.0.0.1:{port}")
    assert (ran.code, ran.out) == (3, "")
    assert f"no daemon answers at 127.0.0.1:{port}: Connection refused" in ran.err
    assert "--status" in ran.err


@pytest.mark.parametrize(
    ("config", "code", "message"),
    [
        ('[status]\nlisten = "off"\n', 3, "has no status address"),
        ('[status]\nlisten = "nowhere"\n', 2, "listen in [status]"),
        ("[status\n", 2, "config.toml"),
        (None, 2, "No such file"),
    ],
)
def test_a_config_that_does_not_say_where_is_an_error(
    kglb: Command, tmp_path: Path, config: str | None, code: int, message: str
) -> None:
    path = tmp_path / "config.toml"
    if config is not None:
        path.write_text(config)
    ran = kglb("status", "--config", path)
    assert ran.code == code
    assert message in ran.err


@pytest.mark.parametrize(
    "body",
    [b'{"hello": "world"}', b'{"host": "\xff"}', b'{"new": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"],
    ids=["another", "not UTF-8", "deep"],
)
def test_what_answers_may_be_something_else(kglb: Command, answer: Callable[[bytes], None], body: bytes) -> None:
    answer(body)
    ran = kglb("status")
    assert ran.code == 3
    assert "is no kglb-actors of this version" in ran.err
