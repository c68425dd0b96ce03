"""Where nothing but TLS gets through, or nothing but TURN, the relay's own TURN carries the call. No coturn runs here,
and but for HTTPS nothing is set.

`test_everywhere.py` has the variant with coturn, `test_long_calls.py` a proxy that has no patience with silence.
"""

import asyncio
import time
from collections.abc import Awaitable
from pathlib import Path

import pytest
from playwright.async_api import async_playwright, expect

from tests.network.conftest import Connect, Report, Tell
from tests.network.couples import BOB, Browser, Couple, met
from tests.network.firefox import at_firefox
from tests.network.people import at_home
from tests.network.processes import Program, Server, serving
from tests.network.ways import FIREFOX_THROUGH_PROXY, PLAIN, SECURE, THROUGH_PROXY, firewalls, proxies

TURN_PORT = 3478
SOON = 5_000
"""Milliseconds from offer to first frame on a machine that has other things to do. The aim is 1,500."""
GIVES_UP = 60.0
"""Seconds until a page says that nothing gets through."""
NOT_THROUGH = "Video could not get through"
TEXT_WORKS = "text always works"

BROWSERS = pytest.mark.parametrize("browser", list(Browser))


async def is_carried_by(carrier: str, couple: Couple, server: Server, relay: str | None) -> None:
    """Both browsers and the server say the same, and the picture came soon."""
    for path in couple.paths:
        assert (path["type"] == "relay", path["relay"]) == (relay is not None, relay), path
    assert (await server.stats())["paths"] == {carrier: 2}
    assert max(timings.offer_to_frame for timings in couple.timings) < SOON


async def kept_out(by: list[Program], words: str) -> None:
    """It is they who kept ICE over TCP out, not luck that TURN came first."""
    for program in by:
        await program.has_said(words)


async def seconds(waiting: Awaitable[None]) -> float:
    """How long it took."""
    began = time.monotonic()
    await waiting
    return time.monotonic() - began


async def the_proxy_insists_on_tls(
    browser: Browser, connect: Connect, certificate: dict[str, str], folder: Path, tell: Tell
) -> None:
    internet = connect(ipv6=False)
    async with (
        proxies(internet, "--tls") as through,
        serving(internet, port="443", **certificate) as server,
        met(browser, internet, SECURE, folder, through_proxy=True) as couple,
    ):
        tell(f"A CONNECT proxy that insists on TLS, {browser}", couple.timings)
        await is_carried_by("turn_tls", couple, server, "tls")
        await kept_out(through, "not TLS")


async def test_one_proxy_insists_on_tls(
    connect: Connect, certificate: dict[str, str], tmp_path: Path, tell: Tell
) -> None:
    """The short one."""
    await the_proxy_insists_on_tls(Browser.CHROMIUM, connect, certificate, tmp_path, tell)


async def test_the_proxy_insists_on_tls_and_one_is_at_firefox(
    connect: Connect, certificate: dict[str, str], tmp_path: Path, tell: Tell
) -> None:
    await the_proxy_insists_on_tls(Browser.FIREFOX, connect, certificate, tmp_path, tell)


@BROWSERS
async def test_a_firewall_lets_only_tcp_443_out(
    connect: Connect, certificate: dict[str, str], tmp_path: Path, tell: Tell, browser: Browser
) -> None:
    """ICE over TCP gets through, and is less work than TURN."""
    internet = connect(ipv6=False)
    internet.forbid("only_tcp_443")
    async with (
        serving(internet, port="443", **certificate) as server,
        met(browser, internet, SECURE, tmp_path, through_proxy=False) as couple,
    ):
        tell(f"Only TCP 443, {browser}", couple.timings)
        await is_carried_by("tcp", couple, server, None)


@BROWSERS
async def test_a_firewall_lets_only_tls_out_to_443(
    connect: Connect, certificate: dict[str, str], tmp_path: Path, tell: Tell, browser: Browser
) -> None:
    internet = connect(ipv6=False)
    async with (
        firewalls(internet, "--tls") as between,
        serving(internet, port="443", **certificate) as server,
        met(browser, internet, SECURE, tmp_path, through_proxy=False) as couple,
    ):
        tell(f"Only TLS to TCP 443, {browser}", couple.timings)
        await is_carried_by("turn_tls", couple, server, "tls")
        await kept_out(between, "not TLS")


@BROWSERS
@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_nothing_but_web_pages_and_turn_gets_through(
    connect: Connect, tmp_path: Path, tell: Tell, browser: Browser, transport: str
) -> None:
    """Plain HTTP, and TURN's own port is the one for media. Neither DTLS nor ICE's checks pass but inside TURN."""
    internet = connect(ipv6=False)
    internet.forbid(f"only_turn_over_{transport}")
    async with (
        serving(internet, media_port=str(TURN_PORT), turn_inside="all") as server,
        met(browser, internet, PLAIN, tmp_path, through_proxy=False) as couple,
    ):
        tell(f"Only TURN over {transport}, {browser}", couple.timings)
        await is_carried_by(f"turn_{transport}", couple, server, transport)


async def test_a_proxy_that_lets_only_http_through_tls_leaves_text_and_people_are_told(
    connect: Connect, certificate: dict[str, str], tmp_path: Path, report: Report
) -> None:
    """Browsers name no protocol (ALPN) in the ClientHello of TURN, so such a proxy knows it from HTTP, and nothing that
    a page can ask for changes that."""
    internet = connect(ipv6=False)
    own = [flag.format(router=BOB.router) for flag in THROUGH_PROXY]
    async with (
        proxies(internet, "--http") as through,
        serving(internet, port="443", **certificate) as server,
        async_playwright() as playwright,
        at_firefox(internet, "ann", SECURE, tmp_path, FIREFOX_THROUGH_PROXY) as ann,
        at_home(playwright, internet, "bob", "blue", SECURE, tmp_path, own) as bob,
    ):
        fox, chromium = await asyncio.gather(
            seconds(ann.is_told(NOT_THROUGH, GIVES_UP)),
            seconds(expect(bob.status).to_contain_text(NOT_THROUGH, timeout=GIVES_UP * 1_000)),
        )
        report(f"Only HTTP inside TLS: told so after {fox:.0f} s at Firefox and {chromium:.0f} s at Chromium")
        await expect(bob.page.get_by_text(TEXT_WORKS)).to_be_visible()
        await kept_out(through, "not HTTP")
        await kept_out(through, "not TLS")
        assert (await server.stats())["paths"] == {}

        await ann.press("Text only")
        await ann.press("Start")
        await bob.page.get_by_role("radio", name="Text only").check()
        await bob.start()
        await bob.is_told("You are talking")
        await bob.write("Only words get through")
        await ann.until("() => document.querySelector('[role=log]').textContent.includes('Only words get through')")
