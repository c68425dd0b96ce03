"""HTTP as nobody should speak it: the page goes on being served, and nobody holds connections for nothing."""

import asyncio
import contextlib
import socket

import aiohttp
import pytest

from relay.app import Relay
from relay.config.settings import EngineChoice, Settings
from relay.front import handover
from relay.machine.capacity import CONNECTIONS_PER_PERSON
from relay.observe.drops import Drop
from relay.web import guests, server
from tests.kit.people import PATIENCE, until, visit
from tests.kit.servers import on_loopback, running
from tests.kit.wire import status_of, wire

ORDINARY = b"GET /videochat/health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
UPGRADE = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
MOST_UNANSWERED = 32 << 20
"""Bytes of questions: what the system buffers between two ends on loopback, with room."""
KEY = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"


def request(line: bytes, *headers: bytes, body: bytes = b"") -> bytes:
    return b"\r\n".join([line, b"Host: localhost", b"Connection: close", *headers, b"", body])


@pytest.mark.parametrize(
    ("text", "answers"),
    [
        (request(b"GET /../../../etc/passwd HTTP/1.1"), {404}),
        (request(b"GET /assets/../../../../etc/passwd HTTP/1.1"), {403, 404}),
        (request(b"GET /assets/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd HTTP/1.1"), {403, 404}),
        (request(b"GET /assets/..%2f..%2f..%2fpyproject.toml HTTP/1.1"), {403, 404}),
        (request(b"GET /assets/..%5c..%5cpyproject.toml HTTP/1.1"), {403, 404}),
        (request(b"GET /assets//etc/passwd HTTP/1.1"), {403, 404}),
        (request(b"GET /assets/%00 HTTP/1.1"), {400, 403, 404}),
        (request(b"GET /assets/" + b"a" * 5_000 + b" HTTP/1.1"), {404}),
        (request(b"GET /assets HTTP/1.1"), {403, 404}),
        (request(b"GET /assets/..%2findex.html HTTP/1.1"), {404}),
        (request(b"GET /index.html.br HTTP/1.1"), {404}),
        (request(b"GET / HTTP/1.1", b"Accept-Encoding: " + b"br;q=0,gzip;q=0," * 400), {200, 503}),
        (request(b"GET / HTTP/1.1", b"Accept-Encoding: *;q=nan, ;;==, \xff"), {200, 400, 503}),
        (request(b"GET / HTTP/1.1", b'If-None-Match: "a, W/", *, "' + b'"x",' * 400), {200, 304, 400, 503}),
        (request(b"GET /" + b"a" * 20_000 + b" HTTP/1.1"), {400, 414}),
        (request(b"BREW / HTTP/1.1"), {400, 405, 501}),
        (request(b"TRACE / HTTP/1.1"), {405}),
        (request(b"DELETE /videochat/rooms HTTP/1.1"), {405}),
        (request(b"CONNECT elsewhere:443 HTTP/1.1"), {400, 404, 405}),
        (request(b"GET http://elsewhere/ HTTP/1.1"), {200, 400, 404, 503}),
        (request(b"GET / HTTP/9.9"), {400, 505}),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n", {400}),
        (request(b"GET / HTTP/1.1", b"Broken header"), {400}),
        (request(b"GET / HTTP/1.1", b"X: " + b"a" * 20_000), {400, 431}),
        (request(b"GET / HTTP/1.1", *(b"X-%d: 1" % number for number in range(1_000))), {400, 431}),
        (request(b"POST / HTTP/1.1", b"Content-Length: 1", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"), {400}),
        (request(b"POST / HTTP/1.1", b"Content-Length: -1"), {400}),
        (request(b"POST /videochat/cleanup HTTP/1.1", b"Content-Length: 9999999999"), {401, 403, 413}),
        (request(b"GET /ws HTTP/1.1"), {400, 426}),
        (b"GET /ws HTTP/1.1\r\nHost: localhost\r\n" + UPGRADE + b"\r\n", {400}),
        (b"GET /ws HTTP/1.1\r\nHost: localhost\r\nOrigin: https://elsewhere\r\n" + UPGRADE + KEY + b"\r\n", {403}),
        (b"GET /ws HTTP/1.1\r\nHost: localhost\r\nOrigin: null\r\n" + UPGRADE + KEY + b"\r\n", {403}),
        (
            b"GET /ws HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost.elsewhere\r\n" + UPGRADE + KEY + b"\r\n",
            {403},
        ),
        (b"GET /ws HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost:1\r\n" + UPGRADE + KEY + b"\r\n", {403}),
    ],
)
async def test_nonsense_is_refused_and_tells_nothing(relay: Relay, text: bytes, answers: set[int]) -> None:
    assert await status_of(relay.port, text) in answers
    assert await status_of(relay.port, ORDINARY) == 200


async def test_an_answer_to_nonsense_repeats_none_of_it(relay: Relay) -> None:
    async with wire(relay.port) as raw:
        await raw.send(request(b"GET /<script>alert(1)</script> HTTP/1.1", b"X-Echo: <script>"))
        answer = await raw.rest()
    assert b"script>" not in answer
    assert b"Traceback" not in answer
    assert b"nosniff" in answer


async def test_headers_that_never_end_are_not_waited_for(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guests, "REQUEST_TIMEOUT", 0.3)
    monkeypatch.setattr(guests, "WATCH_INTERVAL", 0.05)
    async with contextlib.AsyncExitStack() as stack:
        slow = [await stack.enter_async_context(wire(relay.port)) for _ in range(20)]
        for raw in slow:
            await raw.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        for number in range(20):
            await asyncio.gather(*(raw.send(b"X-%d: 1\r\n" % number) for raw in slow))
            await asyncio.sleep(0.03)
        for raw in slow:
            await raw.rest()
    assert relay.drops[Drop.TCP_SILENT] >= 20
    # Who has asked may stay.
    async with visit(relay.port) as visitor:
        await asyncio.sleep(0.5)
        await visitor.say("find_partner")
        await visitor.hear("waiting_for_partner")


async def test_a_second_request_that_never_ends_is_not_waited_for_either(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "KEEPALIVE", 0.3)
    async with running(settings), wire(settings.network.port) as raw:
        await raw.send(ORDINARY.replace(b"Connection: close\r\n", b""))
        await raw.send(b"GET / HTTP/1.1\r\nX: ")
        assert (await raw.rest()).startswith(b"HTTP/1.1 200")


class TestOneAddress:
    @pytest.fixture
    def settings(self, engine: EngineChoice) -> Settings:
        return on_loopback(engine=engine, max_per_address=2)

    async def test_holds_only_so_many_connections_and_newcomers_get_the_places_of_idle_ones(self, relay: Relay) -> None:
        most = 2 * CONNECTIONS_PER_PERSON
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(most):
                raw = await stack.enter_async_context(wire(relay.port))
                await raw.send(ORDINARY.replace(b"Connection: close\r\n", b""))
                assert await raw.reader.readuntil(b"\r\n\r\n")
            for _ in range(50):
                assert await status_of(relay.port, ORDINARY) == 200
                assert len(relay._guests) <= most
            assert relay.drops[Drop.TCP_CROWDED] >= 1
        await until(lambda: not relay._guests)

    async def test_who_is_visiting_makes_no_room_for_who_is_not(self, relay: Relay) -> None:
        async with visit(relay.port) as visitor:
            async with contextlib.AsyncExitStack() as stack:
                for _ in range(3 * CONNECTIONS_PER_PERSON):
                    raw = await stack.enter_async_context(wire(relay.port))
                    await raw.send(ORDINARY.replace(b"Connection: close\r\n", b""))
                    assert await raw.reader.readuntil(b"\r\n\r\n")
            await visitor.say("find_partner")
            await visitor.hear("waiting_for_partner")


async def test_a_flood_of_connections_leaves_none_behind(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guests, "WATCH_INTERVAL", 0.05)
    elsewhere = aiohttp.TCPConnector(local_addr=("127.0.0.2", 0))
    async with visit(relay.port) as visitor, aiohttp.ClientSession(connector=elsewhere) as client:
        for _ in range(20):
            statuses = await asyncio.gather(*(status_of(relay.port, ORDINARY) for _ in range(50)))
            assert set(statuses) <= {0, 200}
        await visitor.say("find_partner")
        await visitor.hear("waiting_for_partner")
        watched = relay._guests
        await until(lambda: len(watched) == 1)
        async with client.get(f"http://127.0.0.1:{relay.port}/videochat/health/live") as answer:
            assert answer.status == 200


async def test_who_asks_and_reads_nothing_is_cut_off_and_fills_nothing(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handover, "UNREAD_TIMEOUT", 1.0)
    monkeypatch.setattr(guests, "WATCH_INTERVAL", 0.05)
    question = ORDINARY.replace(b"Connection: close\r\n", b"") * 100
    loop = asyncio.get_running_loop()
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        deaf.setblocking(False)
        await loop.sock_connect(deaf, ("127.0.0.1", relay.port))
        asked = 0
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(PATIENCE):
                while True:
                    asked += len(question)
                    await loop.sock_sendall(deaf, question)
        assert asked < MOST_UNANSWERED
        await until(lambda: not relay._guests)
    assert await status_of(relay.port, ORDINARY) == 200
