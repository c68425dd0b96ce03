"""Accounts in a real browser: a passkey of Chromium's virtual authenticator, and a provider at another site."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.browser.looks import AXE, RULES
from tests.kit.browsers import CHROMIUM, FLAGS, OUTPUT, give_authenticator
from tests.kit.oidc import Fault, provider
from tests.kit.servers import Served, serving

SIZES = {"desktop": (1280, 800), "tablet": (768, 1024), "phone": (390, 844)}


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield browser
        finally:
            await browser.close()


async def press(page: Page, name: str) -> None:
    await page.get_by_role("button", name=name, exact=True).click()


async def look(page: Page, name: str) -> None:
    """Keep a screenshot at each size and scheme; nothing is wider than the page, and axe finds nothing to mend."""
    OUTPUT.mkdir(exist_ok=True)
    for size, (width, height) in SIZES.items():
        await page.set_viewport_size({"width": width, "height": height})
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
            await page.screenshot(path=OUTPUT / f"{name}_{size}_{scheme}.png")
        await page.evaluate(AXE.read_text())
        found = await page.evaluate(
            "async (tags) => (await axe.run({ runOnly: tags })).violations.map(({ id, nodes }) => [id, nodes[0].html])",
            RULES,
        )
        assert found == [], (name, size)


async def test_a_passkey_makes_an_account_that_carries_what_was_chosen() -> None:
    async with serving(accounts="optional") as served, chromium() as browser:
        page = await browser.new_page()
        await give_authenticator(page)
        await page.goto(served.url)
        await look(page, "account_offered")
        await press(page, "Sign in")
        await look(page, "account_sign_in")
        await press(page, "I am new: make a passkey")
        await press(page, "Account")
        await page.get_by_label("Nickname").fill("Ann")
        await press(page, "Save")
        await expect(page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
        await look(page, "account_own")
        await press(page, "Close")
        async with page.expect_response(lambda answer: answer.request.method == "PATCH") as kept:
            await page.get_by_role("radio", name="Text only").check()
        assert (await kept.value).status == 204
        # Another device of theirs: nothing is remembered there, but who they are.
        await press(page, "Ann")
        await press(page, "Sign out")
        await page.evaluate("localStorage.clear()")
        await page.reload()
        await expect(page.get_by_role("radio", name="Video")).to_be_checked()
        await press(page, "Sign in")
        await press(page, "Sign in with a passkey")
        await expect(page.get_by_role("button", name="Ann", exact=True)).to_be_visible()
        await expect(page.get_by_role("radio", name="Text only")).to_be_checked()
        await press(page, "Ann")
        await press(page, "Delete account")
        await press(page, "Delete")
        await press(page, "Sign in")
        await press(page, "Sign in with a passkey")
        await expect(page.get_by_role("alert").filter(has_text="This passkey was not accepted.")).to_be_visible()
        await look(page, "account_refused")


async def sign_in_there(page: Page, served: Served) -> None:
    await page.goto(served.url)
    await press(page, "Sign in")
    await press(page, "Sign in with Example")


async def test_somebody_signs_in_at_a_provider_of_another_site() -> None:
    async with provider() as one:
        given: dict[str, Any] = one.settings()
        async with serving(accounts="optional", oidc_name="Example", **given) as served, chromium() as browser:
            page = await browser.new_page()
            await sign_in_there(page, served)
            await expect(page.get_by_role("button", name="Account", exact=True)).to_be_visible()
            assert page.url == served.url
            await page.reload()
            await expect(page.get_by_role("button", name="Account", exact=True)).to_be_visible()
            cookies = await page.context.cookies(served.url)
            shown = {cookie["name"]: (cookie["sameSite"], cookie["httpOnly"]) for cookie in cookies}
            assert shown == {"relay-account": ("Strict", True)}


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault.WRONG_NONCE, "Signing in did not work: what came back was not an answer to what was asked."),
        (Fault.DENIED, "You were not signed in there."),
        (Fault.NO_TOKEN, "Signing in there does not work at the moment."),
    ],
)
async def test_who_is_not_let_in_by_the_provider_reads_why(fault: Fault, words: str) -> None:
    async with provider(faults={fault}) as one:
        given: dict[str, Any] = one.settings()
        async with serving(accounts="optional", oidc_name="Example", **given) as served, chromium() as browser:
            page = await browser.new_page()
            await sign_in_there(page, served)
            await expect(page.get_by_role("alert").filter(has_text=words)).to_be_visible()
            assert page.url == served.url


async def test_where_an_account_is_needed_start_asks_for_one_and_then_people_meet() -> None:
    async with serving(accounts="required") as served, chromium() as browser:
        page = await browser.new_page()
        await give_authenticator(page)
        await page.goto(served.url)
        await page.get_by_role("radio", name="Text only").check()
        await expect(page.get_by_text("Ready")).to_be_visible()
        await press(page, "Start")
        await expect(page.get_by_text("Here people sign in before they meet somebody.")).to_be_visible()
        await look(page, "account_required")
        async with page.expect_navigation():
            await press(page, "I am new: make a passkey")
        await expect(page.get_by_text("Ready")).to_be_visible()
        await press(page, "Start")
        await expect(page.get_by_role("button", name="Stop")).to_be_visible()
        # The server agrees: it searches, and asks for nothing.
        await expect(page.get_by_text("Looking for")).to_be_visible()
