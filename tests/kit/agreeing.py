"""People who agree to the rules, as a browser does: their cookie comes from the server and goes with the handshake."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.cookies import Morsel
from typing import Any

import aiohttp
from yarl import URL

from tests.kit.people import Visitor

CONSENT = "/videochat/consent"
BESIDE = CONSENT[1:]
"""Wherever the page is."""


def browser(port: int) -> aiohttp.ClientSession:
    """One that has never been here, for a server on loopback."""
    return aiohttp.ClientSession(f"http://127.0.0.1:{port}", cookie_jar=aiohttp.CookieJar(unsafe=True))


async def question(client: aiohttp.ClientSession) -> dict[str, Any]:
    """What somebody is asked."""
    async with client.get(BESIDE) as answer:
        assert answer.status == 200
        told: dict[str, Any] = await answer.json()
        return told


async def answer(client: aiohttp.ClientSession, **more: Any) -> tuple[int, str | None]:
    """Agree to what is asked, but for what is said otherwise; the status, and the error's code if it is one."""
    said = {"rules": (await question(client))["rules"], "is_of_age": True, **more}
    async with client.post(BESIDE, json=said) as response:
        code = None if response.status == 204 else (await response.json())["code"]
        return response.status, code


def cookie(client: aiohttp.ClientSession, name: str = "relay") -> Morsel[str] | None:
    """What the browser keeps under this name."""
    return next((each for each in client.cookie_jar if each.key == name), None)


def take(client: aiohttp.ClientSession, value: str, name: str = "relay") -> None:
    """Have the browser keep another one."""
    client.cookie_jar.update_cookies({name: value}, URL(str(client._base_url)))


@asynccontextmanager
async def come(client: aiohttp.ClientSession) -> AsyncIterator[Visitor]:
    """Open the WebSocket with this browser's cookies, be greeted, and leave at the end."""
    async with client.ws_connect("/ws") as socket:
        visitor = Visitor(socket)
        await visitor.hear("connected")
        yield visitor
