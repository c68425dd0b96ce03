"""Each codec between two browsers: colours, movement, and lips in sync."""

import asyncio
import statistics
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from playwright.async_api import async_playwright

from tests.browser.conftest import Served
from tests.browser.person import at_the_page
from tests.browser.scene import BEGIN_OFFSETS, PATCHES, PICTURE, SCENE
from tests.network.firefox import START

CODECS = ("VP8", "H264", "VP9", "AV1")

FORCE = """(codec) => {
  const prefer = RTCRtpTransceiver.prototype.setCodecPreferences;
  RTCRtpTransceiver.prototype.setCodecPreferences = function (codecs) {
    const video = this.receiver.track.kind === 'video' && this.direction === 'sendonly';
    const wanted = codecs.filter(({ mimeType }) => mimeType === 'video/' + codec);
    if (!video || wanted.length === 0) return prefer.call(this, codecs);
    window.forced = true;
    return prefer.call(this, [...wanted, ...codecs.filter(({ mimeType }) => mimeType === 'video/rtx')]);
  };
}"""
"""Sends the camera as this and nothing else, where the browser has it."""

EXPOSE = """() => {
  const Plain = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Plain {
    constructor(...given) { super(...given); window.connection = this; }
  };
}"""

SENT_AS = """async () => {
  const reports = await window.connection.getStats();
  const sent = [...reports.values()].find(({ type, kind, bytesSent }) =>
    type === 'outbound-rtp' && kind === 'video' && bytesSent > 0);
  return sent && sent.codecId ? reports.get(sent.codecId).mimeType.toLowerCase() : null;
}"""

RECEIVES = "(codec) => RTCRtpReceiver.getCapabilities('video').codecs.some((it) => it.mimeType === 'video/' + codec)"
SAYS_TALKING = "() => document.querySelector('[role=status]').textContent.includes('You are talking')"
READY = "() => document.querySelector('[role=status]').textContent.includes('Ready')"

TOLERANCE = 45
"""Of 255, per colour: three conversions, and compression."""

PATIENCE = 40.0
"""Seconds that a picture may take on a busy machine."""

IN_SYNC = 60.0
"""Milliseconds."""

BEEPS = 9

Evaluate = Callable[[str], Awaitable[Any]]
SOUND_UNASKED = "--autoplay-policy=no-user-gesture-required"


@asynccontextmanager
async def chromium(served: Served, folder: Path, codec: str) -> AsyncIterator[Evaluate]:
    script = f"() => {{ ({SCENE})(); ({EXPOSE})(); ({FORCE})('{codec}'); }}"
    async with (
        async_playwright() as playwright,
        at_the_page(playwright, "red", served.url, folder, script=script, flags=(SOUND_UNASKED,)) as person,
    ):
        yield person.page.evaluate


async def until(evaluate: Evaluate, function: str, patience: float = PATIENCE) -> Any:
    """What the function gives as soon as that is something."""
    async with asyncio.timeout(patience):
        while not (found := await evaluate(function)):  # noqa: ASYNC110 - it is the browser that changes
            await asyncio.sleep(0.2)
    return found


async def meet(one: Evaluate, other: Evaluate) -> None:
    await asyncio.gather(until(one, READY), until(other, READY))
    await asyncio.gather(one(START), other(START))
    await asyncio.gather(until(one, SAYS_TALKING), until(other, SAYS_TALKING))


async def sees_the_scene(evaluate: Evaluate) -> None:
    """Every patch has its colour, and the bar moves."""
    wrong: dict[str, Any] = {}
    places: set[int] = set()
    try:
        async with asyncio.timeout(PATIENCE):
            while len(places) < 3:
                seen = await evaluate(PICTURE)
                if seen is None:
                    continue
                wrong = {name: seen[name] for name, colour in PATCHES.items() if not is_near(seen[name], colour)}
                if not wrong:
                    places.add(seen["bar"])
                await asyncio.sleep(0.13)
    except TimeoutError:
        raise AssertionError(f"wrong colours: {wrong}; bar in {places}") from None


def is_near(seen: list[float], colour: tuple[int, int, int]) -> bool:
    return all(abs(have - want) < TOLERANCE for have, want in zip(seen, colour, strict=True))


async def is_sent_and_seen(served: Served, sender: Evaluate, receiver: Evaluate, codec: str) -> None:
    """In this codec if the sender has it, else as before; whoever can't decode it gets no picture, and is told."""
    forced = await sender("() => window.forced === true")
    receives = await receiver(f"() => ({RECEIVES})('{codec}')")
    if forced:
        assert await until(sender, SENT_AS) == f"video/{codec.lower()}"
    else:
        assert await until(sender, SENT_AS) == "video/vp8"
    if receives or not forced:
        await sees_the_scene(receiver)
    else:
        async with asyncio.timeout(PATIENCE):
            while (await drops(served)).get("no_common_codec", 0) == 0:  # noqa: ASYNC110 - the server counts by itself
                await asyncio.sleep(0.2)
        assert await receiver(PICTURE) is None


async def drops(served: Served) -> dict[str, int]:
    async with aiohttp.ClientSession() as client, client.get(served.url + "videochat/stats") as response:
        counts: dict[str, int] = (await response.json())["drops"]
        return counts


async def offset(evaluate: Evaluate, after: int = 0) -> float:
    """By how many milliseconds flashes come after their beeps, in the middle of nine; passes over the first `after`."""
    found = f"() => window.offsets().length >= {after + BEEPS} && window.offsets().slice({after}, {after + BEEPS})"
    offsets: list[float] = await until(evaluate, found, 60)
    return statistics.median(offsets)


@pytest.mark.parametrize(
    "codec", ["VP8", *(pytest.param(codec, marks=pytest.mark.slow) for codec in CODECS if codec != "VP8")]
)
async def test_chromium_and_chromium(served: Served, tmp_path: Path, codec: str) -> None:
    async with chromium(served, tmp_path, codec) as one, chromium(served, tmp_path, codec) as other:
        await meet(one, other)
        await is_sent_and_seen(served, one, other, codec)
        await is_sent_and_seen(served, other, one, codec)


@pytest.mark.slow
async def test_sound_and_picture_arrive_together(served: Served, tmp_path: Path) -> None:
    async with chromium(served, tmp_path, "VP8") as one, chromium(served, tmp_path, "VP8") as other:
        await meet(one, other)
        await sees_the_scene(other)
        await one(f"() => ({BEGIN_OFFSETS})('Your video')")
        await other(f"() => ({BEGIN_OFFSETS})('Partner video')")
        there = await offset(one)
        # A receiver brings them together step by step, for which it has half a minute.
        for after in range(0, 4 * BEEPS, BEEPS):
            apart = await offset(other, after) - there
            if abs(apart) < IN_SYNC:
                break
        assert abs(apart) < IN_SYNC, f"the picture comes {apart:.0f} ms after its sound"
