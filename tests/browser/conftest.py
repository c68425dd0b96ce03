"""Real browsers at a real server, each in a process of its own."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from playwright.async_api import async_playwright

from relay.config.settings import EngineChoice
from tests.kit.browsers import Invite, Person, at_the_page
from tests.kit.servers import Served, serving


@pytest.fixture
async def served(engine: EngineChoice) -> AsyncIterator[Served]:
    """A running server for one test."""
    async with serving(engine) as running:
        yield running


@pytest.fixture
async def invite(served: Served, tmp_path: Path) -> AsyncIterator[Invite]:
    """Opens the page in a new browser: `await invite("red")`."""
    async with async_playwright() as playwright, AsyncExitStack() as browsers:

        async def open_page(colour: str, viewport: tuple[int, int] = (1280, 800)) -> Person:
            return await browsers.enter_async_context(at_the_page(playwright, colour, served.url, tmp_path, viewport))

        yield open_page
