"""Each codec between two browsers: colours, movement, and lips in sync."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import async_playwright

from tests.kit.browsers import EXPOSE, at_the_page
from tests.kit.codecs import CODECS, FORCE, SOUND_UNASKED, Evaluate, begin_talking, has_lips_in_sync, is_sent_and_seen
from tests.kit.scene import SCENE
from tests.kit.servers import Served


@asynccontextmanager
async def chromium(served: Served, folder: Path, codec: str) -> AsyncIterator[Evaluate]:
    script = f"() => {{ ({SCENE})(); ({EXPOSE})(); ({FORCE})('{codec}'); }}"
    async with (
        async_playwright() as playwright,
        at_the_page(playwright, "red", served.url, folder, script=script, flags=(SOUND_UNASKED,)) as person,
    ):
        yield person.page.evaluate


@asynccontextmanager
async def two(served: Served, folder: Path, codec: str) -> AsyncIterator[tuple[Evaluate, Evaluate]]:
    async with chromium(served, folder, codec) as one, chromium(served, folder, codec) as other:
        await begin_talking(one, other)
        yield one, other


@pytest.mark.parametrize(
    "codec", ["VP8", *(pytest.param(codec, marks=pytest.mark.slow) for codec in CODECS if codec != "VP8")]
)
async def test_chromium_and_chromium(served: Served, tmp_path: Path, codec: str) -> None:
    async with two(served, tmp_path, codec) as (one, other):
        await is_sent_and_seen(one, other, codec)
        await is_sent_and_seen(other, one, codec)


@pytest.mark.slow
@pytest.mark.parametrize("codec", CODECS)
async def test_sound_and_picture_arrive_together(served: Served, tmp_path: Path, codec: str) -> None:
    async with two(served, tmp_path, codec) as (one, other):
        await is_sent_and_seen(one, other, codec)
        await has_lips_in_sync(one, other)
