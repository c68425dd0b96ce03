"""Browsers that lack a part, or throw: the page says what is the matter, and offers what works."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from playwright.async_api import Playwright, async_playwright, expect

from tests.browser.devices import LIVE_DEVICES
from tests.browser.looks import look
from tests.kit.browsers import TONE_TOLERANCE, Person, at_the_page, meet, see_each_other
from tests.kit.cameras import TONES
from tests.kit.servers import Served

NO_WEBRTC = "() => { delete window.RTCPeerConnection; }"
PART_OF_WEBRTC = "() => { delete RTCPeerConnection.prototype.addTransceiver; }"
THROWS_LATE = """() => {
  RTCPeerConnection.prototype.addTransceiver = () => { throw new TypeError('Failed to execute addTransceiver'); };
}"""
NO_ENCODINGS = """() => {
  const add = RTCPeerConnection.prototype.addTransceiver;
  RTCPeerConnection.prototype.addTransceiver = function (kind, init) {
    if (init && 'sendEncodings' in init) throw new TypeError('sendEncodings');
    return add.call(this, kind, init);
  };
}"""
SOCKETS_BARRED = """() => {
  const Plain = window.WebSocket;
  window.WebSocket = class { constructor() { throw new DOMException('The operation is insecure.', 'SecurityError'); } };
  window.unbar = () => { window.WebSocket = Plain; };
}"""
OTHER_PICTURES = """() => {
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (frame) {
    return send.call(this, frame.replace(/ (VP8|H264|VP9|AV1)\\/90000/g, ' H266/90000'));
  };
}"""
"""No codec for pictures that the relay knows."""


async def _visit(
    stack: AsyncExitStack, playwright: Playwright, colour: str, url: str, folder: Path, script: str
) -> Person:
    both = f"() => {{ ({script})(); ({LIVE_DEVICES})(); }}"
    return await stack.enter_async_context(at_the_page(playwright, colour, url, folder, script=both))


async def _writes(one: Person, other: Person) -> None:
    await other.page.get_by_role("radio", name="Text only").check()
    await meet(one, other)
    await one.write("hello")
    await other.chat.get_by_text("hello").wait_for()


@pytest.mark.parametrize("script", [NO_WEBRTC, PART_OF_WEBRTC, THROWS_LATE], ids=["none", "a part", "throws"])
async def test_without_webrtc_text_is_offered_and_no_camera_is_on(served: Served, tmp_path: Path, script: str) -> None:
    async with async_playwright() as playwright, AsyncExitStack() as stack:
        red = await _visit(stack, playwright, "red", served.url, tmp_path, script)
        blue = await _visit(stack, playwright, "blue", served.url, tmp_path, "() => {}")
        await red.is_told("This browser cannot hold video calls")
        assert not await red.page.evaluate("window.given.some((track) => track.readyState === 'live')")
        if script == NO_WEBRTC:
            await look(red, "no_webrtc")
        await red.button("Chat by text instead").click()
        await _writes(red, blue)


async def test_a_browser_without_encodings_holds_a_call(served: Served, tmp_path: Path) -> None:
    async with async_playwright() as playwright, AsyncExitStack() as stack:
        red = await _visit(stack, playwright, "red", served.url, tmp_path, NO_ENCODINGS)
        blue = await _visit(stack, playwright, "blue", served.url, tmp_path, "() => {}")
        await meet(red, blue)
        await see_each_other(red, blue)


async def test_a_browser_that_opens_no_websocket_says_so(served: Served, tmp_path: Path) -> None:
    async with async_playwright() as playwright, AsyncExitStack() as stack:
        red = await _visit(stack, playwright, "red", served.url, tmp_path, SOCKETS_BARRED)
        await red.is_told("This browser cannot connect to the server")
        await look(red, "sockets_barred")
        await red.page.evaluate("window.unbar()")
        await red.button("Try again").click()
        await red.is_told("Ready")
        await expect(red.button("Start")).to_be_enabled()


async def test_a_browser_whose_pictures_nobody_knows_is_heard(served: Served, tmp_path: Path) -> None:
    async with async_playwright() as playwright, AsyncExitStack() as stack:
        red = await _visit(stack, playwright, "red", served.url, tmp_path, OTHER_PICTURES)
        blue = await _visit(stack, playwright, "blue", served.url, tmp_path, "() => {}")
        await meet(red, blue)
        assert abs(await red.hears() - TONES["blue"]) < TONE_TOLERANCE
        assert abs(await blue.hears() - TONES["red"]) < TONE_TOLERANCE
        assert red.problems == []
