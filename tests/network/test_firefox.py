"""The same with Firefox at one end and Chromium at the other."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from playwright.async_api import async_playwright

from tests.kit.codecs import CODECS, FORCE, SOUND_UNASKED, begin_talking, has_lips_in_sync, is_sent_and_seen
from tests.kit.scene import SCENE
from tests.network.conftest import ENGINE, NO_TURN, Connect, Tell
from tests.network.couples import meet_firefox
from tests.network.firefox import at_firefox
from tests.network.internet import HOMES, SERVER, Internet
from tests.network.people import WATCH, at_home
from tests.network.processes import Server, serving
from tests.network.ways import FIREFOX_THROUGH_PROXY, PLAIN, SECURE, THROUGH_PROXY, proxies

_, BOB = HOMES


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
        tell(f"{scenario}, Firefox and Chromium", await meet_firefox(ann, bob))
        await server.has_paths({carrier: 2})
        selected = await ann.path()
        assert (selected["protocol"], selected["remote"]) == (carrier, SERVER), selected


async def test_firefox_behind_a_symmetric_nat(connect: Connect, tmp_path: Path, tell: Tell) -> None:
    internet = connect(ipv6=False, symmetric=True)
    async with serving(internet, **ENGINE) as server:
        await meet(internet, server, PLAIN, tmp_path, tell, "Symmetric NATs", "udp")


async def test_firefox_where_udp_is_blocked(connect: Connect, tmp_path: Path, tell: Tell) -> None:
    internet = connect(ipv6=False)
    internet.forbid("udp_blocked")
    async with serving(internet, **NO_TURN, **ENGINE) as server:
        await meet(internet, server, PLAIN, tmp_path, tell, "UDP blocked", "tcp")


async def test_firefox_where_only_an_http_proxy_is_there(
    connect: Connect, certificate: dict[str, str], tmp_path: Path, tell: Tell
) -> None:
    internet = connect(ipv6=False)
    flags = tuple(flag.format(router=BOB.router) for flag in THROUGH_PROXY)
    async with proxies(internet), serving(internet, port="443", **certificate, **NO_TURN, **ENGINE) as server:
        await meet(
            internet, server, SECURE, tmp_path, tell, "Only a CONNECT proxy", "tcp", FIREFOX_THROUGH_PROXY, flags
        )


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
        await ann.is_told("cannot hold video calls")
        await ann.press("Chat by text instead")
        await ann.is_told("Ready")
        await ann.start()
        await ann.is_told("Looking for a partner")
