"""Every state of the client has words, a way on, and looks right: at three sizes, dark and light."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from playwright.async_api import async_playwright, expect

from tests.browser.looks import look
from tests.browser.wire import wire_to
from tests.kit.browsers import (
    FAKE_DEVICES,
    FAKE_PERMISSION,
    RECORD_TRAFFIC,
    TONE_TOLERANCE,
    Invite,
    Person,
    at_the_page,
    meet,
    see_each_other,
)
from tests.kit.cameras import TONES
from tests.kit.servers import Served, serving

SOUND_AFTER_A_PRESS = ("--autoplay-policy=user-gesture-required",)
"""As browsers are that were not visited before."""

IN_USE = """() => {
  const { mediaDevices } = navigator;
  const open = mediaDevices.getUserMedia.bind(mediaDevices);
  mediaDevices.getUserMedia = () => Promise.reject(new DOMException('Could not start', 'NotReadableError'));
  window.letGo = () => { mediaDevices.getUserMedia = open; };
}"""
"""What Chromium says of a camera that another program holds; no fake camera of its own can be held."""


async def test_the_landing_page_offers_all_modes(invite: Invite) -> None:
    red = await invite("red")
    await red.is_told("Ready")
    await look(red, "landing_video")
    await red.page.get_by_role("radio", name="Audio only").check()
    await red.is_told("Ready")
    await look(red, "landing_audio")
    await red.page.get_by_role("radio", name="Text only").check()
    await red.is_told("Ready")
    await look(red, "landing_text")
    assert red.problems == []


async def test_waiting_talking_and_parting(invite: Invite) -> None:
    red, blue = await asyncio.gather(invite("red"), invite("blue"))
    await red.start()
    await red.is_told("Looking for a partner")
    await look(red, "waiting")
    await blue.start()
    await see_each_other(red, blue)
    await blue.page.get_by_role("textbox", name="Message").press_sequentially("I am wri")
    await red.page.get_by_text("is typing").wait_for()
    await blue.write("I am writing to you")
    await blue.chat.get_by_text("Sent").wait_for()
    await red.chat.get_by_text("I am writing to you").wait_for()
    await red.write("A longer answer, so that one can see how a message of several lines looks on a phone.")
    await look(red, "talking")
    await blue.button("Turn camera off").click()
    await blue.button("Mute microphone").click()
    await red.page.get_by_text("Their camera is off").wait_for()
    await expect(blue.button("Unmute microphone")).to_be_visible()
    await look(red, "partner_dark_and_silent")
    await blue.button("Turn camera on").click()
    await red.sees("blue")
    await blue.button("Stop").click()
    await red.is_told("left")
    await look(red, "searching_on")
    await look(blue, "stopped")
    assert red.problems == blue.problems == []


@pytest.mark.slow
async def test_who_does_not_search_on_is_asked(invite: Invite) -> None:
    red, blue = await asyncio.gather(invite("red"), invite("blue"))
    await red.page.get_by_role("checkbox", name="Search on when my partner leaves").uncheck()
    await meet(red, blue)
    await blue.button("Stop").click()
    await red.is_told("Your partner left")
    await look(red, "parted")
    await red.button("Next").click()
    await red.is_told("Looking for a partner")


async def test_the_keyboard_is_enough(invite: Invite) -> None:
    red, blue, green = await asyncio.gather(invite("red"), invite("blue"), invite("green"))
    await red.is_told("Ready")
    await red.button("Start").focus()
    await red.page.keyboard.press("Enter")
    await blue.start()
    await see_each_other(red, blue)
    await green.start()
    await green.is_told("Looking for a partner")
    # Out of the message box, then the question, then the answer.
    for _ in range(3):
        await red.page.keyboard.press("Escape")
    await red.sees("green")


@pytest.mark.parametrize("mode", ["Audio only", "Text only"])
async def test_people_of_one_mode_meet(invite: Invite, mode: str) -> None:
    red, blue = await asyncio.gather(invite("red"), invite("blue"))
    for person in (red, blue):
        await person.page.get_by_role("radio", name=mode).check()
    await meet(red, blue)
    await red.write("hello")
    await blue.chat.get_by_text("hello").wait_for()
    if mode == "Audio only":
        assert await red.hears() > 0
    await look(red, "talking_" + mode.split()[0].lower())
    assert red.problems == blue.problems == []


async def test_who_cannot_reach_the_server_yet_is_told_so(served: Served, tmp_path: Path) -> None:
    async with (
        wire_to(served.port) as wire,
        async_playwright() as playwright,
    ):
        wire.hold_up_sockets()
        async with at_the_page(playwright, "red", f"http://localhost:{wire.port}/", tmp_path) as red:
            await red.is_told("Connecting to the server")
            await look(red, "connecting")
            await red.start()
            await expect(red.button("Stop")).to_be_visible()
            await look(red, "connecting_after_start")
            wire.let_sockets_through()
            await red.is_told("Looking for a partner")


@pytest.mark.slow
async def test_a_browser_that_plays_no_sound_unasked_asks_for_a_press(served: Served, tmp_path: Path) -> None:
    async with (
        async_playwright() as playwright,
        at_the_page(
            playwright, "red", served.url, tmp_path, flags=(*FAKE_DEVICES, *FAKE_PERMISSION, *SOUND_AFTER_A_PRESS)
        ) as red,
        at_the_page(playwright, "blue", served.url, tmp_path) as blue,
    ):
        await red.start()
        await red.is_told("Looking for a partner")
        # Pressing Start counts as asking for sound, but only for a while.
        await red.page.wait_for_function("() => !navigator.userActivation.isActive", timeout=15_000)
        await blue.start()
        await red.sees("blue")
        await expect(red.button("Turn sound on")).to_be_visible()
        await look(red, "autoplay_refused")
        assert await red.partner.evaluate("(video) => video.muted")
        await red.button("Turn sound on").click()
        await expect(red.button("Turn sound on")).to_have_count(0)
        assert abs(await red.hears() - TONES["blue"]) < TONE_TOLERANCE
        assert not await red.partner.evaluate("(video) => video.muted || video.paused")


class TestWithoutACamera:
    """Browsers that give none."""

    @pytest.fixture
    async def stack(self) -> AsyncExitStack:
        return AsyncExitStack()

    async def _visit(
        self, stack: AsyncExitStack, url: str, folder: Path, *flags: str, script: str = RECORD_TRAFFIC
    ) -> Person:
        playwright = await stack.enter_async_context(async_playwright())
        return await stack.enter_async_context(at_the_page(playwright, "red", url, folder, script=script, flags=flags))

    async def test_a_refusal_says_how_to_allow_it(self, served: Served, stack: AsyncExitStack, tmp_path: Path) -> None:
        async with stack:
            red = await self._visit(stack, served.url, tmp_path, *FAKE_DEVICES)
            await red.start()
            await red.is_told("not allowed")
            await look(red, "camera_refused")
            await red.button("Try again").click()
            await red.is_told("still not allowed")
            await look(red, "camera_still_refused")
            await expect(red.button("Try again")).to_be_visible()

    @pytest.mark.slow
    async def test_a_missing_camera_is_named(self, served: Served, stack: AsyncExitStack, tmp_path: Path) -> None:
        async with stack:
            red = await self._visit(stack, served.url, tmp_path, *FAKE_PERMISSION)
            await red.is_told("No camera or microphone was found")
            await look(red, "camera_none")
            await red.page.get_by_role("radio", name="Text only").check()
            await red.is_told("Ready")

    @pytest.mark.slow
    async def test_a_camera_that_another_program_uses_is_not_waited_for(
        self, served: Served, stack: AsyncExitStack, tmp_path: Path
    ) -> None:
        async with stack:
            red = await self._visit(stack, served.url, tmp_path, *FAKE_DEVICES, *FAKE_PERMISSION, script=IN_USE)
            await red.is_told("is in use")
            await expect(red.page.get_by_role("combobox", name="Camera")).to_contain_text("Not available")
            await look(red, "camera_in_use")
            await red.page.evaluate("window.letGo()")
            await red.button("Try again").click()
            await red.is_told("Ready")

    async def test_an_insecure_page_says_so(self, stack: AsyncExitStack, tmp_path: Path) -> None:
        async with serving(hosts="localhost,chat.example") as served, stack:
            url = served.url.replace("localhost", "chat.example")
            resolve = "--host-resolver-rules=MAP chat.example 127.0.0.1"
            red = await self._visit(stack, url, tmp_path, *FAKE_DEVICES, *FAKE_PERMISSION, resolve)
            await red.is_told("secure")
            await look(red, "camera_insecure")


@pytest.mark.slow
async def test_a_full_server_says_when_to_come_back(tmp_path: Path) -> None:
    async with serving(max_people="2") as served, async_playwright() as playwright, AsyncExitStack() as stack:
        people = [
            await stack.enter_async_context(at_the_page(playwright, colour, served.url, tmp_path))
            for colour in ("red", "green", "blue")
        ]
        await people[2].is_told("The server is full")
        await look(people[2], "server_full")
        await people[0].page.close()
        await people[2].button("Try again").click()
        await people[2].is_told("Ready")


@pytest.mark.slow
async def test_a_lost_server_is_found_again(tmp_path: Path) -> None:
    async with async_playwright() as playwright, AsyncExitStack() as stack:
        async with serving() as served:
            red = await stack.enter_async_context(at_the_page(playwright, "red", served.url, tmp_path))
            await red.is_told("Ready")
        await red.is_told("The server is restarting")
        await look(red, "server_gone")
        await expect(red.button("Reconnect now")).to_be_visible()
        async with serving(port=str(served.port)):
            await red.is_told("Ready")


async def test_nothing_is_asked_of_anyone_else(invite: Invite, served: Served) -> None:
    red, blue = await asyncio.gather(invite("red"), invite("blue"))
    await meet(red, blue)
    for person in (red, blue):
        assert person.requests
        assert all(url.startswith((served.url, "blob:", "data:")) for url in person.requests), person.requests
