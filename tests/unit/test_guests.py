"""Who is waited for, of those whose connection an HTTP server serves."""

import asyncio
import contextlib
import socket

import pytest
from aiohttp import web

from relay.ledger.turns import Turns
from relay.observe.drops import Drop, Drops
from relay.observe.journal import Journal
from relay.web import guests as guests_module
from relay.web.guests import Guest, Guests
from relay.web.metered import Metered
from tests.kit.payers import payer

PATIENCE = 5.0
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
ANSWER = b"HTTP/1.1 204"


async def answer(request: web.BaseRequest) -> web.Response:
    return web.Response(status=204)


async def ask(end: socket.socket) -> bytes:
    """What comes for a request; nothing where the connection has ended."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(PATIENCE):
        with contextlib.suppress(ConnectionError):
            await loop.sock_sendall(end, REQUEST)
            return await loop.sock_recv(end, 65_536)
    return b""


async def test_who_has_asked_may_be_silent_and_who_has_not_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(task: str, failure: BaseException) -> None:
        raise AssertionError(task) from failure

    monkeypatch.setattr(guests_module, "WATCH_INTERVAL", 0.01)
    loop, turns, drops = asyncio.get_running_loop(), Turns(), Drops()
    guests = Guests(most=2, most_per_address=2, drops=drops, journal=Journal(), report=fail)
    server = web.Server(answer)
    with contextlib.ExitStack() as ends:

        async def come() -> socket.socket:
            here, there = socket.socketpair()
            there.setblocking(False)
            ends.enter_context(there)
            protocol = server()
            metered = Metered(protocol, payer(), turns)
            guest = Guest("192.0.2.1", metered, protocol)
            metered.ended = lambda: guests.leave(guest)
            assert guests.enter(guest)
            guest.transport, _ = await loop.connect_accepted_socket(lambda: metered, here)
            return there

        asks, silent = await come(), await come()
        assert (await ask(asks)).startswith(ANSWER)
        # From now on both have taken too long.
        monkeypatch.setattr(guests_module, "REQUEST_TIMEOUT", 0.0)
        async with asyncio.timeout(PATIENCE):
            with contextlib.suppress(ConnectionError):
                assert await loop.sock_recv(silent, 1) == b""
        assert (await ask(asks)).startswith(ANSWER)
        assert (drops[Drop.TCP_SILENT], len(guests)) == (1, 1)
        await guests.close()
        await server.shutdown(0.1)
        turns.close()
