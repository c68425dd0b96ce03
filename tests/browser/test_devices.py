"""Camera and microphone: asked for when the person starts, each for itself, and watched as long as they are open."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Playwright, async_playwright, expect

from tests.browser.devices import LIVE_DEVICES, service_of
from tests.browser.looks import look
from tests.kit.browsers import FAKE_DEVICES, FAKE_PERMISSION, Invite, Person, at_the_page, meet, see_each_other
from tests.kit.servers import Served

WAITS_FOR_AN_ANSWER = """() => {
  const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  window.questions = 0;
  const answered = new Promise((resolve) => { window.answer = resolve; });
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    window.questions += 1;
    await answered;
    return open(wanted);
  };
}"""
"""A person who takes their time: no headless Chromium shows its question."""

MISSING = """() => {
  const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    if (wanted[window.missing]) throw new DOMException('', window.missing_as ?? 'NotFoundError');
    return open(wanted);
  };
  window.missing = 'KIND';
}"""
"""A browser whose device of one kind cannot be opened. Chromium's fake devices come in pairs."""

MUTE = """async ([kind, muted]) => {
  const track = window.given.findLast((each) => each.kind === kind);
  Object.defineProperty(track, 'muted', { value: muted, configurable: true });
  track.dispatchEvent(new Event(muted ? 'mute' : 'unmute'));
}"""
"""What a system does to a microphone during a phone call. Nothing does it to a fake one."""


@asynccontextmanager
async def _visit(
    playwright: Playwright,
    colour: str,
    url: str,
    folder: Path,
    script: str = LIVE_DEVICES,
    flags: Sequence[str] = (*FAKE_DEVICES, *FAKE_PERMISSION),
) -> AsyncIterator[Person]:
    async with at_the_page(playwright, colour, url, folder, script=script, flags=flags) as person:
        yield person


async def _set_permission(person: Person, name: str, setting: str) -> None:
    browser = person.page.context.browser
    assert browser is not None
    session = await browser.new_browser_cdp_session()
    contexts = (await session.send("Target.getBrowserContexts"))["browserContextIds"]
    for context in contexts:
        await session.send(
            "Browser.setPermission",
            {"permission": {"name": name}, "setting": setting, "browserContextId": context},
        )


async def test_nobody_is_asked_before_they_start(served: Served, tmp_path: Path) -> None:
    """And while the browser asks, the page shows what it asks."""
    script = f"() => {{ ({WAITS_FOR_AN_ANSWER})(); ({LIVE_DEVICES})(); }}"
    async with (
        async_playwright() as playwright,
        _visit(playwright, "red", served.url, tmp_path, script, FAKE_DEVICES) as red,
        _visit(playwright, "blue", served.url, tmp_path) as blue,
    ):
        await expect(red.page.get_by_text("Start asks for your camera and microphone")).to_be_visible()
        await look(red, "landing_closed")
        assert await red.page.evaluate("window.questions") == 0
        await red.start()
        await red.is_told("Allow camera and microphone to begin")
        await look(red, "browser_asks")
        for name in ("camera", "microphone"):
            await _set_permission(red, name, "granted")
        await red.page.evaluate("window.answer()")
        await red.is_told("Looking for a partner")
        await blue.start()
        await see_each_other(red, blue)


async def test_who_allowed_it_before_sees_themselves_at_once(served: Served, tmp_path: Path) -> None:
    async with async_playwright() as playwright, _visit(playwright, "red", served.url, tmp_path) as red:
        for name in ("camera", "microphone"):
            await _set_permission(red, name, "granted")
        await red.page.wait_for_function("() => window.given.length >= 2")
        await expect(red.page.get_by_label("Your video", exact=True)).to_be_visible()


@pytest.mark.parametrize(("kind", "words"), [("video", "No camera was found"), ("audio", "No microphone was found")])
async def test_who_lacks_one_talks_with_the_other(served: Served, tmp_path: Path, kind: str, words: str) -> None:
    script = f"() => {{ ({LIVE_DEVICES})(); ({MISSING.replace('KIND', kind)})(); }}"
    async with (
        async_playwright() as playwright,
        _visit(playwright, "red", served.url, tmp_path, script) as red,
        _visit(playwright, "blue", served.url, tmp_path) as blue,
    ):
        await meet(red, blue)
        await red.sees("blue")
        if kind == "video":
            await expect(blue.page.get_by_text("Their camera is off")).to_be_visible()
            assert await blue.hears() > 0
        else:
            await blue.sees("red")
            await expect(blue.page.get_by_text("Your partner is muted")).to_be_visible()
        await red.button("Stop").click()
        await red.is_told(words)
        await look(red, f"without_{kind}")


async def test_the_microphone_that_was_picked_is_the_one_that_is_opened(served: Served, tmp_path: Path) -> None:
    """At once, and at the next visit."""
    flags = ("--use-fake-device-for-media-stream=device-count=3", *FAKE_PERMISSION)
    async with async_playwright() as playwright, _visit(playwright, "red", served.url, tmp_path, flags=flags) as red:
        picker = red.page.get_by_role("combobox", name="Microphone")
        await picker.select_option("Fake Audio Input 2")
        picked = await picker.locator("option", has_text="Fake Audio Input 2").get_attribute("value")
        assert picked is not None
        for _ in range(2):
            await red.page.wait_for_function(
                "() => window.given.findLast(({ kind }) => kind === 'audio')?.label === 'Fake Audio Input 2'"
            )
            await expect(picker).to_have_value(picked)
            await red.page.reload()


async def test_a_refusal_keeps_nobody_out_and_goes_when_it_is_taken_back(served: Served, tmp_path: Path) -> None:
    async with (
        async_playwright() as playwright,
        _visit(playwright, "red", served.url, tmp_path, flags=FAKE_DEVICES) as red,
        _visit(playwright, "blue", served.url, tmp_path) as blue,
    ):
        for name in ("camera", "microphone"):
            await _set_permission(red, name, "denied")
        await red.start()
        await red.is_told("Camera and microphone were not allowed")
        await red.start()
        await red.is_told("Looking for a partner")
        await blue.start()
        await red.sees("blue")
        await expect(blue.page.get_by_text("Their camera is off")).to_be_visible()
        # The person finds the settings, and nothing more has to be pressed.
        for name in ("camera", "microphone"):
            await _set_permission(red, name, "granted")
        await blue.sees("red")
        await expect(blue.page.get_by_text("Your partner is muted")).to_have_count(0)


async def test_a_permission_that_is_taken_away_is_named(served: Served, tmp_path: Path) -> None:
    async with (
        async_playwright() as playwright,
        _visit(playwright, "red", served.url, tmp_path, flags=FAKE_DEVICES) as red,
        _visit(playwright, "blue", served.url, tmp_path) as blue,
    ):
        for name in ("camera", "microphone"):
            await _set_permission(red, name, "granted")
        await meet(red, blue)
        await see_each_other(red, blue)
        await _set_permission(red, "camera", "denied")
        await red.is_told("Your camera is not allowed any more")
        await expect(blue.page.get_by_text("Their camera is off")).to_be_visible()
        await _set_permission(red, "camera", "granted")
        await red.is_told("You are talking")
        await blue.sees("red")


async def test_a_microphone_that_the_system_mutes_is_off_on_both_sides(served: Served, tmp_path: Path) -> None:
    async with (
        async_playwright() as playwright,
        _visit(playwright, "red", served.url, tmp_path) as red,
        _visit(playwright, "blue", served.url, tmp_path) as blue,
    ):
        await meet(red, blue)
        await see_each_other(red, blue)
        await red.page.evaluate(MUTE, ["audio", True])
        await red.is_told("Your microphone is turned off by your system")
        await expect(blue.page.get_by_text("Your partner is muted")).to_be_visible()
        await look(red, "microphone_muted_by_system")
        await red.page.evaluate(MUTE, ["audio", False])
        await red.is_told("You are talking")
        await expect(blue.page.get_by_text("Your partner is muted")).to_have_count(0)


@pytest.mark.slow
async def test_a_camera_whose_service_stands_still_is_off_on_both_sides(served: Served, tmp_path: Path) -> None:
    """Chromium's own capture service, stopped: it gives no frame any more, and the browser tells nothing of it."""
    async with AsyncExitStack() as stack:
        playwright = await stack.enter_async_context(async_playwright())
        red = await stack.enter_async_context(_visit(playwright, "red", served.url, tmp_path))
        blue = await stack.enter_async_context(_visit(playwright, "blue", served.url, tmp_path))
        await meet(red, blue)
        await see_each_other(red, blue)
        service = await service_of(red, "video_capture.mojom.VideoCaptureService")
        os.kill(service, signal.SIGSTOP)
        try:
            await red.is_told("Your camera is turned off by your system")
            await expect(blue.page.get_by_text("Their camera is off")).to_be_visible()
        finally:
            os.kill(service, signal.SIGCONT)
        await red.is_told("You are talking")
        await blue.sees("red")


async def test_another_mode_is_chosen_while_the_browser_asks(invite: Invite) -> None:
    red, blue = await asyncio.gather(invite("red"), invite("blue"))
    for person in (red, blue):
        await person.page.get_by_role("radio", name="Audio only").check()
    await meet(red, blue)
    assert await red.hears() > 0
