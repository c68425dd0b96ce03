"""Every size of window, zoom, type and pointer: nothing is covered, nothing is cut, and one can write and go on."""

import asyncio
from collections.abc import Iterable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from playwright.async_api import async_playwright, expect

from tests.browser.fitting import misfits
from tests.kit.browsers import FAKE_DEVICES, RECORD_TRAFFIC, Invite, Person, at_the_page, meet, see_each_other
from tests.kit.servers import Served

WIDTHS = (280, 320, 360, 390, 480, 559, 561, 640, 768, 899, 901, 940, 1024, 1100, 1280, 1600, 2560)
HEIGHTS = (200, 256, 300, 380, 439, 441, 480, 568, 664, 844, 1300)

PEOPLE_HAVE = [
    (320, 568),
    (360, 640),
    (375, 667),
    (390, 664),
    (390, 844),
    (412, 915),
    (568, 320),
    (667, 375),
    (844, 390),
    (768, 1024),
    (1024, 768),
    (800, 600),
    (960, 540),
    (1280, 800),
    (1366, 768),
    (1920, 1080),
    (2560, 1440),
]
"""Phones, tablets, laptops at 125 to 150 %, screens."""

ENLARGED_FOUR_TIMES = (320, 256)
"""What is left of 1280x1024 (WCAG 2.2, 1.4.10)."""

LONG_WORDS = "A long answer, so that one sees how several lines fit. " * 3


async def _fits(person: Person, sizes: Iterable[tuple[int, int]]) -> None:
    wrong = {}
    for width, height in sizes:
        await person.page.set_viewport_size({"width": width, "height": height})
        if found := await misfits(person):
            wrong[width, height] = found
    assert wrong == {}


ALL = [(width, height) for width in WIDTHS for height in HEIGHTS]


async def test_a_call_fits_every_window(invite: Invite) -> None:
    red, blue = await asyncio.gather(invite("red"), invite("blue"))
    await red.is_told("Ready")
    await _fits(red, [*PEOPLE_HAVE, ENLARGED_FOUR_TIMES])
    await red.start()
    await red.is_told("Looking for a partner")
    await _fits(red, [*PEOPLE_HAVE, ENLARGED_FOUR_TIMES])
    await blue.start()
    await see_each_other(red, blue)
    await blue.write(LONG_WORDS)
    await blue.button("Mute microphone").click()
    await red.page.get_by_role("textbox", name="Message").fill(LONG_WORDS)
    await _fits(red, ALL)
    await blue.button("Turn camera off").click()
    await red.page.get_by_text("Their camera is off").wait_for(state="attached")
    await _fits(red, ALL)


@pytest.mark.parametrize("mode", ["Audio only", "Text only"])
async def test_so_do_the_other_modes(invite: Invite, mode: str) -> None:
    red, blue = await asyncio.gather(invite("red"), invite("blue"))
    for person in (red, blue):
        await person.page.get_by_role("radio", name=mode).check()
    await red.is_told("Ready")
    await _fits(red, [*PEOPLE_HAVE, ENLARGED_FOUR_TIMES])
    await meet(red, blue)
    await blue.write(LONG_WORDS)
    await _fits(red, ALL)


async def test_that_both_are_muted_is_read_side_by_side(invite: Invite) -> None:
    red, blue = await asyncio.gather(invite("red"), invite("blue"))
    for person in (red, blue):
        await person.page.get_by_role("radio", name="Audio only").check()
    await meet(red, blue)
    for person in (red, blue):
        await person.button("Mute microphone").click()
    signs = [red.page.locator("p", has_text=words) for words in ("Your partner is muted", "Your microphone is off")]
    await signs[0].wait_for()
    for width, height in PEOPLE_HAVE:
        await red.page.set_viewport_size({"width": width, "height": height})
        partners, own = [await sign.bounding_box() for sign in signs]
        assert partners is not None
        assert own is not None
        assert partners["x"] + partners["width"] <= own["x"], (width, height)


async def test_what_stands_in_the_way_and_the_way_out_fit(served: Served, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        playwright = await stack.enter_async_context(async_playwright())
        red = await stack.enter_async_context(
            at_the_page(playwright, "red", served.url, tmp_path, script=RECORD_TRAFFIC, flags=FAKE_DEVICES)
        )
        blue = await stack.enter_async_context(at_the_page(playwright, "blue", served.url, tmp_path))
        await red.page.get_by_role("radio", name="Text only").check()
        await blue.start()
        await blue.is_told("Looking for a partner")
        await red.start()
        await red.is_told("Looking for a partner")
        served.process.terminate()
        for person in (red, blue):
            await expect(person.button("Reconnect now")).to_be_visible(timeout=20_000)
            await _fits(person, [*PEOPLE_HAVE, ENLARGED_FOUR_TIMES, (280, 200), (320, 300), (568, 200)])


async def test_start_is_in_view_after_a_refusal_too(served: Served, tmp_path: Path) -> None:
    """The words about it and their button make the page longer."""
    async with (
        async_playwright() as playwright,
        at_the_page(playwright, "red", served.url, tmp_path, flags=FAKE_DEVICES) as red,
    ):
        await red.start()
        await red.is_told("Camera and microphone were not allowed")
        for width, height in PEOPLE_HAVE:
            if height < 360:
                continue
            await red.page.set_viewport_size({"width": width, "height": height})
            start = await red.button("Start").bounding_box()
            assert start is not None
            assert start["y"] + start["height"] <= height, (width, height)
        await _fits(red, [*PEOPLE_HAVE, ENLARGED_FOUR_TIMES])


@pytest.mark.parametrize("mode", ["Video", "Text only"])
async def test_letters_of_twice_the_size_fit(invite: Invite, mode: str) -> None:
    red, blue = await asyncio.gather(invite("red"), invite("blue"))
    for person in (red, blue):
        await person.page.get_by_role("radio", name=mode).check()
    wire = await red.page.context.new_cdp_session(red.page)
    await wire.send("Page.setFontSizes", {"fontSizes": {"standard": 32, "fixed": 26}})
    sizes = [size for size in PEOPLE_HAVE if min(size) >= 375]
    assert await red.page.evaluate("getComputedStyle(document.body).fontSize") == "32px"
    await red.is_told("Ready")
    await _fits(red, sizes)
    await meet(red, blue)
    await _fits(red, sizes)
    await red.page.set_viewport_size({"width": 1280, "height": 800})
    await red.picture(f"letters_doubled_{mode.split()[0].lower()}")


async def test_a_keyboard_that_lies_over_the_page_covers_nothing_of_a_call(served: Served, tmp_path: Path) -> None:
    # As Safari on a phone does: the window stays, and only the visual viewport tells.
    overlaid = """() => {
      const pretended = Object.assign(new EventTarget(), { height: 664, offsetTop: 0, scale: 1 });
      Object.defineProperty(window, 'visualViewport', { value: pretended });
      window.openKeyboard = () => {
        Object.assign(pretended, { height: 330, offsetTop: 60 });
        pretended.dispatchEvent(new Event('resize'));
      };
    }"""
    async with (
        async_playwright() as playwright,
        at_the_page(playwright, "red", served.url, tmp_path, viewport=(390, 664), script=overlaid) as red,
    ):
        await red.start()
        await red.is_told("Looking for a partner")
        await red.page.evaluate("window.openKeyboard()")
        for part in (red.page.get_by_role("textbox", name="Message"), red.button("Next")):
            box = await part.bounding_box()
            assert box is not None
            assert box["y"] >= 60
            assert box["y"] + box["height"] <= 60 + 330
        assert await misfits(red) == {}


async def test_the_words_about_privacy_are_read_before_start_is_pressed(served: Served, tmp_path: Path) -> None:
    async with (
        async_playwright() as playwright,
        # Who is yet to be asked for a camera has more to read.
        at_the_page(playwright, "red", served.url, tmp_path, flags=FAKE_DEVICES) as red,
    ):
        await red.is_told("Ready")
        for width, height in PEOPLE_HAVE:
            if height < 360:
                continue
            await red.page.set_viewport_size({"width": width, "height": height})
            await red.page.evaluate("scrollTo(0, 0)")
            words = await red.page.get_by_text("Nobody sees or hears you until you are paired").bounding_box()
            start = await red.button("Start").bounding_box()
            assert words is not None
            assert start is not None
            assert words["y"] + words["height"] <= start["y"], (width, height)


async def test_high_contrast_shows_edges_and_choices(invite: Invite) -> None:
    red, blue = await asyncio.gather(invite("red"), invite("blue"))
    await red.page.emulate_media(forced_colors="active")
    await red.is_told("Ready")
    backgrounds = await red.page.evaluate(
        """() => [...document.querySelectorAll('[role=radiogroup] label')]
          .map((label) => getComputedStyle(label).backgroundColor)"""
    )
    assert backgrounds[0] not in backgrounds[1:], backgrounds
    await red.picture("high_contrast_landing")
    await meet(red, blue)
    await see_each_other(red, blue)
    await red.write("hello")
    await blue.write("hello yourself")
    await red.chat.get_by_text("hello yourself").wait_for()
    flat = await red.page.evaluate(
        """() => [...document.querySelectorAll('button')].filter((it) => it.checkVisibility()).filter((it) => {
          const style = getComputedStyle(it);
          return style.borderTopWidth === '0px' || style.borderTopColor === style.backgroundColor;
        }).map((it) => it.textContent)"""
    )
    assert flat == []
    await red.picture("high_contrast_talking")
