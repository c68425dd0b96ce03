"""Behind real nginx, HAProxy and Caddy, as people configure them: who is counted as whom, whatever visitors write
themselves."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path

import aiohttp
import pytest

from relay.auth.attempts import ATTEMPTS
from relay.config.settings import ForwardedHeader, Settings
from tests.kit import behind as kit
from tests.kit.behind import ANN, BOB, BRIEF, MOST, OPERATOR, PROXY, Place, behind_it
from tests.kit.proxies import HAPROXY, NGINX, PAGE_RECIPES

NAMES = [
    "x-forwarded-for is added to",
    "x-forwarded-for is written",
    "option forwardfor",
    "reverse_proxy",
    *PAGE_RECIPES,
]
"""Configurations that name visitors in `X-Forwarded-For`."""
PASSES = ["send-proxy", "send-proxy-v2"]
"""Configurations that name them by the PROXY protocol."""
SILENT = ["nothing but proxy_pass", "upgrade and host", "mode http", "mode tcp"]
"""Configurations that name nobody. The first passes no WebSocket on."""
HIDE_THE_HOST = ["upgrade without host", "upgrade and $host"]
"""Configurations of nginx that ask for another name or port than the visitor did."""


def behind(
    name: str, folder: Path, *, trusted: bool, header: ForwardedHeader = ForwardedHeader.X_FORWARDED_FOR
) -> AbstractAsyncContextManager[Place]:
    settings = Settings.of(trusted_proxies=(PROXY,) if trusted else (), forwarded_header=header)
    return kit.behind(name, folder, behind_it(settings))


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
        assert await place.status(ANN, "videochat/overview", **OPERATOR) == 200


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
        assert await place.status(BOB, "videochat/overview", **OPERATOR) == 200
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
        assert await place.status(ANN, "metrics") == 401
        assert await place.status(ANN, "metrics", **claims) == 401
        assert await place.status(ANN, "metrics", **OPERATOR) == 200


@pytest.mark.parametrize("name", [*NAMES, *SILENT[1:], "forwarded is written"])
async def test_our_page_connects_and_another_does_not(name: str, tmp_path: Path) -> None:
    async with behind(name, tmp_path, trusted=True) as place, place.somebody(ANN) as session:
        async with session.ws_connect("ws", origin=place.origin, timeout=BRIEF) as visit:
            assert (await visit.receive_json())["event"] == "connected"
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await session.ws_connect("ws", origin="https://evil.example")


@pytest.mark.parametrize("name", HIDE_THE_HOST)
async def test_our_page_is_another_where_the_proxy_hides_its_name_and_the_log_says_why(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with behind(name, tmp_path, trusted=True) as place, place.somebody(ANN) as session:
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await session.ws_connect("ws", origin=place.origin)
    written = capsys.readouterr().out
    assert written.count("origin_refused") == 1
    assert "have it pass on Host" in written


async def test_where_the_proxy_says_that_there_is_no_tls_a_page_with_it_is_another(tmp_path: Path) -> None:
    async with behind("x-forwarded-for is written", tmp_path, trusted=True) as place, place.somebody(ANN) as session:
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await session.ws_connect("ws", origin=place.origin.replace("http", "https"))


async def test_a_proxy_that_passes_no_websocket_on_is_told_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with behind("nothing but proxy_pass", tmp_path, trusted=False) as place, place.somebody(ANN) as session:
        async with session.get("") as response:
            assert response.status in (200, 503)
        for origin in (None, place.origin):
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await session.ws_connect("ws", origin=origin)
    written = capsys.readouterr().out
    assert "websocket_not_passed_on" in written
    assert "origin_refused" in written


async def test_a_name_that_an_untrusted_proxy_passes_on_is_refused_and_the_remedy_is_logged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with behind("upgrade and host", tmp_path, trusted=False) as place:
        assert await place.status(ANN, "", Host="chat.example") == 421
    assert "RELAY_TRUSTED_PROXIES" in capsys.readouterr().out
    async with behind("option forwardfor", tmp_path, trusted=True) as place:
        assert await place.status(ANN, "videochat/health", Host="chat.example") == 200
