"""Behind real nginx and HAProxy, as people configure them: who is counted as whom, whatever visitors write
themselves."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from relay.app import Relay
from relay.config import ForwardedHeader, Settings
from relay.web.operator_token import ATTEMPTS
from tests.conftest import free_port
from tests.kit.proxies import HAPROXY, NGINX, haproxy, nginx
from tests.scenario.visitor import PATIENCE

TOKEN = "a token of the operator"
MOST = 3
PROXY = "127.0.0.1"
ANN, BOB = "127.0.0.21", "127.0.0.22"

README = ["the README's", "the README's HAProxy"]
NAMES = ["x-forwarded-for is added to", "x-forwarded-for is written", "option forwardfor", *README]
"""Configurations that name visitors in `X-Forwarded-For`."""
PASSES = ["send-proxy", "send-proxy-v2"]
"""Configurations that name them by the PROXY protocol."""
SILENT = ["nothing but proxy_pass", "upgrade and host", "mode http", "mode tcp"]
"""Configurations that name nobody. The first passes no WebSocket on."""


def lies(number: int) -> dict[str, str]:
    """Headers of a visitor who wants to be somebody else each time."""
    somebody = f"198.51.100.{number}"
    return {"X-Forwarded-For": f"{somebody}, {BOB}", "Forwarded": f"for={somebody}", "X-Real-IP": somebody}


def proxy(name: str, folder: Path, backend: int) -> AbstractAsyncContextManager[int]:
    return nginx(folder, backend, name) if name in NGINX else haproxy(folder, backend, name)


class Place:
    """The proxy's port, and the relay behind it."""

    def __init__(self, port: int, relay: Relay) -> None:
        self.port = port
        self.relay = relay

    @asynccontextmanager
    async def somebody(self, address: str) -> AsyncIterator[aiohttp.ClientSession]:
        """Who comes from this address."""
        connector = aiohttp.TCPConnector(local_addr=(address, 0), family=socket.AF_INET)
        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        async with aiohttp.ClientSession(
            f"http://127.0.0.1:{self.port}", connector=connector, timeout=timeout
        ) as session:
            yield session

    async def let_in(self, address: str, amount: int, *, lying: bool = False) -> int:
        """How many of so many WebSockets from one address are, at the same time."""
        greeted = 0
        async with AsyncExitStack() as stack:
            session = await stack.enter_async_context(self.somebody(address))
            for number in range(amount):
                headers = lies(number) if lying else {}
                visit = await stack.enter_async_context(session.ws_connect("/ws", headers=headers, timeout=_brief()))
                async with asyncio.timeout(PATIENCE):
                    greeted += (await visit.receive_json())["event"] == "connected"
        return greeted

    async def guess(self, address: str, amount: int, *, lying: bool = False) -> list[int]:
        """The answers to so many wrong tokens."""
        answers = []
        async with self.somebody(address) as session:
            for number in range(amount):
                headers = {"Authorization": "Bearer a wrong token", **(lies(number) if lying else {})}
                async with session.get("/videochat/overview", headers=headers) as response:
                    answers.append(response.status)
        return answers

    async def status(self, address: str, path: str, **headers: str) -> int:
        async with self.somebody(address) as session, session.get(path, headers=headers) as response:
            return response.status


def _brief() -> aiohttp.ClientWSTimeout:
    return aiohttp.ClientWSTimeout(ws_close=1.0)


@asynccontextmanager
async def behind(
    name: str, folder: Path, *, trusted: bool, header: ForwardedHeader = ForwardedHeader.X_FORWARDED_FOR
) -> AsyncIterator[Place]:
    settings = Settings(
        port=free_port(),
        bind=(PROXY,),
        public_address=(PROXY,),
        operator_token=TOKEN,
        max_per_address=MOST,
        trusted_proxies=(PROXY,) if trusted else (),
        forwarded_header=header,
        max_cpu=1.0,
        max_lag=60.0,
    )
    relay = Relay(settings)
    await relay.start()
    try:
        async with proxy(name, folder, settings.port) as port:
            yield Place(port, relay)
    finally:
        await relay.stop()


GUESSES = [401] * ATTEMPTS + [429] * 2


@pytest.mark.parametrize("lying", [False, True])
@pytest.mark.parametrize("name", [*NAMES, *PASSES])
async def test_each_visitor_of_a_trusted_proxy_has_limits_of_their_own(
    name: str, tmp_path: Path, *, lying: bool
) -> None:
    async with behind(name, tmp_path, trusted=True) as place:
        for address in (ANN, BOB):
            assert await place.let_in(address, MOST + 2, lying=lying) == MOST
        assert await place.guess(ANN, len(GUESSES), lying=lying) == GUESSES
        assert await place.guess(BOB, 1, lying=lying) == [401]
        assert await place.status(ANN, "/videochat/overview", Authorization=f"Bearer {TOKEN}") == 200


@pytest.mark.parametrize("lying", [False, True])
async def test_forwarded_is_read_where_it_is_what_the_proxy_writes(tmp_path: Path, *, lying: bool) -> None:
    async with behind("forwarded is written", tmp_path, trusted=True, header=ForwardedHeader.FORWARDED) as place:
        for address in (ANN, BOB):
            assert await place.let_in(address, MOST + 1, lying=lying) == MOST
        assert await place.guess(ANN, len(GUESSES), lying=lying) == GUESSES


@pytest.mark.parametrize("lying", [False, True])
@pytest.mark.parametrize("name", [*NAMES, *SILENT[1:], "forwarded is written"])
async def test_the_visitors_of_a_proxy_that_is_not_trusted_are_one(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], *, lying: bool
) -> None:
    async with behind(name, tmp_path, trusted=False) as place:
        assert await place.let_in(ANN, MOST + 2, lying=lying) == MOST
        assert await place.guess(ANN, len(GUESSES), lying=lying) == GUESSES
        assert await place.guess(BOB, 1, lying=lying) == [429]
        assert await place.status(BOB, "/videochat/overview", Authorization=f"Bearer {TOKEN}") == 200
    written = capsys.readouterr().out
    assert written.count("proxy_not_trusted") == (name not in SILENT or lying)


@pytest.mark.parametrize("name", [name for name in SILENT[1:] if name != "mode tcp"])
async def test_the_visitors_of_a_trusted_proxy_that_names_nobody_are_one(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with behind(name, tmp_path, trusted=True) as place:
        assert await place.let_in(ANN, MOST + 2) == MOST
        assert await place.guess(ANN, ATTEMPTS) == [401] * ATTEMPTS
        assert await place.guess(BOB, 1) == [429]
    assert capsys.readouterr().out.count("proxy_names_nobody") == 1


@pytest.mark.parametrize("trusted", [False, True])
@pytest.mark.parametrize("name", [name for name in (*NGINX, *HAPROXY) if name not in (*PASSES, "another host")])
async def test_metrics_are_closed(name: str, tmp_path: Path, *, trusted: bool) -> None:
    async with behind(name, tmp_path, trusted=trusted) as place:
        claims = {"X-Forwarded-For": "127.0.0.1", "Forwarded": "for=127.0.0.1"}
        assert await place.status(ANN, "/metrics") == 401
        assert await place.status(ANN, "/metrics", **claims) == 401
        assert await place.status(ANN, "/metrics", Authorization=f"Bearer {TOKEN}") == 200


@pytest.mark.parametrize("name", [*NAMES, *SILENT[1:], "forwarded is written"])
async def test_our_page_connects_and_another_does_not(name: str, tmp_path: Path) -> None:
    async with behind(name, tmp_path, trusted=True) as place, place.somebody(ANN) as session:
        scheme = "https" if name == "the README's HAProxy" else "http"
        async with session.ws_connect("/ws", origin=f"{scheme}://127.0.0.1:{place.port}", timeout=_brief()) as visit:
            assert (await visit.receive_json())["event"] == "connected"
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await session.ws_connect("/ws", origin="https://evil.example")


async def test_where_the_proxy_says_that_there_is_no_tls_a_page_with_it_is_another(tmp_path: Path) -> None:
    async with behind("x-forwarded-for is written", tmp_path, trusted=True) as place, place.somebody(ANN) as session:
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await session.ws_connect("/ws", origin=f"https://127.0.0.1:{place.port}")


async def test_a_proxy_that_passes_no_websocket_on_is_told_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with behind("nothing but proxy_pass", tmp_path, trusted=False) as place, place.somebody(ANN) as session:
        async with session.get("/") as response:
            assert response.status in (200, 503)
        for origin in (None, f"http://127.0.0.1:{place.port}"):
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await session.ws_connect("/ws", origin=origin)
    written = capsys.readouterr().out
    assert "websocket_not_passed_on" in written
    assert "origin_refused" in written


async def test_a_name_that_an_untrusted_proxy_passes_on_is_refused_and_the_remedy_is_logged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with behind("upgrade and host", tmp_path, trusted=False) as place:
        assert await place.status(ANN, "/", Host="chat.example") == 421
    assert "RELAY_TRUSTED_PROXIES" in capsys.readouterr().out
    async with behind("option forwardfor", tmp_path, trusted=True) as place:
        assert await place.status(ANN, "/videochat/health", Host="chat.example") == 200
