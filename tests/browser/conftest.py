"""Real browsers at a real server, each in a process of its own."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import IO

import aiohttp
import pytest
from playwright.async_api import async_playwright

from relay.config.settings import EngineChoice
from tests.browser.person import Person, at_the_page
from tests.conftest import free_port

Invite = Callable[..., Awaitable[Person]]


class Served:
    """`relay serve` in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.port = port
        self.url = f"http://localhost:{port}/"

    def cpu_seconds(self) -> float:
        """User and system time of the process so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def serving(
    engine: EngineChoice = EngineChoice.PACKETS, module: str = "relay", log: IO[bytes] | None = None, **settings: str
) -> AsyncIterator[Served]:
    """A server as a self-hoster starts it, on loopback; it must end within five seconds of Ctrl-C.

    `settings` are by name and as written in the environment; `module` may do more than `relay`.
    What it logs goes to `log`, if there is one.
    """
    port = int(settings.pop("port", free_port()))
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("RELAY_")},
        "RELAY_PORT": str(port),
        "RELAY_PUBLIC_ADDRESS": "127.0.0.1",
        "RELAY_ENGINE": engine.value,
        "RELAY_METRICS_ALLOW": "127.0.0.1,::1",
        **{f"RELAY_{name.upper()}": value for name, value in settings.items()},
    }
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", module, "serve", env=environment, stderr=log)
    try:
        served = Served(process, port)
        await _answers(served)
        yield served
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        async with asyncio.timeout(5):
            assert await process.wait() == 0


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


async def _answers(served: Served) -> None:
    async with asyncio.timeout(60), aiohttp.ClientSession() as client:
        while served.process.returncode is None:
            try:
                # With a certificate of its own the server points to HTTPS.
                async with client.get(served.url + "videochat/health", ssl=False) as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientError:
                await asyncio.sleep(0.05)
    raise AssertionError(f"the server ended with {served.process.returncode}")
