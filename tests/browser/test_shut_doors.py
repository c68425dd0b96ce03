"""A page whose WebSocket does not open says why: the network is not to blame for what a proxy was told."""

from pathlib import Path

import pytest
from playwright.async_api import async_playwright, expect

from tests.kit.browsers import CHROMIUM, FLAGS
from tests.kit.proxies import proxy
from tests.kit.servers import Served, serving

DOORS = {
    "upgrade without host": ("does not serve this address yet", "RELAY_ALLOWED_ORIGINS"),
    "host without upgrade": ("blocks the way to the server", "Upgrade and Connection"),
    "upgrade and host": ("Ready when you are", "Video chat works"),
}


@pytest.mark.parametrize("name", DOORS)
async def test_the_page_and_the_check_page_say_what_keeps_the_socket_shut(
    served: Served, name: str, tmp_path: Path
) -> None:
    status, verdict = DOORS[name]
    async with proxy(name, tmp_path, served.port) as url, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await browser.new_page()
        await page.goto(f"{url}/")
        await expect(page.get_by_role("status").first).to_contain_text(status, timeout=20_000)
        await page.goto(f"{url}/check")
        await expect(page.get_by_role("status")).to_contain_text(verdict, timeout=30_000)
        untried = 0 if "works" in verdict else 3
        await expect(page.get_by_text("Not tried", exact=True)).to_have_count(untried)
        await browser.close()


async def test_a_full_server_is_told_from_a_blocked_one(tmp_path: Path) -> None:
    async with serving(max_people="2") as served, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for _ in range(2):
            await (await browser.new_page()).goto(served.url)
        page = await browser.new_page()
        await page.goto(f"{served.url}check")
        await expect(page.get_by_role("status")).to_contain_text("full", timeout=30_000)
        await browser.close()
