"""The same with Firefox at one end and Chromium at the other."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest
from playwright.async_api import async_playwright

from tests.kit.browsers import START
from tests.kit.codecs import CODECS, FORCE, SOUND_UNASKED, begin_talking, has_lips_in_sync, is_sent_and_seen
from tests.kit.scene import SCENE
from tests.network.conftest import ENGINE, Connect, Tell
from tests.network.firefox import at_firefox
from tests.network.internet import HOMES, SERVER, Internet
from tests.network.people import CONNECT_TIMEOUT, CONNECTED, WATCH, at_home, timings
from tests.network.processes import Server, serving
from tests.network.ways import PLAIN, SECURE, THROUGH_PROXY, proxies

ANN, BOB = HOMES
PROXY: dict[str, object] = {
    "network.proxy.type": 1,
    "network.proxy.http": ANN.router,
    "network.proxy.http_port": 3128,
    "network.proxy.ssl": ANN.router,
    "network.proxy.ssl_port": 3128,
}


async def meet(
    internet: Internet,
    server: Server,
    url: str,
    folder: Path,
    tell: Tell,
    scenario: str,
    carrier: str,
    preferences: Mapping[str, object] | None = None,
    flags: tuple[str, ...] = (),
) -> None:
    async with (
        async_playwright() as playwright,
        at_firefox(internet, "ann", url, folder, preferences or {}) as ann,
        at_home(playwright, internet, "bob", "blue", url, folder, flags) as bob,
    ):
        await asyncio.gather(ann.connected(), bob.page.wait_for_function(CONNECTED, timeout=CONNECT_TIMEOUT))
        await ann.start()
        await bob.start()
        await asyncio.gather(ann.sees("blue"), bob.page.wait_for_function("() => 'frame' in window.marks"))
        tell(f"{scenario}, Firefox and Chromium", (await ann.timings(), await timings(bob)))
        selected = await ann.path()
        assert (selected["protocol"], selected["remote"]) == (carrier, SERVER), selected
        assert (await server.stats())["paths"] == {carrier: 2}


async def test_firefox_behind_a_symmetric_nat(connect: Connect, tmp_path: Path, tell: Tell) -> None:
    internet = connect(ipv6=False, symmetric=True)
    async with serving(internet, **ENGINE) as server:
        await meet(internet, server, PLAIN, tmp_path, tell, "Symmetric NATs", "udp")


async def test_firefox_where_udp_is_blocked(connect: Connect, tmp_path: Path, tell: Tell) -> None:
    internet = connect(ipv6=False)
    internet.forbid("udp_blocked")
    async with serving(internet, **ENGINE) as server:
        await meet(internet, server, PLAIN, tmp_path, tell, "UDP blocked", "tcp")


async def test_firefox_where_only_an_http_proxy_is_there(
    connect: Connect, certificate: dict[str, str], tmp_path: Path, tell: Tell
) -> None:
    internet = connect(ipv6=False)
    flags = tuple(flag.format(router=BOB.router) for flag in THROUGH_PROXY)
    async with proxies(internet), serving(internet, port="443", **certificate, **ENGINE) as server:
        await meet(internet, server, SECURE, tmp_path, tell, "Only a CONNECT proxy", "tcp", PROXY, flags)


@pytest.mark.parametrize("codec", CODECS)
async def test_codec(connect: Connect, tmp_path: Path, codec: str) -> None:
    """Firefox without its OpenH264 plugin has no H264: it sends VP8 instead, and the relay transcodes for it."""
    internet = connect(ipv6=False)
    script = f"() => {{ ({WATCH})(); ({SCENE})(); ({FORCE})('{codec}'); }}"
    async with (
        serving(internet, **ENGINE) as server,
        async_playwright() as playwright,
        at_firefox(internet, "ann", PLAIN, tmp_path, {}, script) as ann,
        at_home(playwright, internet, "bob", "blue", PLAIN, tmp_path, (SOUND_UNASKED,), script) as bob,
    ):
        one, other = ann.evaluate, bob.page.evaluate
        await begin_talking(one, other)
        await is_sent_and_seen(one, other, "VP8" if codec == "H264" else codec)
        await is_sent_and_seen(other, one, codec)
        assert ("no_common_codec" in (await server.stats())["drops"]) == (codec == "H264")
        await has_lips_in_sync(one, other)
        await has_lips_in_sync(other, one)


async def test_firefox_with_webrtc_turned_off_is_told_so_and_writes(connect: Connect, tmp_path: Path) -> None:
    internet = connect(ipv6=False)
    preferences = {"media.peerconnection.enabled": False}
    async with (
        serving(internet, **ENGINE),
        at_firefox(internet, "ann", PLAIN, tmp_path, preferences, script="() => {}") as ann,
    ):
        await ann.until(_is_told("cannot hold video calls"))
        await ann.evaluate(START.replace("'Start'", "'Chat by text instead'"))
        await ann.until(_is_told("Ready"))
        await ann.start()
        await ann.until(_is_told("Looking for a partner"))


def _is_told(words: str) -> str:
    return f"() => document.querySelector('[role=status]').textContent.includes('{words}')"
