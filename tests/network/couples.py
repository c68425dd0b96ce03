"""Ann at Chromium or Firefox, and Bob at Chromium: that each sees the other move, and what carries it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from playwright.async_api import async_playwright

from tests.kit.browsers import Person
from tests.network import people
from tests.network.firefox import FirefoxPerson, at_firefox
from tests.network.internet import HOMES, Internet
from tests.network.people import CONNECT_TIMEOUT, CONNECTED, Timings, ann_and_bob, at_home
from tests.network.ways import FIREFOX_THROUGH_PROXY, THROUGH_PROXY

ANN, BOB = HOMES
DIFFERENT = 10.0
"""Of red, green or blue (0 to 255)."""
PATIENCE = 15.0


class Browser(StrEnum):
    """Ann's."""

    CHROMIUM = "chromium"
    FIREFOX = "firefox"


@dataclass(frozen=True, slots=True)
class Couple:
    """Both see each other."""

    timings: tuple[Timings, Timings]
    paths: tuple[dict[str, Any], dict[str, Any]]
    see_movement: Callable[[], Awaitable[object]]


@asynccontextmanager
async def met(
    browser: Browser, internet: Internet, url: str, folder: Path, *, through_proxy: bool
) -> AsyncIterator[Couple]:
    flags = THROUGH_PROXY if through_proxy else []
    if browser is Browser.CHROMIUM:
        async with ann_and_bob(internet, url, folder, flags) as (ann, bob):
            timings = await people.meet(ann, bob)
            paths = await people.path(ann), await people.path(bob)
            yield Couple(timings, paths, lambda: asyncio.gather(ann.sees_movement(), bob.sees_movement()))
        return
    preferences = FIREFOX_THROUGH_PROXY if through_proxy else {}
    own = [flag.format(router=BOB.router) for flag in flags]
    async with (
        async_playwright() as playwright,
        at_firefox(internet, "ann", url, folder, preferences) as fox,
        at_home(playwright, internet, "bob", "blue", url, folder, own) as bob,
    ):
        timings = await meet_firefox(fox, bob)
        paths = await fox.path(), await people.path(bob)
        yield Couple(timings, paths, lambda: asyncio.gather(fox.sees("blue"), sees_change(bob)))


async def meet_firefox(ann: FirefoxPerson, bob: Person) -> tuple[Timings, Timings]:
    """Pair them, and see that each sees the other move."""
    await asyncio.gather(ann.connected(), bob.page.wait_for_function(CONNECTED, timeout=CONNECT_TIMEOUT))
    await ann.start()
    await bob.start()
    await asyncio.gather(ann.sees("blue"), bob.page.wait_for_function("() => 'frame' in window.marks"))
    await sees_change(bob)
    return await ann.timings(), await people.timings(bob)


async def sees_change(person: Person) -> None:
    """Wait until the partner's picture has other colours: those of Firefox's own camera wander."""
    before = await person.picture_of_partner()
    async with asyncio.timeout(PATIENCE):
        while not _differ(before, await person.picture_of_partner()):  # noqa: ASYNC110 - it is the browser that changes
            await asyncio.sleep(0.1)


def _differ(one: list[float], other: list[float]) -> bool:
    return any(abs(ours - theirs) > DIFFERENT for ours, theirs in zip(one, other, strict=True))
