"""Real browsers behind real proxies, by HTTPS and HTTP/2: at a name of its own, and in a folder of a site."""

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import async_playwright, expect

from relay.config.settings import EngineChoice
from tests.kit.browsers import CHROMIUM, FAKE_DEVICES, FAKE_PERMISSION, FLAGS, at_the_page
from tests.kit.ports import free_port
from tests.kit.proxies import proxy, variables
from tests.kit.servers import serving

TOKEN = "a token of the operator"
ANY_CERTIFICATE = "--ignore-certificate-errors"

RECIPES = ["haproxy.cfg", "Caddyfile", "nginx-folder.conf", "haproxy-folder.cfg"]
"""Each program, a folder that is taken off and one that is not. HAProxy has WebSockets come by HTTP/2 (RFC 8441)."""


@pytest.mark.parametrize("recipe", RECIPES)
async def test_two_people_meet_and_the_other_pages_work_too(engine: EngineChoice, tmp_path: Path, recipe: str) -> None:
    named = variables(recipe)
    async with (
        serving(
            engine,
            operator_token=TOKEN,
            trusted_proxies=named["RELAY_TRUSTED_PROXIES"],
            base_path=named.get("RELAY_BASE_PATH", "/"),
            media_port=str(free_port()),
        ) as served,
        proxy(recipe, tmp_path, served.port) as place,
        async_playwright() as playwright,
    ):
        url = place + "/"
        flags = (*FAKE_DEVICES, *FAKE_PERMISSION, ANY_CERTIFICATE)
        async with (
            at_the_page(playwright, "red", url, tmp_path, flags=flags) as red,
            at_the_page(playwright, "blue", url, tmp_path, flags=flags) as blue,
        ):
            await asyncio.gather(red.start(), blue.start())
            await asyncio.gather(red.sees("blue"), blue.sees("red"))
            assert [asked for asked in red.requests if not asked.startswith(url)] == []
            assert red.problems == blue.problems == []
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, ANY_CERTIFICATE])
        page = await browser.new_page()
        await page.goto(place)
        assert page.url == url
        await page.goto(url + "check")
        await expect(page.get_by_role("status")).to_contain_text("works from here", timeout=20_000)
        await page.goto(url + "operator")
        await page.locator("input[type=password]").fill(TOKEN)
        await page.get_by_role("button", name="Open").click()
        await page.get_by_role("region", name="Rooms").wait_for()
        await browser.close()
