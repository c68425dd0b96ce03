"""The page at /check, opened outside: it tells each way that is open and each that is not."""

from pathlib import Path

from playwright.async_api import async_playwright, expect

from tests.kit.browsers import CHROMIUM, FLAGS, OUTPUT
from tests.network.conftest import ENGINE, Connect
from tests.network.internet import SERVER
from tests.network.processes import serving

URL = f"http://{SERVER}:8080/check"
SIZES = {"desktop": (1280, 800), "phone": (390, 844)}


async def test_the_check_page_tells_that_udp_is_blocked_and_tcp_is_not(connect: Connect, tmp_path: Path) -> None:
    internet = connect(ipv6=False)
    internet.forbid("udp_blocked")
    async with serving(internet, **ENGINE) as server, async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=internet.wrapper("ann", CHROMIUM, tmp_path),
            ignore_default_args=["--headless", "--mute-audio"],
            # As over HTTPS: otherwise the browser remarks on headers that it ignores.
            args=[*FLAGS, f"--unsafely-treat-insecure-origin-as-secure=http://{SERVER}:8080"],
        )
        page = await browser.new_page()
        problems: list[str] = []
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        await page.goto(URL)
        await expect(page.get_by_role("status")).to_contain_text("works from here, over TCP", timeout=20_000)
        told = [await row.inner_text() for row in await page.get_by_role("listitem").all()]
        for words, row in zip(("Works, ", "Blocked", "Works, ", "without TLS"), told, strict=True):
            assert words in row, told
        OUTPUT.mkdir(exist_ok=True)
        for name, (width, height) in SIZES.items():
            await page.set_viewport_size({"width": width, "height": height})
            assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
            await page.screenshot(path=OUTPUT / f"check_{name}.png")
        assert problems == []
        await browser.close()
        assert (await server.stats())["rooms"] == 0
