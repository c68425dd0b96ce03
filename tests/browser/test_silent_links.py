"""A WebSocket whose way is gone without a close: the page notices by itself, whatever it was doing."""

import asyncio
import time
from pathlib import Path

import pytest
from playwright.async_api import async_playwright

from tests.browser.wire import wire_to
from tests.kit.browsers import Person, at_the_page, meet
from tests.kit.servers import Served

WITHIN = 10.0
"""Seconds after which nobody is told any more that they talk, or that somebody is looked for."""

DIALLED = "(before) => window.sockets.length > before"


async def _only_write(*people: Person) -> None:
    for person in people:
        await person.page.get_by_role("radio", name="Text only").check()


async def _dials_again(person: Person) -> float:
    """How long it takes until the page opens another WebSocket."""
    began = time.monotonic()
    await person.page.wait_for_function(DIALLED, arg=await person.page.evaluate("window.sockets.length"))
    return time.monotonic() - began


async def test_who_talks_by_text_goes_on_over_another_link(served: Served, tmp_path: Path) -> None:
    async with (
        wire_to(served.port) as wire,
        async_playwright() as playwright,
        at_the_page(playwright, "red", f"http://localhost:{wire.port}/", tmp_path) as red,
        at_the_page(playwright, "blue", served.url, tmp_path) as blue,
    ):
        await _only_write(red, blue)
        await meet(red, blue)
        wire.lose_the_way()
        await red.write("is anybody there?")
        took = await _dials_again(red)
        print(f"silence noticed by the page after {took:.1f} s")
        assert took < WITHIN
        await blue.chat.get_by_text("is anybody there?").wait_for()
        await asyncio.gather(red.is_told("You are talking"), blue.is_told("You are talking"))
        await blue.write("yes")
        await red.chat.get_by_text("yes").wait_for()
        assert await red.chat.get_by_text("is anybody there?").count() == 1


@pytest.mark.slow
async def test_who_waits_is_in_the_queue_again(served: Served, tmp_path: Path) -> None:
    async with (
        wire_to(served.port) as wire,
        async_playwright() as playwright,
        at_the_page(playwright, "red", f"http://localhost:{wire.port}/", tmp_path) as red,
        at_the_page(playwright, "blue", served.url, tmp_path) as blue,
    ):
        await _only_write(red, blue)
        await red.start()
        await red.is_told("Looking for a partner")
        wire.lose_the_way()
        assert await _dials_again(red) < WITHIN
        await red.is_told("Looking for a partner")
        await blue.start()
        await asyncio.gather(red.is_told("You are talking"), blue.is_told("You are talking"))


@pytest.mark.slow
async def test_start_into_nothing_is_made_good(served: Served, tmp_path: Path) -> None:
    """The way went while nobody counted on the page, so that nobody noticed."""
    async with (
        wire_to(served.port) as wire,
        async_playwright() as playwright,
        at_the_page(playwright, "red", f"http://localhost:{wire.port}/", tmp_path) as red,
        at_the_page(playwright, "blue", served.url, tmp_path) as blue,
    ):
        await _only_write(red, blue)
        await red.is_told("Ready")
        wire.lose_the_way()
        await red.start()
        assert await _dials_again(red) < WITHIN
        await blue.start()
        await asyncio.gather(red.is_told("You are talking"), blue.is_told("You are talking"))
