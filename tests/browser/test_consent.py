"""What a person is asked before they meet somebody, by a real browser at a real server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from playwright.async_api import Locator, async_playwright, expect

from relay.config.settings import EngineChoice
from tests.kit.browsers import Invite, Person, at_the_page, meet
from tests.kit.ports import free_port
from tests.kit.servers import Served, serving

NEXT_RULES = "version: 2\n\nBe kind, and come back."

DECLINE = "I am younger, or I don\u2019t agree"

SIZES = [(320, 568), (390, 844), (844, 390), (768, 1024), (1280, 800)]

MISFITS = """() => [...document.querySelectorAll('dialog button, dialog a, dialog label, footer a')]
  .map((it) => [it.textContent, it.getBoundingClientRect()])
  .filter(([, box]) => box.height < 43.5 || box.width < 43.5 || box.left < 0 || box.right > innerWidth + 0.5)
  .map(([name]) => name)
  .concat(document.documentElement.scrollWidth > innerWidth ? ['the page'] : [])"""
"""What a finger misses, and what is cut off."""


class Place:
    """A server that asks, which may end and come back with other rules: its address and its keys stay."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._settings = {
            "port": str(free_port()),
            "state_dir": str(folder),
            "database": "off",
            "consent": "required",
            "site_name": "The Lounge",
            "site_imprint": "https://example.org/imprint",
        }

    def serving(self) -> AbstractAsyncContextManager[Served]:
        return serving(EngineChoice.PACKETS, "relay", None, **self._settings)

    def change_rules(self) -> None:
        file = self._folder / "rules.md"
        file.write_text(NEXT_RULES)
        self._settings["rules_file"] = str(file)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    folder = tmp_path / "state"
    folder.mkdir()
    return Place(folder)


@pytest.fixture
async def served(place: Place) -> AsyncIterator[Served]:
    async with place.serving() as running:
        yield running


def asked(person: Person, title: str = "First, the rules") -> Locator:
    return person.page.get_by_role("dialog", name=title)


async def agree(person: Person, title: str = "First, the rules") -> None:
    await expect(asked(person, title)).to_be_visible()
    await person.page.get_by_role("checkbox", name="I am 18 or older").check()
    await person.button("I agree").click()
    await expect(asked(person, title)).to_have_count(0)


async def sockets(person: Person) -> int:
    count: int = await person.page.evaluate("(window.sockets ?? []).length")
    return count


async def cookies(person: Person) -> list[str]:
    return [each["name"] for each in await person.page.context.cookies()]


async def test_people_agree_once_and_then_meet(served: Served, invite: Invite) -> None:
    red, blue = await asyncio.gather(invite("red"), invite("blue", (390, 844)))
    for person in (red, blue):
        await expect(asked(person)).to_be_visible()
        assert await sockets(person) == 0
        assert await cookies(person) == []
        await person.picture(f"consent_{person.colour}")
        await agree(person)
        await person.is_told("Ready")
    assert await cookies(red) == ["relay"]
    assert await red.page.evaluate("document.cookie") == ""
    await red.page.reload()
    await red.is_told("Ready")
    await expect(red.page.get_by_role("dialog")).to_have_count(0)
    await meet(red, blue)
    assert red.problems == blue.problems == []


async def test_rules_that_changed_between_two_visits_are_asked_about_anew(place: Place, tmp_path: Path) -> None:
    async with async_playwright() as playwright:
        async with place.serving() as served:
            red = at_the_page(playwright, "red", served.url, tmp_path)
            person = await red.__aenter__()
            await agree(person)
            await person.is_told("Ready")
            await person.page.goto("about:blank")
        place.change_rules()
        async with place.serving() as served:
            await person.page.goto(served.url)
            await expect(asked(person, "The rules have changed").get_by_text("Be kind, and come back.")).to_be_visible()
            await person.picture("consent_changed")
            await agree(person, "The rules have changed")
            await person.is_told("Ready")
        await red.__aexit__(None, None, None)


async def test_rules_that_change_while_somebody_is_here_lead_back_to_their_search(place: Place, tmp_path: Path) -> None:
    async with async_playwright() as playwright:
        async with place.serving() as served:
            red = at_the_page(playwright, "red", served.url, tmp_path)
            person = await red.__aenter__()
            await agree(person)
            await person.is_told("Ready")
        place.change_rules()
        async with place.serving():
            # The page connects again by itself, and the server says at Start that it will not search.
            await person.is_told("Ready")
            await person.start()
            await agree(person, "The rules have changed")
            await person.is_told("Looking for a partner")
            assert any('"waiting_for_partner"' in frame for frame in await person.frames_received())
        await red.__aexit__(None, None, None)


async def test_rules_that_change_while_they_are_read_are_shown(place: Place, tmp_path: Path) -> None:
    async with async_playwright() as playwright:
        async with place.serving() as served:
            red = at_the_page(playwright, "red", served.url, tmp_path)
            person = await red.__aenter__()
            await expect(asked(person)).to_be_visible()
        await person.page.get_by_role("checkbox", name="I am 18 or older").check()
        await person.button("I agree").click()
        await expect(person.page.get_by_role("alert")).to_contain_text("did not take your answer")
        place.change_rules()
        async with place.serving():
            await person.button("I agree").click()
            await expect(asked(person, "The rules have changed").get_by_text("Be kind, and come back.")).to_be_visible()
            await agree(person, "The rules have changed")
            await person.is_told("Ready")
        await red.__aexit__(None, None, None)


async def test_who_is_too_young_is_let_go_and_nothing_stays(served: Served, invite: Invite) -> None:
    red = await invite("red")
    await red.button(DECLINE).click()
    title = "Then this is not for you"
    await expect(asked(red, title)).to_be_visible()
    await expect(red.page.get_by_role("heading", name=title)).to_be_focused()
    await red.page.keyboard.press("Escape")
    await expect(asked(red, title)).to_be_visible()
    await red.picture("consent_declined")
    assert await sockets(red) == 0
    assert await cookies(red) == []
    assert await red.page.evaluate("localStorage.length") == 0
    assert red.problems == []


async def test_who_is_forgotten_is_asked_again(served: Served, invite: Invite) -> None:
    red = await invite("red")
    await agree(red)
    await red.is_told("Ready")
    await red.page.get_by_role("link", name="Privacy").click()
    await expect(red.page.get_by_role("heading", name="What is kept, and for how long")).to_be_visible()
    await expect(red.page.get_by_text("Nothing is kept under this code.")).to_be_visible()
    await red.button("Forget me").click()
    await expect(red.page.get_by_text("The cookie is gone")).to_be_visible()
    await expect(red.page.get_by_text("nothing that is kept leads to you")).to_be_visible()
    assert await cookies(red) == []
    await red.picture("privacy")
    await red.page.get_by_role("link", name="Rules").click()
    await expect(red.page.get_by_text("Only adults.")).to_be_visible()
    await red.page.get_by_role("link", name="The Lounge").click()
    await expect(asked(red)).to_be_visible()
    assert red.problems == []


async def test_a_keyboard_is_enough(served: Served, invite: Invite) -> None:
    red = await invite("red")
    await expect(red.page.get_by_role("heading", name="First, the rules")).to_be_focused()
    press = red.page.keyboard.press
    for _ in range(3):
        await press("Escape")
    await press("Tab")
    await expect(red.page.get_by_role("region", name="The rules")).to_be_focused()
    await press("End")
    await expect(red.page.get_by_text("Who breaks these rules")).to_be_in_viewport()
    await press("Tab")
    box = red.page.get_by_role("checkbox", name="I am 18 or older")
    await expect(box).to_be_focused()
    await press("Tab")
    await expect(red.button("I agree")).to_be_focused()
    # What is missing is said, and is where the next key goes.
    await press("Enter")
    await expect(red.page.get_by_role("alert")).to_have_text("To go on, tick that you are 18 or older.")
    await expect(box).to_be_focused()
    await press("Space")
    await press("Tab")
    await press("Enter")
    await red.is_told("Ready")
    assert red.problems == []


async def test_it_fits_every_size_and_moves_nothing(served: Served, invite: Invite) -> None:
    red = await invite("red")
    await expect(asked(red)).to_be_visible()
    for width, height in SIZES:
        await red.page.set_viewport_size({"width": width, "height": height})
        assert await red.page.evaluate(MISFITS) == [], (width, height)
        button = red.button("I agree")
        await button.scroll_into_view_if_needed()
        before = await button.bounding_box()
        await red.page.get_by_role("checkbox", name="I am 18 or older").focus()
        await button.focus()
        await red.page.keyboard.press("Enter")
        assert await button.bounding_box() == before, (width, height)
    for path in ("rules", "privacy"):
        await red.page.goto(served.url + path)
        await expect(red.page.get_by_role("link", name="The Lounge")).to_be_visible()
        for width, height in SIZES:
            await red.page.set_viewport_size({"width": width, "height": height})
            assert await red.page.evaluate(MISFITS) == [], (path, width, height)
