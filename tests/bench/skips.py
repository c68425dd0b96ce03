"""How soon Next shows somebody else, and that it costs nothing later: `make measure-skips`, for 200 skips.

Three people: one skips, and of the other two always one waits. As two who just left each other are
not paired again at once, somebody without a camera meets the one who waits in between.
"""

import asyncio
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import async_playwright

from tests.kit.browsers import Person, at_the_page
from tests.kit.people import visit
from tests.kit.servers import serving

SKIPS = 200

PHONE = (360, 640)
"""Pixels of each page: three large ones that are painted by software take more than two cores have."""

WATCH = """() => {
  const Plain = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Plain {
    constructor(...given) { super(...given); window.connection = this; }
  };
  const Socket = window.WebSocket;
  window.sockets = [];
  window.WebSocket = class extends Socket {
    constructor(...given) {
      super(...given);
      this.addEventListener('message', (event) => {
        if (JSON.parse(event.data).event === 'partner_found') window.found = performance.now();
      });
    }
  };
}"""

SKIP = """async () => {
  const began = performance.now();
  window.found = null;
  [...document.querySelectorAll('button')].find((button) => button.textContent.trim() === 'Next').click();
  return await new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error(`no picture; found: ${window.found}`)), 5000);
    const watch = () => {
      const video = document.querySelector('video[aria-label="Partner video"]');
      // A frame of the former partner may still be on its way to the screen.
      if (window.found === null || video === null) requestAnimationFrame(watch);
      else video.requestVideoFrameCallback((now) => (now > window.found ? resolve(now - began) : watch()));
    };
    watch();
  });
}"""
"""Milliseconds from pressing Next to the first frame of the new partner."""

PLAYOUT = """async () => {
  const read = async () => {
    const reports = [...(await window.connection.getStats()).values()];
    const received = reports.filter(({ type, bytesReceived }) => type === 'inbound-rtp' && bytesReceived > 0);
    const [picture, sound] = ['video', 'audio'].map((kind) => received.find((it) => it.kind === kind));
    return [
      picture.jitterBufferDelay, picture.jitterBufferMinimumDelay, picture.jitterBufferEmittedCount,
      sound.jitterBufferDelay, sound.jitterBufferEmittedCount,
    ];
  };
  const before = await read();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const [all, own, frames, sounding, samples] = (await read()).map((value, index) => value - before[index]);
  return { all: all / frames, own: own / frames, sound: sounding / samples };
}"""
"""Seconds that a frame waited before it was shown, over the last second, and how much of it was not for the sound; and
seconds that the sound waited."""

WATCH_FRAMES = """() => {
  window.longestGap = 0;
  let before = null;
  const video = document.querySelector('video[aria-label="Partner video"]');
  const painted = (now) => {
    if (before !== null) window.longestGap = Math.max(window.longestGap, now - before);
    before = now;
    video.requestVideoFrameCallback(painted);
  };
  video.requestVideoFrameCallback(painted);
}"""
"""Keeps the longest time between two frames of partners, in milliseconds."""

DISTANCE = """(video) => new Promise((resolve) => {
  let most = -Infinity;
  const painted = (_, { rtpTimestamp, receiveTime }) => {
    most = Math.max(most, rtpTimestamp / 90 - receiveTime);
    video.requestVideoFrameCallback(painted);
  };
  video.requestVideoFrameCallback(painted);
  setTimeout(() => resolve(most), 1000);
})"""
"""Milliseconds by which the picture's timestamps are ahead of the clock, by the fastest frame of a second."""

PAUSE = 0.9
"""Seconds between skips: for 0.7 after a pairing Next means nothing."""

LONGEST_STALL = 1_000
"""Milliseconds."""

GROWTH = 0.06
"""Seconds by which many skips may lengthen what pictures wait for each other. What they wait for the sound depends on
how evenly this machine plays it, no matter who is skipped."""

WANDER = 30
"""Milliseconds by which many skips may move timestamps against the clock: what one keyframe is late by."""


@dataclass(frozen=True, slots=True)
class Skips:
    """What somebody who skips often sees."""

    milliseconds: list[float]
    longest_gap: float
    wander: float


async def playout(person: Person) -> dict[str, float]:
    """The playout delay once it stands still: for a minute and a half Chromium remembers how unevenly sound came."""
    await asyncio.sleep(90)
    delays: dict[str, float] = await person.page.evaluate(PLAYOUT)
    return delays


async def skip_often(person: Person, port: int, times: int) -> Skips:
    """Press Next again and again, a moment after each new picture."""
    distance = await person.partner.evaluate(DISTANCE)
    milliseconds = []
    await person.page.evaluate(WATCH_FRAMES)
    async with visit(port) as passer_by:
        for _ in range(times):
            milliseconds.append(await person.page.evaluate(SKIP))
            await passer_by.say("find_partner", keep_searching=False)
            await passer_by.hear("partner_found")
            await passer_by.say("leave_room")
            await asyncio.sleep(PAUSE)
    gap = await person.page.evaluate("window.longestGap")
    # Timestamps wrap every 13 hours.
    wander = (await person.partner.evaluate(DISTANCE) - distance + 2**31 / 90) % (2**32 / 90) - 2**31 / 90
    return Skips(milliseconds, gap, wander)


async def measure() -> bool:
    """Print the figures, and whether they are as they must be."""
    with tempfile.TemporaryDirectory() as folder:
        async with (
            serving(rate_skip="100000", max_cpu_per_address="1") as served,
            async_playwright() as playwright,
            at_the_page(playwright, "red", served.url, Path(folder), PHONE, script=WATCH) as red,
            at_the_page(playwright, "green", served.url, Path(folder), PHONE) as green,
            at_the_page(playwright, "blue", served.url, Path(folder), PHONE) as blue,
        ):
            await green.start()
            await green.is_told("Looking for a partner")
            await red.start()
            await red.sees("green")
            await blue.start()
            await blue.is_told("Looking for a partner")
            before = await playout(red)
            skips = await skip_often(red, served.port, SKIPS)
            after = await playout(red)
    ranked = sorted(skips.milliseconds)
    print(
        f"Next to the new partner's first frame, {SKIPS} times: p50 {statistics.median(ranked):.0f} ms,"
        f" p95 {ranked[int(0.95 * len(ranked))]:.0f} ms, worst {ranked[-1]:.0f} ms"
    )
    print(f"longest time without a new frame: {skips.longest_gap:.0f} ms (at most {LONGEST_STALL})")
    print(
        f"playout delay: {1_000 * before['all']:.0f} ms before, {1_000 * after['all']:.0f} ms after; without waiting"
        f" for the sound {1_000 * before['own']:.0f} and {1_000 * after['own']:.0f} ms (+{1_000 * GROWTH:.0f} at most);"
        f" of sound {1_000 * before['sound']:.0f} and {1_000 * after['sound']:.0f} ms"
    )
    print(f"timestamps moved against the clock by {skips.wander:.0f} ms (at most {WANDER})")
    grown = after["own"] - before["own"]
    return skips.longest_gap <= LONGEST_STALL and grown <= GROWTH and abs(skips.wander) <= WANDER


if __name__ == "__main__":
    sys.exit(not asyncio.run(measure()))
