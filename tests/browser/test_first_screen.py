"""What is there before any script runs, and what the page makes of it."""

import dataclasses
import json
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect

from tests.bench.first_load import LINKS, load
from tests.kit.browsers import CHROMIUM, FLAGS, Invite
from tests.kit.servers import Served

SIZES = [(390, 844), (1280, 800)]

PLACES = """() => ['h1', 'section', '[role=radiogroup]', 'select', '[type=checkbox]', 'main > div']
  .map((which) => [which, document.querySelector(which).getBoundingClientRect()])
  .map(([which, { left, top, height }]) => [which, left, top, height].join(' '))"""
"""Where the parts of the first screen are."""


async def _places(page: Page) -> list[object]:
    places: list[object] = []
    for width, height in SIZES:
        await page.set_viewport_size({"width": width, "height": height})
        places.append(await page.evaluate(PLACES))
    return places


async def test_the_first_screen_needs_no_script_and_stays_where_it_is(served: Served, invite: Invite) -> None:
    red = await invite("red")
    await red.is_told("Ready")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await browser.new_page()
        await page.route("**/*.js", lambda route: route.abort())
        await page.goto(served.url)
        await expect(page.get_by_role("heading", name="Random video chat")).to_be_visible()
        await expect(page.get_by_text("Nobody sees or hears you until you are paired")).to_be_visible()
        assert await _places(page) == await _places(red.page)
        # What nobody answers yet can't be pressed.
        assert await page.locator("main[inert]").count() == 1
        await page.screenshot(path=Path(__file__).parents[1] / "output/first_screen.png")
        await browser.close()
    assert await red.page.locator("main[inert]").count() == 0
    assert red.problems == []


async def test_without_scripts_the_page_says_why_nothing_happens(served: Served, tmp_path: Path) -> None:
    # As somebody turns them off in Chromium's settings, which its own switches for tests do not.
    (tmp_path / "Default").mkdir()
    settings = {"profile": {"default_content_setting_values": {"javascript": 2}}}
    (tmp_path / "Default/Preferences").write_text(json.dumps(settings))
    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(
            str(tmp_path), executable_path=CHROMIUM, args=FLAGS
        )
        page = await context.new_page()
        await page.goto(served.url)
        await expect(page.locator("noscript")).to_be_visible()
        await page.screenshot(path=Path(__file__).parents[1] / "output/without_scripts.png")
        await context.close()


async def test_the_first_load_weighs_little(served: Served, tmp_path: Path) -> None:
    once = await load(served, LINKS[-1], tmp_path)
    assert once.wire < 50_000


@pytest.mark.slow
async def test_something_is_seen_within_two_seconds_on_a_slow_link(served: Served, tmp_path: Path) -> None:
    # At this machine's own speed, which may be little enough beside other work; and the best of three.
    link = dataclasses.replace(LINKS[0], processor=1)
    loads = [await load(served, link, tmp_path) for _ in range(3)]
    assert min(each.painted for each in loads) < 2_000
