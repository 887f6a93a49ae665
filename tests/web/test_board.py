"""The page, the state and the stream as clients see them, and clients that mean no good."""

import asyncio
import json
import os
import re
import shutil
import socket
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import pytest

from kglb.config.load import load
from kglb.events import ConfigApplied, HealthChanged, ProbeFlipped, RealDrained, RealRemoved, WeightOverridden
from kglb.projections.view import EventView
from kglb.web import feed
from kglb.web.board import MAX_STREAMS, Past
from tests.projections.builders import WEB, added, real_id, started
from tests.web.boards import Site, listen
from tests.web.builders import Fleet, vitals, web_fleet
from tests.web.clients import body_of, connect, exchange, hang_up, status_of
from tests.web.conftest import Run

ROOT = Path(__file__).parents[2]
REAL = real_id(0)


def failing(detail: str = "") -> ProbeFlipped:
    return ProbeFlipped(
        service=WEB, real=REAL, outcome="failure", reason="timeout", detail=detail, latency=1.0, previous_count=3
    )


def down() -> HealthChanged:
    return HealthChanged(service=WEB, real=REAL, healthy=False, streak=-2, run=6)


# --- the files --------------------------------------------------------------------------------------------


def test_every_file_that_the_page_names_is_served_under_a_policy_that_allows_nothing_else(run: Run) -> None:
    async def scenario() -> None:
        site = Site(web_fleet())
        async with site.served() as where, httpx.AsyncClient(base_url=f"http://{where}") as client:
            page = await client.get("/")
            named = re.findall(r'(?:src|href)="(/[^"]+)"', page.text)
            assert len(named) >= 6
            for path in ("/", *named):
                answer = await client.get(path)
                assert answer.status_code == 200
                policy = answer.headers["content-security-policy"]
                assert policy.startswith("default-src 'none'; ")
                assert "unsafe" not in policy
                assert answer.headers["x-content-type-options"] == "nosniff"
                assert not re.search(r"https?://(?!www\.w3\.org/)", answer.text)

    run(scenario())


def test_every_asset_is_text_with_an_end_of_line() -> None:
    assets = [file for file in files("kglb.assets").iterdir() if not file.name.startswith("_")]
    assert len(assets) >= 10
    assert all(file.read_text().endswith("\n") for file in assets)


# --- the state --------------------------------------------------------------------------------------------


def test_the_state_has_balancers_with_their_reals(run: Run) -> None:
    async def scenario() -> None:
        site = Site(web_fleet(2))
        site.record(failing())
        state = await site.state()
        assert (state["host"], state["seq"], state["complaints"]) == ("director", len(site.fleet.events), [])
        (balancer,) = state["balancers"]
        assert (balancer["balancer"], balancer["service"], balancer["mode"]) == ("web", WEB, "available")
        assert (balancer["alive"], balancer["total"], balancer["in_step"]) == (2, 2, True)
        first, second = balancer["reals"]
        assert (first["real"], first["condition"], first["why"]) == (REAL, "failing", "timeout")
        assert (second["condition"], second["weight"], second["kernel_weight"]) == ("up", 1000, 1000)

    run(scenario())


def test_the_state_says_what_operators_ordered(run: Run) -> None:
    async def scenario() -> None:
        site = Site(web_fleet(2))
        seq = site.record(RealDrained(service=WEB, real=REAL, who="anna", note="new disk", until=2e9))
        site.record(WeightOverridden(service=WEB, real=real_id(1), weight=7, who="otto"))
        (balancer,) = (await site.state())["balancers"]
        drained, weighed = balancer["reals"]
        assert drained["drain"] == {"seq": seq, "who": "anna", "note": "new disk", "until": 2e9}
        assert (weighed["override"]["weight"], weighed["override"]["who"], weighed["drain"]) == (7, "otto", None)
        assert (balancer["alive"], balancer["total"]) == (1, 1)

    run(scenario())


def test_no_secret_of_the_config_is_in_it(run: Run, tmp_path: Path) -> None:
    (tmp_path / "api-key.txt").write_text("k3y-of-the-api")
    copied = shutil.copy(ROOT / "examples" / "secrets.toml", tmp_path)

    async def scenario() -> None:
        loaded = load(copied, environ={"KGLB_HEALTH_TOKEN": "Bearer hunter2"})
        assert len(loaded.secrets) == 2
        fleet = Fleet()
        fleet.record(started())
        fleet.record(ConfigApplied(digest="0", source="secrets.toml", config=loaded.config))
        site = Site(fleet)
        text = json.dumps(await site.state())
        assert [secret for secret in loaded.secrets.values() if secret in text] == []

    run(scenario())


def test_the_state_has_what_the_process_complains_of(run: Run) -> None:
    async def scenario() -> None:
        state = await Site(web_fleet(), vitals(journal_degraded="No space left on device")).state()
        assert state["complaints"] == ["the journal is degraded: No space left on device"]
        assert state["journal"]["degraded"] == "No space left on device"

    run(scenario())


def test_the_past_of_before_the_start_is_recalled(run: Run) -> None:
    async def scenario() -> None:
        fleet = web_fleet(1)
        fleet.record(failing())
        fleet.record(down())
        site = Site(fleet)
        site.board.recall([Past(100.0, 6, None, failing()), Past(101.0, 7, 6, down())])
        (balancer,) = (await site.state())["balancers"]
        assert balancer["reals"][0]["since"] == 101.0
        assert [now for _, now in balancer["reals"][0]["strip"]] == ["down"]
        async with site.served() as where:
            client = await listen(where)
            assert [(await client.message())[0] for _ in range(2)] == ["6", "7"]
            await hang_up(client.writer)

    run(scenario())


def test_ten_thousand_reals_leave_the_loop_its_turns(run: Run) -> None:
    async def scenario() -> None:
        site = Site(web_fleet(10_000))
        turns = 0

        async def count_turns() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        counting = asyncio.create_task(count_turns())
        (balancer,) = (await site.state())["balancers"]
        counting.cancel()
        assert len(balancer["reals"]) == 10_000
        assert turns > 20

    run(scenario())


# --- the stream -------------------------------------------------------------------------------------------


def test_a_fact_is_told_with_its_words_and_what_it_changes(run: Run) -> None:
    async def scenario() -> None:
        site = Site(web_fleet(2))
        async with site.served() as where:
            client = await listen(where)
            await client.until("beat")
            run_seq = site.record(failing("<b>"))
            site.record(down(), cause=run_seq)
            (id, _, fact), (_, _, second) = await client.until("fact"), await client.until("fact")
            assert (id, fact["type"], fact["tone"]) == (str(run_seq), "ProbeFlipped", "quiet")
            assert fact["text"] == f"{REAL} fails its checks now: timeout (<b>)"
            assert (fact["balancer"], fact["service"], fact["reals"]) == ("web", WEB, [REAL])
            assert (second["cause"], second["tone"]) == (run_seq, "bad")
            changed = (await client.until("changed"))[2]
            heads = [change for change in changed if "real" not in change]
            assert [(head["alive"], head["total"]) for head in heads] == [(1, 2)]
            assert [change["condition"] for change in changed if change.get("real") == REAL] == ["down"]
            await hang_up(client.writer)

    run(scenario())


def test_a_real_that_is_removed_is_gone(run: Run) -> None:
    async def scenario() -> None:
        site = Site(web_fleet(2))
        async with site.served() as where:
            client = await listen(where)
            await client.until("beat")
            held = site.fleet.state.data_plane.actual.destinations[WEB]
            held.pop(REAL)
            site.record(RealRemoved(service=WEB, real=REAL, host=REAL))
            changed = (await client.until("changed"))[2]
            assert {"service": WEB, "real": REAL, "gone": True} in changed
            await hang_up(client.writer)

    run(scenario())


def test_a_start_or_a_config_has_clients_read_everything_again(run: Run) -> None:
    async def scenario() -> None:
        site = Site(web_fleet())
        async with site.served() as where:
            client = await listen(where)
            await client.until("beat")
            site.record(started())
            assert await client.until("reload")
            await hang_up(client.writer)

    run(scenario())


def test_a_client_that_comes_back_misses_nothing_and_gets_nothing_twice(run: Run) -> None:
    async def scenario() -> None:
        site = Site(web_fleet())
        async with site.served() as where:
            client = await listen(where)
            await client.until("beat")
            first = site.record(failing())
            assert (await client.until("fact"))[0] == str(first)
            await hang_up(client.writer)
            missed = [site.record(failing()) for _ in range(3)]
            client = await listen(where, after=first)
            assert [(await client.until("fact"))[0] for _ in range(3)] == [str(seq) for seq in missed]
            await hang_up(client.writer)

    run(scenario())


@pytest.mark.parametrize("id", ["", "x", "-1", "99999999999999999999", "9" * 5000, "²"])
def test_an_id_that_is_none_of_ours_begins_with_what_is_kept(run: Run, id: str) -> None:
    async def scenario() -> None:
        site = Site(web_fleet())
        site.board.recall([Past(1.0, 1, None, started()), Past(2.0, 2, 1, added(WEB, 0))])
        async with site.served() as where:
            reader, writer = await connect(where)
            writer.write(f"GET /events HTTP/1.1\r\nLast-Event-ID: {id}\r\n\r\n".encode())
            assert b"id: 1\n" in await reader.readuntil(b"event: beat")
            await hang_up(writer)

    run(scenario())


def test_the_ring_keeps_the_newest() -> None:
    site = Site(web_fleet())
    site.board.recall([Past(float(seq), seq, None, failing()) for seq in range(1, 2 * feed.RING + 1)])
    kept = b"".join(site.board._feed.since(""))
    ids = [int(id) for id in re.findall(rb"^id: (\d+)$", kept, re.MULTILINE)]
    assert ids == list(range(feed.RING + 1, 2 * feed.RING + 1))


def test_many_that_change_at_once_are_read_again_instead_of_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "MOST_CHANGED", 10)

    async def scenario() -> None:
        site = Site(web_fleet(30))
        async with site.served() as where:
            client = await listen(where)
            await client.until("beat")
            for number in range(30):
                site.record(HealthChanged(service=WEB, real=real_id(number), healthy=False, streak=-1, run=1))
            assert await client.until("reload")
            await hang_up(client.writer)

    run(scenario())


# --- clients that mean no good ----------------------------------------------------------------------------


def test_streams_are_bounded_and_leave_room_for_metrics(run: Run) -> None:
    async def scenario() -> None:
        site = Site(web_fleet())
        async with site.served() as where:
            clients = [await listen(where) for _ in range(MAX_STREAMS)]
            refused = await exchange(where, b"GET /events HTTP/1.1\r\n\r\n")
            assert (status_of(refused), body_of(refused)) == (503, b"too many streams\n")
            assert status_of(await exchange(where, b"GET /healthz HTTP/1.1\r\n\r\n")) == 200
            for client in clients:
                await hang_up(client.writer)
            await listeners(site, 0)
            await hang_up((await listen(where)).writer)

    run(scenario())


def test_an_id_of_any_length_costs_no_stream(run: Run) -> None:
    async def scenario() -> None:
        site = Site(web_fleet())
        async with site.served() as where:
            for _ in range(MAX_STREAMS + 1):
                reader, writer = await connect(where)
                writer.write(b"GET /events HTTP/1.1\r\nLast-Event-ID: " + b"9" * 5000 + b"\r\n\r\n")
                assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
                await hang_up(writer)
                await listeners(site, 0)

    run(scenario())


def test_a_fact_that_cannot_be_told_ends_no_others(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        site = Site(web_fleet())
        blamed: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: blamed.append(context["exception"]))
        told, tell = iter([False]), site.board._feed._narrator.tell

        def stumble(*fact: Any) -> EventView:
            if not next(told, True):
                raise KeyError("no word for it")
            return tell(*fact)

        monkeypatch.setattr(site.board._feed._narrator, "tell", stumble)
        async with site.served() as where:
            client = await listen(where)
            site.record(failing("first"))
            second = site.record(failing("second"))
            assert (await client.until("fact"))[0] == str(second)
            assert len(blamed) == 1
            await hang_up(client.writer)

    run(scenario())


def test_a_stream_that_is_never_read_takes_no_place() -> None:
    site = Site(web_fleet())
    for _ in range(MAX_STREAMS + 1):
        assert site.board.streams()["/events"]("") is not None


async def listeners(site: Site, count: int) -> None:
    for _ in range(500):
        if len(site.board._feed.listeners) == count:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{len(site.board._feed.listeners)} listeners, not {count}")


def test_a_reader_that_does_not_read_is_dropped_and_nobody_else_notices(run: Run) -> None:
    async def scenario() -> None:
        site = Site(web_fleet())
        async with site.served(patience=0.5) as where:
            slow = socket.socket()
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.setblocking(False)
            await asyncio.get_running_loop().sock_connect(slow, (where.address, where.port))
            await asyncio.get_running_loop().sock_sendall(slow, b"GET /events HTTP/1.1\r\n\r\n")
            client = await listen(where)
            await listeners(site, 2)
            seen = 0
            for _ in range(200):
                for _ in range(50):
                    last = site.record(failing("x" * 900))
                while seen < last:
                    seen = int((await client.until("fact"))[0])
                if len(site.board._feed.listeners) == 1:
                    break
            await listeners(site, 1)
            await hang_up(client.writer)
            slow.close()

    run(scenario())


def test_a_listener_holds_no_more_than_its_queue() -> None:
    async def scenario() -> None:
        listener = feed.Listener()
        lost = []
        for _ in range(feed.QUEUE + 1):
            listener.put(b"x")
            lost.append(listener.lost)
        assert lost == [*[False] * feed.QUEUE, True]
        assert await listener.take(0.0) == b""

    asyncio.run(scenario())


def test_a_client_that_talks_on_or_vanishes_leaves_nothing_behind(run: Run) -> None:
    async def scenario() -> None:
        site = Site(web_fleet())
        async with site.served() as where:
            before = len(os.listdir("/proc/self/fd"))
            talkative = await listen(where)
            talkative.writer.write(b"z" * 200_000)
            for _ in range(10):
                vanishing = await listen(where)
                vanishing.writer.transport.abort()
            await listeners(site, 0)
            await hang_up(talkative.writer)
            for _ in range(200):
                if len(os.listdir("/proc/self/fd")) <= before:
                    return
                await asyncio.sleep(0.01)
            raise AssertionError("descriptors stay open")

    run(scenario())


def test_closing_ends_every_stream(run: Run) -> None:
    async def scenario() -> None:
        site = Site(web_fleet())
        async with site.served() as where:
            client = await listen(where)
            await client.until("beat")
        with pytest.raises(EOFError):
            await client.message()
        assert site.board._feed.listeners == set()
        await hang_up(client.writer)

    run(scenario())


def test_a_page_of_another_site_gets_no_stream_but_may_lead_here(run: Run) -> None:
    from_elsewhere = b" HTTP/1.1\r\nHost: a.localhost\r\nSec-Fetch-Site: cross-site\r\n\r\n"

    async def scenario() -> None:
        site = Site(web_fleet())
        async with site.served() as where:
            refused = await exchange(where, b"GET /events" + from_elsewhere)
            assert (status_of(refused), body_of(refused)) == (403, b"no stream for another site's page\n")
            assert status_of(await exchange(where, b"GET /" + from_elsewhere)) == 200

    run(scenario())


def test_head_and_post_open_no_stream(run: Run) -> None:
    async def scenario() -> None:
        site = Site(web_fleet())
        async with site.served() as where:
            assert status_of(await exchange(where, b"POST /events HTTP/1.1\r\n\r\n")) == 405
            assert status_of(await exchange(where, b"HEAD /events HTTP/1.1\r\n\r\n")) == 200
            assert site.board._feed.listeners == set()

    run(scenario())
