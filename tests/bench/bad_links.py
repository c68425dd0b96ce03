"""What people see when packets are lost on the way: `make measure-loss`.

Two real Chromium, each behind an emulated link of its own.
"""

import asyncio
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from playwright.async_api import async_playwright

from tests.bench.link import AccessLinks, Conditions, access_links
from tests.kit.browsers import EXPOSE, Person, at_the_page, meet
from tests.kit.ports import free_port
from tests.kit.servers import serving

WINDOW = (360, 640)
"""Pixels of each page: what two cores show by software is not much."""

SECONDS = 20
WARM_UP = 5
WIDTH, HEIGHT, FPS = 640, 360, 20

WATCHED = """async () => {
  for (const report of (await window.connection.getStats()).values()) {
    if (report.type === 'inbound-rtp' && report.kind === 'video' && report.framesDecoded) {
      return [report.framesDecoded, report.totalFreezesDuration ?? 0, report.bytesReceived, report.nackCount,
              report.pliCount, report.retransmittedPacketsReceived ?? 0, report.packetsLost, report.frameWidth];
    }
  }
  return [0, 0, 0, 0, 0, 0, 0, 0];
}"""

APART = """async () => {
  const received = [...(await window.connection.getStats()).values()].filter(({ type }) => type === 'inbound-rtp');
  const shown = (kind) => received.find((report) => report.kind === kind && report.estimatedPlayoutTimestamp);
  return shown('video').estimatedPlayoutTimestamp - shown('audio').estimatedPlayoutTimestamp;
}"""
"""Milliseconds by which the picture is ahead of its sound."""

LONGEST_GAP = """(video, seconds) => new Promise((resolve) => {
  let last = null, longest = 0, watching = true;
  const shown = (now) => {
    if (last !== null) longest = Math.max(longest, now - last);
    last = now;
    if (watching) video.requestVideoFrameCallback(shown);
  };
  video.requestVideoFrameCallback(shown);
  setTimeout(() => { watching = false; resolve(longest / 1000); }, seconds * 1000);
})"""
"""Between two pictures on the screen within so many seconds, in seconds."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one person saw of the other within `SECONDS`."""

    fps: float
    frozen: float
    kbps: float
    nacks: float
    plis: float
    retransmitted: float
    lost: float
    longest_gap: float
    width: float


def busy_scene(colour: str, folder: Path) -> Path:
    """A Y4M file of moving noise in large blocks, which takes a megabit a second to show."""
    path = folder / f"{colour}-busy.y4m"
    generator = np.random.default_rng(len(colour))
    texture = generator.integers(40, 200, (HEIGHT // 8, WIDTH // 8 + FPS * 3), np.uint8)
    grey = bytes([128]) * (WIDTH * HEIGHT // 2)
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{FPS}:1 Ip A1:1 C420jpeg\n".encode())
        for number in range(FPS * 3):
            blocks = texture[:, number : number + WIDTH // 8]
            file.write(b"FRAME\n" + blocks.repeat(8, axis=0).repeat(8, axis=1).tobytes() + grey)
    return path


async def watch(person: Person) -> Seen:
    before = await person.page.evaluate(WATCHED)
    longest_gap = await person.partner.evaluate(LONGEST_GAP, SECONDS)
    after = await person.page.evaluate(WATCHED)
    frames, frozen, size, nacks, plis, retransmitted, lost, _ = (
        end - start for end, start in zip(after, before, strict=True)
    )
    kbps = size * 8 / 1_000 / SECONDS
    return Seen(frames / SECONDS, frozen, kbps, nacks, plis, retransmitted, lost, longest_gap, after[7])


async def talk(
    link: Conditions, seed: int, folder: Path, meanwhile: Callable[[AccessLinks], None] | None = None
) -> tuple[Seen, Seen]:
    """Two people talk over such links, each way; what both saw after the first seconds. `meanwhile` is called
    once they see each other: of a handshake ten packets in a row are all there is."""
    port, outside = free_port(), free_port()
    async with (
        access_links(outside, ("127.0.0.1", port), link, link, seed) as links,
        # TCP would pass the links by.
        serving(port=str(port), public_udp_port=str(outside), public_tcp_port=str(free_port())) as served,
        async_playwright() as playwright,
        at_the_page(playwright, "red", served.url, folder, WINDOW, script=EXPOSE, scene=busy_scene) as red,
        at_the_page(playwright, "blue", served.url, folder, WINDOW, script=EXPOSE, scene=busy_scene) as blue,
    ):
        await meet(red, blue)
        await asyncio.gather(red.sees_movement(), blue.sees_movement())
        if meanwhile is not None:
            meanwhile(links)
        await asyncio.sleep(WARM_UP)
        seen = await asyncio.gather(watch(red), watch(blue))
        busy = sorted(up.passed for up, _ in links.links.values())[-2:]
        assert min(busy) > SECONDS * FPS, "media went another way"
        return seen


WAY = 0.05
"""Seconds of each link, each way."""

SEEDS = (1, 2, 3, 4, 5)

KINDS = {
    "nothing lost": Conditions(delay=WAY),
    "5 % lost": Conditions(loss=0.05, delay=WAY),
    "10 % lost": Conditions(loss=0.10, delay=WAY),
    "10 in a row lost each second": Conditions(delay=WAY, outage=10),
}
"""On both links, each way. The first is the yardstick: on a busy machine the picture stutters without any loss."""


async def talk_over(conditions: Conditions, seed: int, folder: Path) -> tuple[Seen, Seen]:
    """What both saw under these conditions, which begin with the call."""
    return await talk(Conditions(delay=WAY), seed, folder, lambda links: links.change(conditions, conditions))


async def measure() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for kind, conditions in KINDS.items():
            for seed in SEEDS:
                for of in await talk_over(conditions, seed, Path(folder)):
                    print(
                        f"{kind}, seed {seed}: {of.fps:.1f} fps, {of.frozen:.1f} s of {SECONDS} frozen, longest gap"
                        f" {of.longest_gap:.2f} s, {of.kbps:.0f} kbit/s, {of.lost:.0f} lost,"
                        f" {of.retransmitted:.0f} retransmitted",
                        flush=True,
                    )


if __name__ == "__main__":
    asyncio.run(measure())
