"""What of a codec shows at both ends of a call, in any browser: which one is sent, its picture, lips in sync."""

import asyncio
import statistics
from collections.abc import Awaitable, Callable
from typing import Any

from tests.kit.browsers import START
from tests.kit.looks import PICTURE
from tests.kit.scene import BEGIN_OFFSETS, PATCHES

CODECS = ("VP8", "H264", "VP9", "AV1")

FORCE = """(codec) => {
  const prefer = RTCRtpTransceiver.prototype.setCodecPreferences;
  RTCRtpTransceiver.prototype.setCodecPreferences = function (codecs) {
    const video = this.receiver.track.kind === 'video' && this.direction === 'sendonly';
    const wanted = codecs.filter(({ mimeType }) => mimeType === 'video/' + codec);
    if (!video || wanted.length === 0) return prefer.call(this, codecs);
    return prefer.call(this, [...wanted, ...codecs.filter(({ mimeType }) => mimeType === 'video/rtx')]);
  };
}"""
"""Sends the camera as this and nothing else, where the browser has it."""

SENT_AS = """async () => {
  const reports = await window.connection.getStats();
  const sent = [...reports.values()].find(({ type, kind, bytesSent }) =>
    type === 'outbound-rtp' && kind === 'video' && bytesSent > 0);
  return sent && sent.codecId ? reports.get(sent.codecId).mimeType.toLowerCase() : null;
}"""

SAYS_TALKING = "() => document.querySelector('[role=status]').textContent.includes('You are talking')"
READY = "() => document.querySelector('[role=status]').textContent.includes('Ready')"

TOLERANCE = 45
"""Of 255, per colour: three conversions, and compression."""

PATIENCE = 40.0
"""Seconds that a picture may take on a busy machine."""

IN_SYNC = 60.0
"""Milliseconds."""

BEEPS = 9

SOUND_UNASKED = "--autoplay-policy=no-user-gesture-required"
"""Chromium's flag: a page that nobody clicked yet may use sound."""

Evaluate = Callable[[str], Awaitable[Any]]


async def until(evaluate: Evaluate, function: str, patience: float = PATIENCE) -> Any:
    """What the function gives as soon as that is something."""
    async with asyncio.timeout(patience):
        while not (found := await evaluate(function)):  # noqa: ASYNC110 - it is the browser that changes
            await asyncio.sleep(0.2)
    return found


async def begin_talking(one: Evaluate, other: Evaluate) -> None:
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


async def is_sent_and_seen(sender: Evaluate, receiver: Evaluate, codec: str) -> None:
    """The sender sends its picture in this codec, and the receiver sees it, converted or not."""
    assert await until(sender, SENT_AS) == f"video/{codec.lower()}"
    await sees_the_scene(receiver)


async def offset(evaluate: Evaluate, after: int = 0) -> float:
    """By how many milliseconds flashes come after their beeps, in the middle of nine; passes over the first `after`."""
    found = f"() => window.offsets().length >= {after + BEEPS} && window.offsets().slice({after}, {after + BEEPS})"
    offsets: list[float] = await until(evaluate, found, 60)
    return statistics.median(offsets)


async def has_lips_in_sync(sender: Evaluate, receiver: Evaluate) -> None:
    """Pictures come with their sounds, by the receiver's clock as by the sender's."""
    await sender(f"() => ({BEGIN_OFFSETS})('Your video')")
    await receiver(f"() => ({BEGIN_OFFSETS})('Partner video')")
    there = await offset(sender)
    # A receiver brings them together step by step, for which it has half a minute.
    for after in range(0, 4 * BEEPS, BEEPS):
        apart = await offset(receiver, after) - there
        if abs(apart) < IN_SYNC:
            break
    assert abs(apart) < IN_SYNC, f"the picture comes {apart:.0f} ms after its sound"
