"""The operator's console as the operator has it: its figures, and pictures of it at a desk and on a phone."""

from pathlib import Path
from typing import Any, Literal

import aiohttp
from playwright.async_api import async_playwright

from tests.kit.browsers import CHROMIUM, FLAGS

DESK, PHONE = (1280, 900), (390, 844)
LOOKS: tuple[tuple[str, tuple[int, int], Literal["light", "dark"]], ...] = (
    ("", DESK, "light"),
    ("_phone", PHONE, "light"),
    ("_dark", DESK, "dark"),
    ("_phone_dark", PHONE, "dark"),
)


class Console:
    """What its page asks for."""

    def __init__(self, client: aiohttp.ClientSession, port: int, token: str) -> None:
        self._client = client
        self._url = f"http://127.0.0.1:{port}/videochat/overview"
        self._headers = {"Authorization": f"Bearer {token}"}

    async def overview(self) -> dict[str, Any]:
        async with self._client.get(self._url, headers=self._headers) as response:
            response.raise_for_status()
            overview: dict[str, Any] = await response.json()
        return overview


async def photograph(port: int, token: str, folder: Path, name: str) -> None:
    """Log in, and keep a picture at each size, in light and dark: what is seen first, and `_whole`."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            for suffix, (width, height), scheme in LOOKS:
                page = await browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
                await page.goto(f"http://localhost:{port}/operator")
                await page.locator("input[type=password]").fill(token)
                await page.get_by_role("button", name="Open").click()
                await page.get_by_role("region", name="Rooms").wait_for()
                await page.wait_for_timeout(500)
                await page.screenshot(path=folder / f"{name}{suffix}.png")
                await page.screenshot(path=folder / f"{name}{suffix}_whole.png", full_page=True)
                await page.close()
        finally:
            await browser.close()
