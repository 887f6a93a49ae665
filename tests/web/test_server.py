import asyncio
import os
import socket
import struct
from contextlib import suppress

import httpx
import pytest

from kglb.model import Endpoint
from kglb.web.answer import Answer, plain
from kglb.web.packed import Packer
from kglb.web.server import MAX_CONNECTIONS, ListenError, StatusServer
from tests.patience import PATIENCE
from tests.web.clients import PAGE, body_of, connect, exchange, hang_up, page, serving, status_of
from tests.web.conftest import Run

BIG = b"x" * 3_000_000


async def big() -> Answer:
    return Answer(200, "text/plain", BIG)


# --- what is served ---------------------------------------------------------------------------------------


def test_a_real_client_gets_the_page_with_its_type_and_length(run: Run) -> None:
    async def scenario() -> None:
        async with serving() as where, httpx.AsyncClient() as client:
            answer = await client.get(f"http://{where}/page?from=a-browser")
        assert (answer.status_code, answer.text) == (200, "a page\n")
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.headers["content-length"] == "7"
        assert answer.headers["connection"] == "close"

    run(scenario())


async def long_text() -> Answer:
    packer = Packer()
    packer.add("a line of many\n" * 20_000)
    return Answer(200, "text/plain", packer.packed())


def test_a_long_text_is_packed_for_who_takes_gzip_and_whole_for_who_does_not(run: Run) -> None:
    async def scenario() -> None:
        async with serving({"/long": long_text}) as where, httpx.AsyncClient() as client:
            packed = await client.get(f"http://{where}/long", headers={"Accept-Encoding": "br, gzip;q=0.5"})
            whole = await client.get(f"http://{where}/long", headers={"Accept-Encoding": "gzip;q=0, identity"})
            head = await client.head(f"http://{where}/long", headers={"Accept-Encoding": "gzip"})
        assert packed.text == whole.text == "a line of many\n" * 20_000
        assert packed.headers["content-encoding"] == "gzip"
        assert "content-encoding" not in whole.headers
        assert {answer.headers["vary"] for answer in (packed, whole, head)} == {"Accept-Encoding"}
        assert int(whole.headers["content-length"]) == 300_000
        assert int(packed.headers["content-length"]) == int(head.headers["content-length"]) < 10_000

    run(scenario())


def test_head_gives_the_length_and_no_body(run: Run) -> None:
    async def scenario() -> None:
        async with serving() as where:
            answer = await exchange(where, PAGE.replace(b"GET", b"HEAD"))
        assert status_of(answer) == 200
        assert b"Content-Length: 7\r\n" in answer
        assert body_of(answer) == b""

    run(scenario())


def test_an_unknown_path_is_told_which_there_are(run: Run) -> None:
    async def scenario() -> None:
        async with serving({"/b": page, "/a": page}) as where:
            answer = await exchange(where, b"GET /c HTTP/1.1\r\n\r\n")
        assert status_of(answer) == 404
        assert body_of(answer) == b"no such page; there are /a, /b\n"

    run(scenario())


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_other_methods_are_refused_and_told_the_allowed_ones(run: Run, method: str) -> None:
    async def scenario() -> None:
        async with serving() as where:
            answer = await exchange(where, f"{method} /page HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody".encode())
        assert status_of(answer) == 405
        assert b"Allow: GET, HEAD\r\n" in answer

    run(scenario())


def test_a_big_answer_arrives_whole(run: Run) -> None:
    async def scenario() -> None:
        async with serving({"/page": big}) as where:
            assert body_of(await exchange(where, PAGE)) == BIG

    run(scenario())


def test_a_client_that_closes_its_side_first_still_gets_all_of_it(run: Run) -> None:
    async def scenario() -> None:
        async with serving({"/page": big}) as where:
            reader, writer = await connect(where)
            writer.write(PAGE)
            writer.write_eof()
            assert body_of(await reader.read(-1)) == BIG
            await hang_up(writer)

    run(scenario())


def test_an_old_client_a_slow_typist_and_an_offer_to_upgrade_are_served(run: Run) -> None:
    async def scenario() -> None:
        async with serving() as where:
            assert status_of(await exchange(where, b"GET /page HTTP/1.0\r\n\r\n")) == 200
            upgrade = b"GET /page HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
            assert status_of(await exchange(where, upgrade)) == 200
            reader, writer = await connect(where)
            for byte in PAGE:
                writer.write(bytes([byte]))
                await asyncio.sleep(0)
            assert status_of(await reader.read(-1)) == 200
            await hang_up(writer)

    run(scenario())


def test_ipv6_is_served(run: Run) -> None:
    async def scenario() -> None:
        server = StatusServer({"/page": page})
        where = await server.start("[::1]:0")
        assert where.address == "::1"
        assert status_of(await exchange(where, PAGE)) == 200
        await server.close()

    run(scenario())


def test_a_page_that_raises_is_a_500_and_reported_and_the_next_one_is_served() -> None:
    async def broken() -> Answer:
        raise ValueError("no such real")

    async def scenario() -> None:
        reports: list[dict[str, object]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: reports.append(context))
        async with serving({"/broken": broken, "/page": page}) as where:
            answer = await exchange(where, b"GET /broken HTTP/1.1\r\n\r\n")
            assert status_of(answer) == 500
            assert b"no such real" in body_of(answer)
            assert status_of(await exchange(where, PAGE)) == 200
        assert [str(report["exception"]) for report in reports] == ["no such real"]

    asyncio.run(scenario())


# --- what clients do to it --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # a TLS hello
        b"\x00" * 100,
        b"GET\r\n\r\n",
        b"GET /page HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET /page HTTP/1.1\r\nContent-Length: minus\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"CONNECT status:80 HTTP/1.1\r\n\r\n",
        b"GET /pa",
    ],
)
def test_garbage_is_a_bad_request(run: Run, garbage: bytes) -> None:
    async def scenario() -> None:
        async with serving() as where:
            reader, writer = await connect(where)
            writer.write(garbage)
            writer.write_eof()
            assert status_of(await reader.read(-1)) == 400
            await hang_up(writer)
            assert status_of(await exchange(where, PAGE)) == 200

    run(scenario())


def test_a_path_that_is_not_ascii_is_only_unknown(run: Run) -> None:
    async def scenario() -> None:
        async with serving() as where:
            assert status_of(await exchange(where, b"GET /\xff\xfe HTTP/1.1\r\n\r\n")) in (400, 404)

    run(scenario())


def test_an_endless_head_is_cut_off_at_its_limit(run: Run) -> None:
    async def scenario() -> None:
        async with serving() as where:
            head = b"GET /page HTTP/1.1\r\nX: "
            answer = await exchange(where, head + b"x" * 20_000)
            assert status_of(answer) == 431
            fitting = head + b"x" * (8192 - len(head) - 4) + b"\r\n\r\n"
            assert status_of(await exchange(where, fitting)) == 200

    run(scenario())


def test_of_requests_that_are_sent_at_once_only_the_first_is_answered(run: Run) -> None:
    async def scenario() -> None:
        async with serving() as where:
            answer = await exchange(where, PAGE * 50)
            assert (status_of(answer), answer.count(b"HTTP/1.1 ")) == (200, 1)
            assert b"Connection: close\r\n" in answer
            smuggled = b"GET /page HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + PAGE
            assert (await exchange(where, smuggled)).count(b"HTTP/1.1 ") == 1

    run(scenario())


def test_a_client_that_sends_its_head_too_slowly_is_told_so(run: Run) -> None:
    async def scenario() -> None:
        async with serving(patience=0.1) as where:
            answer = await exchange(where, b"GET /page HTTP/1.1\r\n")
            assert status_of(answer) == 408

    run(scenario())


def test_a_client_that_does_not_read_gets_no_more_than_the_kernel_holds(run: Run) -> None:
    async def huge() -> Answer:
        return Answer(200, "text/plain", BIG * 10)

    async def scenario() -> None:
        async with serving({"/page": huge}, patience=0.1) as where:
            reader, writer = await connect(where)
            writer.write(PAGE)
            await asyncio.sleep(0.5)
            assert len(await reader.read(-1)) < len(BIG * 10)
            await hang_up(writer)

    run(scenario())


def test_a_client_that_stays_after_the_answer_is_cut_off(run: Run) -> None:
    async def scenario() -> None:
        async with serving(patience=0.1) as where:
            reader, writer = await connect(where)
            writer.write(PAGE)
            await reader.read(-1)
            with pytest.raises((ConnectionResetError, BrokenPipeError)):
                await keep_talking(writer)
            await hang_up(writer)

    run(scenario())


async def keep_talking(writer: asyncio.StreamWriter) -> None:
    for _ in range(100):
        writer.write(b"still here")
        await writer.drain()
        await asyncio.sleep(0.02)


def test_clients_that_vanish_leave_nothing_behind(run: Run) -> None:
    async def scenario() -> None:
        async with serving({"/page": big}) as where:
            assert body_of(await exchange(where, PAGE)) == BIG
            before = len(os.listdir("/proc/self/fd"))
            for sent in (b"", b"GET", PAGE, PAGE * 3) * 10:
                client = socket.create_connection((where.address, where.port))
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.send(sent)
                await asyncio.sleep(0.001)
                client.close()
            await open_descriptors(at_most=before)

    run(scenario())


def test_a_client_that_resets_while_its_answer_is_made_is_no_fault_of_ours(run: Run) -> None:
    async def scenario() -> None:
        asked, gone = asyncio.Event(), asyncio.Event()

        async def late() -> Answer:
            asked.set()
            await gone.wait()
            return plain(200, "a page")

        async with serving({"/page": late}) as where:
            client = socket.create_connection((where.address, where.port))
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.send(PAGE)
            await asked.wait()
            client.close()
            await asyncio.sleep(0.05)
            gone.set()
            await asyncio.sleep(0.05)

    run(scenario())


async def open_descriptors(*, at_most: int) -> None:
    for _ in range(3000):
        if len(os.listdir("/proc/self/fd")) <= at_most:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"more than {at_most} descriptors stay open")


def test_beyond_the_limit_a_connection_is_refused_and_room_is_reused(run: Run) -> None:
    async def scenario() -> None:
        asked, made = 0, asyncio.Event()

        async def slow() -> Answer:
            nonlocal asked
            asked += 1
            await made.wait()
            return plain(200, "a page")

        async with serving({"/page": slow}) as where:
            exchanges = [asyncio.create_task(exchange(where, PAGE)) for _ in range(MAX_CONNECTIONS)]
            while asked < MAX_CONNECTIONS:
                await asyncio.sleep(0.01)
            assert status_of(await exchange(where, b"")) == 503
            made.set()
            assert {status_of(answer) for answer in await asyncio.gather(*exchanges)} == {200}
            assert status_of(await exchange(where, PAGE)) == 200

    run(scenario())


@pytest.mark.parametrize("sent", [0, 10, len(PAGE)], ids=["nothing", "half a head", "no goodbye"])
def test_who_keeps_the_server_waiting_makes_room_for_a_newcomer_the_longest_first(run: Run, sent: int) -> None:
    async def scenario() -> None:
        async with serving(patience=2 * PATIENCE) as where:
            clients = [await connect(where) for _ in range(MAX_CONNECTIONS)]
            for _, writer in clients:
                writer.write(PAGE[:sent])
            while not await served(where):
                await asyncio.sleep(0.05)
            (first, _), (last, to_last) = clients[0], clients[-1]
            with suppress(ConnectionResetError):
                await asyncio.wait_for(first.read(-1), PATIENCE)
            to_last.write(PAGE[sent:])
            assert status_of(await last.readline()) == 200
            for _, writer in clients:
                await hang_up(writer)

    run(scenario())


async def served(where: Endpoint) -> bool:
    try:
        return status_of(await exchange(where, PAGE)) == 200
    except OSError:  # refused before it had sent its request
        return False


def test_a_flood_is_answered_or_refused_and_ends(run: Run) -> None:
    async def scenario() -> None:
        async with serving() as where:
            answers = await asyncio.gather(*(served(where) for _ in range(3 * MAX_CONNECTIONS)))
            assert answers.count(True) >= MAX_CONNECTIONS
            assert status_of(await exchange(where, PAGE)) == 200

    run(scenario())


# --- starting and closing ---------------------------------------------------------------------------------


def test_an_address_in_use_is_an_error_that_says_what_helps(run: Run) -> None:
    async def scenario() -> None:
        async with serving() as where:
            with pytest.raises(ListenError) as caught:
                await StatusServer({}).start(str(where))
        assert caught.value.problem == f"cannot listen on {where}: Address already in use"
        assert "another kglb-actors" in caught.value.remedy

    run(scenario())


def test_an_address_of_another_machine_is_an_error_that_says_what_helps(run: Run) -> None:
    async def scenario() -> None:
        with pytest.raises(ListenError, match=r"192\.0\.2\.1:5678.*an address of this machine"):
            await StatusServer({}).start("192.0.2.1:5678")

    run(scenario())


def test_closing_cuts_everybody_off_and_frees_the_port(run: Run) -> None:
    async def scenario() -> None:
        reached = asyncio.Event()

        async def never() -> Answer:
            reached.set()
            await asyncio.sleep(60)
            return plain(200, "too late")

        server = StatusServer({"/page": never})
        where = await server.start("127.0.0.1:0")
        idle_reader, idle = await connect(where)
        busy_reader, busy = await connect(where)
        busy.write(PAGE)
        await reached.wait()
        await server.close()
        assert await idle_reader.read(-1) == b""
        assert await busy_reader.read(-1) == b""
        await hang_up(idle)
        await hang_up(busy)
        again = StatusServer({"/page": page})
        assert await again.start(str(where)) == where
        await again.close()

    run(scenario())


def test_closing_what_was_never_started_is_nothing(run: Run) -> None:
    run(StatusServer({}).close())
