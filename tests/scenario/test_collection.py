"""What the garbage collector need not look at."""

import asyncio
import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from relay.app import Orders, Relay, serve
from tests.kit.servers import on_loopback


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    yield
    gc.unfreeze()


async def test_a_server_that_takes_people_has_left_what_stays(tmp_path: Path) -> None:
    orders = Orders(drain=asyncio.Event(), stop=asyncio.Event(), reload=asyncio.Event())
    frozen: list[int] = []

    def serving(relay: Relay) -> None:
        frozen.append(gc.get_freeze_count())
        orders.stop.set()

    async with asyncio.timeout(10):
        await serve(on_loopback(state_dir=str(tmp_path)), orders, serving)
    assert frozen[0] > 10_000
