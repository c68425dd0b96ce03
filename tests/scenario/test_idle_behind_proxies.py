"""Ten minutes in which nobody says a word, behind every recipe of `docker/proxies` at once. One who was there still is,
and hears what is said then.

`test_proxy_recipes.py` has the short form: proxies that lose patience after two seconds.
"""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from relay.protocol.messages import Role
from tests.kit.behind import ANN, BOB, BRIEF, Place, by_recipe
from tests.kit.people import PATIENCE, Camera, MediaVisitor, Visitor, introduce
from tests.kit.proxies import RECIPES

IDLE = 600.0
"""Seconds."""
ALONE = "127.0.0.23"
"""Who has not pressed Start is the quietest: nobody counts on them, so they are only pinged every 20 s."""


async def sit(visitor: Visitor, seconds: float) -> None:
    """Do what a page does by itself while its visitor does nothing."""
    try:
        async with asyncio.timeout(seconds):
            while True:
                assert (await visitor.socket.receive_json())["event"] == "ping"
                await visitor.say("pong")
    except TimeoutError:
        pass


async def idle(recipe: str, folder: Path, seconds: float) -> None:
    """Two write, two see each other, and one is alone: all say nothing for so long, and then everything."""
    async with by_recipe(recipe, folder) as place, AsyncExitStack() as stack:
        writers = await come(place, ANN, stack), await come(place, BOB, stack)
        await introduce(*writers, mode="text")
        seen = await come(place, ANN, stack), await come(place, BOB, stack)
        people = [MediaVisitor(visitor, 0, sources={Role.CAMERA: Camera(60, rate=2)}) for visitor in seen]
        for person in people:
            stack.push_async_callback(person.close)
            await person.connect()
        await introduce(*seen)
        alone = await come(place, ALONE, stack)

        await asyncio.gather(*(sit(visitor, seconds) for visitor in (*writers, *seen, alone)))

        for one, other in (writers, seen):
            await one.say("chat_message", id="late", text="Are you still there?")
            assert (await other.hear("chat_message"))["text"] == "Are you still there?"
        for person in people:
            track = person.received(Role.PARTNER_CAMERA)
            async with asyncio.timeout(PATIENCE):
                await track.recv()
        await alone.say("find_partner", mode="text")
        await alone.hear("waiting_for_partner")


async def come(place: Place, address: str, stack: AsyncExitStack) -> Visitor:
    session = await stack.enter_async_context(place.somebody(address))
    socket: aiohttp.ClientWebSocketResponse = await stack.enter_async_context(
        session.ws_connect("ws", max_msg_size=0, timeout=BRIEF)
    )
    visitor = Visitor(socket)
    await visitor.hear("connected")
    return visitor


@pytest.mark.slow
@pytest.mark.usefixtures("loopback_candidates")
async def test_who_says_nothing_for_ten_minutes_is_still_there(tmp_path: Path) -> None:
    folders = {recipe: tmp_path / recipe for recipe in RECIPES}
    for folder in folders.values():
        folder.mkdir()
    async with asyncio.TaskGroup() as group:
        for recipe, folder in folders.items():
            group.create_task(idle(recipe, folder, IDLE), name=recipe)
