"""A relay behind a real proxy, and people who come to it from addresses of their own."""

import asyncio
import datetime
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
from aiohttp import ClientWSTimeout

from relay import config
from relay.app import Relay
from relay.config.settings import Settings
from relay.front.self_signed import self_signed
from tests.kit.ports import free_port
from tests.kit.proxies import proxy, variables
from tests.kit.servers import running

PATIENCE = 10.0
PROXY = "127.0.0.1"
ANN, BOB = "127.0.0.21", "127.0.0.22"
BRIEF = ClientWSTimeout(ws_close=1.0)
TOKEN = "a token of the operator"
OPERATOR = {"Authorization": f"Bearer {TOKEN}"}
MOST = 3
"""Visitors from one address."""


def lies(number: int) -> dict[str, str]:
    """Headers of a visitor who wants to be somebody else each time."""
    somebody = f"198.51.100.{number}"
    return {"X-Forwarded-For": f"{somebody}, {BOB}", "Forwarded": f"for={somebody}", "X-Real-IP": somebody}


class Place:
    """Where the proxy has the page, and the relay behind it."""

    def __init__(self, url: str, relay: Relay) -> None:
        self.url = url
        """Without a slash at the end."""
        self.relay = relay

    @property
    def origin(self) -> str:
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    @asynccontextmanager
    async def somebody(self, address: str) -> AsyncIterator[aiohttp.ClientSession]:
        """Who comes from this address."""
        connector = aiohttp.TCPConnector(local_addr=(address, 0), family=socket.AF_INET, ssl=False)
        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        async with aiohttp.ClientSession(
            self.url + "/", connector=connector, timeout=timeout, cookie_jar=aiohttp.CookieJar(unsafe=True)
        ) as session:
            yield session

    async def let_in(self, address: str, amount: int, *, lying: bool = False) -> int:
        """How many of so many WebSockets from one address are, at the same time."""
        greeted = 0
        async with AsyncExitStack() as stack:
            session = await stack.enter_async_context(self.somebody(address))
            for number in range(amount):
                headers = lies(number) if lying else {}
                visit = await stack.enter_async_context(session.ws_connect("ws", headers=headers, timeout=BRIEF))
                async with asyncio.timeout(PATIENCE):
                    greeted += (await visit.receive_json())["event"] == "connected"
        return greeted

    async def guess(self, address: str, amount: int, *, lying: bool = False) -> list[int]:
        """The answers to so many wrong tokens."""
        answers = []
        async with self.somebody(address) as session:
            for number in range(amount):
                headers = {"Authorization": "Bearer a wrong token", **(lies(number) if lying else {})}
                async with session.get("videochat/overview", headers=headers) as response:
                    answers.append(response.status)
        return answers

    async def status(self, address: str, path: str, **headers: str) -> int:
        async with self.somebody(address) as session, session.get(path, headers=headers) as response:
            return response.status


@asynccontextmanager
async def behind(
    name: str,
    folder: Path,
    settings: Settings,
    *,
    port: int | None = None,
    changes: Mapping[str, str] | None = None,
) -> AsyncIterator[Place]:
    """A relay with these settings behind the proxy of that name."""
    async with running(settings) as relay, proxy(name, folder, settings.network.port, port, changes) as url:
        yield Place(url, relay)


def behind_it(settings: Settings) -> Settings:
    """With a port of its own, and so that those who share the test's process are no reason to refuse anybody."""
    return settings.but(
        port=free_port(),
        bind=(PROXY,),
        public_address=(PROXY,),
        operator_token=TOKEN,
        max_per_address=MOST,
        max_cpu=1.0,
        max_lag=60.0,
    )


def recipe_settings(recipe: str, folder: Path) -> Settings:
    """The settings that the recipe names, with the ports and files of this test."""
    certificate, key = self_signed(folder, (), datetime.datetime.now(datetime.UTC))
    changed = {
        "RELAY_TLS_CERT": str(certificate),
        "RELAY_TLS_KEY": str(key),
        "RELAY_MEDIA_PORT": str(free_port()),
        "RELAY_PUBLIC_TCP_PORT": str(free_port()),
    }
    written = {name: changed.get(name, value) for name, value in variables(recipe).items()}
    return behind_it(config.load(written).settings)


def by_recipe(
    recipe: str, folder: Path, settings: Settings | None = None, changes: Mapping[str, str] | None = None
) -> AbstractAsyncContextManager[Place]:
    """The relay and the proxy as this recipe has them."""
    settings = settings or recipe_settings(recipe, folder)
    return behind(recipe, folder, settings, port=settings.network.public_tcp_port, changes=changes)
