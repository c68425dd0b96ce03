"""Staff at a real browser, with an authenticator that Chromium plays: coming in, signing in, and showing it again."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, Route, async_playwright, expect

from relay.config.settings import EngineChoice
from tests.kit.browsers import CHROMIUM, FLAGS, OUTPUT, give_authenticator
from tests.kit.servers import Served, serving
from tests.kit.staff import TOKEN, invited_at

SIZES = ((1280, 800), (820, 1180), (390, 844))
"""A laptop, a tablet and a phone."""


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(EngineChoice.FRAMES, operator_token=TOKEN, state_dir=str(tmp_path), consent="off") as running:
        yield running


@pytest.fixture
async def page(served: Served) -> AsyncIterator[Page]:
    """Of a person who has a fingerprint reader."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = await browser.new_context(viewport={"width": 1280, "height": 800})
        page = await context.new_page()
        await give_authenticator(page)
        yield page
        await browser.close()


async def picture(page: Page, name: str) -> None:
    """At each size, and nothing is cut on its sides."""
    OUTPUT.mkdir(exist_ok=True)
    for width, height in SIZES:
        await page.set_viewport_size({"width": width, "height": height})
        overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert overflow <= 0, (name, width)
        await page.screenshot(path=OUTPUT / f"staff-{name}-{width}x{height}.png", full_page=name != "again")
    await page.set_viewport_size({"width": 1280, "height": 800})


async def come_in(page: Page, served: Served, name: str, *roles: str) -> None:
    link = await invited_at(served.url, name, *roles)
    await page.goto(f"{served.url}operator#enrol={link}")
    await expect(page.get_by_role("heading", name=f"Welcome, {name}")).to_be_visible()
    assert link not in page.url


async def test_an_operator_comes_in_signs_in_and_lets_somebody_in(served: Served, page: Page) -> None:
    await come_in(page, served, "Ada", "operator", "auditor")
    await picture(page, "welcome")
    await page.get_by_role("button", name="Make a passkey").click()
    team = page.get_by_role("region", name="Staff")
    await expect(team.get_by_text("1 passkey")).to_be_visible()

    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_visible()
    await picture(page, "sign-in")
    await page.reload()
    await page.get_by_role("button", name="Sign in with a passkey").click()
    await expect(page.get_by_role("region", name="Now")).to_be_visible()

    # A new page finds who is signed in.
    await page.reload()
    await team.get_by_label("Name").fill("Bob")
    await team.get_by_label("Moderator").check()
    await team.get_by_role("button", name="Let in").click()
    await expect(team.get_by_label("For Bob, once")).to_have_value(
        re.compile(re.escape(f"{served.url}operator#enrol=") + r"[\w-]{43}")
    )
    await page.get_by_role("button", name="Look again").click()
    await expect(page.get_by_role("region", name="Audit log").get_by_text("staff added").first).to_be_visible()
    await picture(page, "console")
    await team.get_by_role("button", name="Remove").nth(1).click()
    await team.get_by_role("button", name="Remove").nth(1).click()
    await expect(team.get_by_text("Bob")).to_have_count(0)


async def test_an_auditor_sees_what_was_done_and_nothing_else(served: Served, page: Page) -> None:
    await come_in(page, served, "Kim", "auditor")
    await page.get_by_role("button", name="Make a passkey").click()
    log = page.get_by_role("region", name="Audit log")
    await expect(log.get_by_text("passkey added")).to_be_visible()
    await expect(page.get_by_role("region", name="Rooms")).to_have_count(0)
    await picture(page, "auditor")


async def test_draining_wants_the_passkey_once_more(served: Served, page: Page) -> None:
    await come_in(page, served, "Ada", "operator")
    await page.get_by_role("button", name="Make a passkey").click()
    drain = page.get_by_role("button", name="Drain")
    # The server's clock is its own: its answer is played as it would be after five minutes.
    asked = 0

    async def refuse_once(route: Route) -> None:
        nonlocal asked
        asked += 1
        if asked == 1:
            await route.fulfill(status=403, json={"code": "sign_in_again", "message": "Show once more that it is you."})
        else:
            await route.continue_()

    await page.route("**/videochat/drain", refuse_once)
    await drain.click()
    await drain.click()
    dialog = page.get_by_role("dialog", name="Is it still you?")
    await expect(dialog).to_be_visible()
    await picture(page, "again")
    await dialog.get_by_role("button", name="Use the passkey").click()
    await expect(page.get_by_text("The server takes nobody any more")).to_be_visible()
    await expect(dialog).to_have_count(0)
    assert asked == 2
