"""Where nothing but TLS gets through, or nothing but TURN, the relay's own TURN carries the call. No coturn runs here,
and but for HTTPS nothing is set.

`test_everywhere.py` has the variant with coturn, `test_long_calls.py` a proxy that has no patience with silence.
"""

import time
from pathlib import Path

import pytest
from playwright.async_api import async_playwright, expect

from tests.network.conftest import Connect, Report, Tell
from tests.network.couples import BOB, Browser, Couple, met
from tests.network.firefox import at_firefox
from tests.network.internet import SERVER
from tests.network.people import at_home
from tests.network.processes import Server, serving
from tests.network.ways import FIREFOX_THROUGH_PROXY, NAMED, PLAIN, THROUGH_PROXY, firewalls, proxies, refuses

AS_HTTP = f"http://{SERVER}:443/"
"""What a middlebox has no reason to let through but that it looks at nothing."""
TURN_PORT = 3478
SOON = 5_000
"""Milliseconds from offer to first frame on a machine that has other things to do. The aim is 1,500."""
GIVES_UP = 60_000
"""Milliseconds until a page says that nothing gets through."""

BROWSERS = pytest.mark.parametrize("browser", list(Browser))


async def is_carried_by(carrier: str, couple: Couple, server: Server, relay: str) -> None:
    """Both browsers and the server say the same, and the picture came soon."""
    for path in couple.paths:
        assert (path["type"], path["relay"]) == ("relay", relay), path
    await server.has_paths({carrier: 2})
    came_soon(couple)


def came_soon(couple: Couple) -> None:
    assert max(timings.offer_to_frame for timings in couple.timings) < SOON


async def the_proxy_insists_on_tls(
    browser: Browser, connect: Connect, certificate: dict[str, str], folder: Path, tell: Tell
) -> None:
    internet = connect(ipv6=False, names=False)
    async with (
        proxies(internet, "--tls") as through,
        serving(internet, port="443", **certificate) as server,
        met(browser, internet, NAMED, folder, through_proxy=True) as couple,
    ):
        tell(f"A CONNECT proxy that insists on TLS, {browser}", couple.timings)
        await is_carried_by("turn_tls", couple, server, "tls")
        await refuses(internet, through, "not TLS", "-px", "{proxy}", AS_HTTP)


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
    """ICE over TCP gets through as well. Browsers take what is there first, and most move to it."""
    internet = connect(ipv6=False)
    internet.forbid("only_tcp_443")
    async with (
        serving(internet, port="443", **certificate) as server,
        met(browser, internet, NAMED, tmp_path, through_proxy=False) as couple,
    ):
        tell(f"Only TCP 443, {browser}", couple.timings)
        assert (await server.stats())["paths"].keys() <= {"tcp", "turn_tls"}
        came_soon(couple)


@BROWSERS
async def test_a_firewall_lets_only_tls_out_to_443(
    connect: Connect, certificate: dict[str, str], tmp_path: Path, tell: Tell, browser: Browser
) -> None:
    internet = connect(ipv6=False)
    async with (
        firewalls(internet, "--tls") as between,
        serving(internet, port="443", **certificate) as server,
        met(browser, internet, NAMED, tmp_path, through_proxy=False) as couple,
    ):
        tell(f"Only TLS to TCP 443, {browser}", couple.timings)
        await is_carried_by("turn_tls", couple, server, "tls")
        await refuses(internet, between, "not TLS", AS_HTTP)


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


async def test_a_proxy_that_lets_only_http_through_tls_leaves_text_to_chromium_and_says_so(
    connect: Connect, certificate: dict[str, str], tmp_path: Path, report: Report
) -> None:
    """Such a proxy goes by the protocols that a ClientHello names (ALPN). For TURN Chromium names none, whatever a page
    asks for. Firefox names HTTP where it uses a proxy."""
    internet = connect(ipv6=False)
    own = [flag.format(router=BOB.router) for flag in THROUGH_PROXY]
    async with (
        proxies(internet, "--http") as through,
        serving(internet, port="443", **certificate) as server,
        async_playwright() as playwright,
        at_firefox(internet, "ann", NAMED, tmp_path, FIREFOX_THROUGH_PROXY) as ann,
        at_home(playwright, internet, "bob", "blue", NAMED, tmp_path, own) as bob,
    ):
        began = time.monotonic()
        await expect(bob.status).to_contain_text("Video could not get through", timeout=GIVES_UP)
        report(f"Only HTTP inside TLS: Chromium's page says so after {time.monotonic() - began:.0f} s")
        await expect(bob.page.get_by_text("text always works")).to_be_visible()
        await refuses(internet, through, "not HTTP", "-kx", "{proxy}", "--no-alpn", NAMED)
        await ann.connected()
        assert (await server.stats())["paths"] == {"turn_tls": 1}

        await ann.press("Text only")
        await ann.press("Start")
        await bob.page.get_by_role("radio", name="Text only").check()
        await bob.start()
        await bob.is_told("You are talking")
        await bob.write("Only words get through")
        await ann.until("() => document.querySelector('[role=log]').textContent.includes('Only words get through')")
