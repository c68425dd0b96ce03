"""The page in a folder of a site, behind a proxy that takes its name off and one that does not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import async_playwright, expect

from relay.config import EngineChoice
from tests.browser.conftest import serving
from tests.browser.person import CHROMIUM, FLAGS, at_the_page
from tests.kit.proxies import nginx

TOKEN = "a token of the operator"


@asynccontextmanager
async def in_a_folder(engine: EngineChoice, folder: Path, *, taken_off: bool) -> AsyncIterator[str]:
    """The address of the page."""
    base_path, name = ("/", "in a folder, taken off") if taken_off else ("/chat/", "in a folder")
    async with (
        serving(engine, operator_token=TOKEN, trusted_proxies="127.0.0.1", base_path=base_path) as served,
        nginx(folder, served.port, name) as port,
    ):
        yield f"http://localhost:{port}/chat/"


@pytest.mark.parametrize("taken_off", [False, True])
async def test_two_people_meet_there_and_the_other_pages_work_too(
    engine: EngineChoice, tmp_path: Path, *, taken_off: bool
) -> None:
    async with in_a_folder(engine, tmp_path, taken_off=taken_off) as url, async_playwright() as playwright:
        async with (
            at_the_page(playwright, "red", url, tmp_path) as red,
            at_the_page(playwright, "blue", url, tmp_path) as blue,
        ):
            await asyncio.gather(red.start(), blue.start())
            await asyncio.gather(red.sees("blue"), blue.sees("red"))
            assert [asked for asked in red.requests if not asked.startswith(url)] == []
            assert red.problems == blue.problems == []
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await browser.new_page()
        await page.goto(url.removesuffix("/"))
        assert page.url == url
        await page.goto(url + "check")
        await expect(page.get_by_role("status")).to_contain_text("works from here", timeout=20_000)
        await page.goto(url + "operator")
        await page.locator("input[type=password]").fill(TOKEN)
        await page.get_by_role("button", name="Open").click()
        await page.get_by_role("region", name="Rooms").wait_for()
        await browser.close()
