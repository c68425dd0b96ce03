"""How soon Next shows somebody else: `make measure-skips` prints it for 200 skips.

Three people: one skips, and of the other two always one waits. As two who just left each other are
not paired again at once, somebody without a camera meets the one who waits in between.
"""

import asyncio
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import async_playwright

from tests.browser.conftest import serving
from tests.browser.person import Person, at_the_page
from tests.scenario.visitor import visit

SKIPS = 200

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
    for (const report of (await window.connection.getStats()).values()) {
      if (report.type === 'inbound-rtp' && report.kind === 'video' && report.framesDecoded > 0) {
        return [report.jitterBufferDelay, report.jitterBufferEmittedCount];
      }
    }
    return [0, 0];
  };
  const [delay, count] = await read();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const [later, more] = await read();
  return more > count ? (later - delay) / (more - count) : 0;
}"""
"""Seconds that a frame waited in the jitter buffer, over the last second."""


@dataclass(frozen=True, slots=True)
class Skips:
    """What somebody who skips often sees."""

    milliseconds: list[float]
    playout_before: float
    playout_after: float


async def skip_often(person: Person, port: int, times: int) -> Skips:
    """Press Next again and again, a moment after each new picture."""
    before = await person.page.evaluate(PLAYOUT)
    milliseconds = []
    async with visit(port) as passer_by:
        for _ in range(times):
            milliseconds.append(await person.page.evaluate(SKIP))
            await passer_by.say("find_partner", keep_searching=False)
            await passer_by.hear("partner_found")
            await passer_by.say("leave_room")
            await asyncio.sleep(0.2)
    return Skips(milliseconds, before, await person.page.evaluate(PLAYOUT))


async def measure() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with (
            serving(rate_skip="100000") as served,
            async_playwright() as playwright,
            at_the_page(playwright, "red", served.url, Path(folder), script=WATCH) as red,
            at_the_page(playwright, "green", served.url, Path(folder)) as green,
            at_the_page(playwright, "blue", served.url, Path(folder)) as blue,
        ):
            await green.start()
            await green.is_told("Looking for a partner")
            await red.start()
            await red.sees("green")
            await blue.start()
            await blue.is_told("Looking for a partner")
            skips = await skip_often(red, served.port, SKIPS)
    ranked = sorted(skips.milliseconds)
    print(
        f"Next to the new partner's first frame, {SKIPS} times: p50 {statistics.median(ranked):.0f} ms,"
        f" p95 {ranked[int(0.95 * len(ranked))]:.0f} ms, worst {ranked[-1]:.0f} ms"
    )
    print(f"playout delay: {1_000 * skips.playout_before:.0f} ms before, {1_000 * skips.playout_after:.0f} ms after")


if __name__ == "__main__":
    asyncio.run(measure())
