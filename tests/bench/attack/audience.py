"""Who is in a call while it is attacked, and what they see: browsers, generated people, aiortc visitors."""

import asyncio
import contextlib
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from playwright.async_api import async_playwright

from relay.protocol.messages import Role
from tests.bench.attack.attackers import Address
from tests.bench.attack.besieged import Besieged
from tests.kit import generator
from tests.kit.browsers import Person, at_the_page
from tests.kit.call import address_of, credentials_of, live_call
from tests.kit.people import MediaVisitor

CROWD = 32
SETTLING = 30.0
"""Seconds that a crowd may take to be in its calls."""

NEW = 0.03
"""Seconds: half of what lies between two pictures of a visitor."""

WATCH = """() => {
  window.shown = [];
  const found = setInterval(() => {
    const video = document.querySelector('video[aria-label="Partner video"]');
    if (!video) return;
    clearInterval(found);
    const watch = () => { window.shown.push(performance.now()); video.requestVideoFrameCallback(watch); };
    video.requestVideoFrameCallback(watch);
  }, 20);
  const Connection = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Connection {
    constructor(...given) { super(...given); window.connection = this; }
    setRemoteDescription(description) {
      const unwanted = / UDP_OR_TCP /i;
      const lines = description.sdp.split('\\r\\n');
      const sdp = lines.filter((line) => !(line.startsWith('a=candidate') && unwanted.test(line))).join('\\r\\n');
      return super.setRemoteDescription({ type: description.type, sdp });
    }
  };
}"""
"""Times of the partner's pictures in milliseconds, the connection, and one kind of candidates left out."""

COUNT = """async () => {
  const all = [...(await window.connection.getStats()).values()];
  const inbound = all.filter((entry) => entry.type === 'inbound-rtp');
  const transport = all.find((entry) => entry.type === 'transport');
  const pair = all.find((entry) => entry.id === transport.selectedCandidatePairId);
  return {
    lost: inbound.reduce((sum, entry) => sum + entry.packetsLost, 0),
    received: inbound.reduce((sum, entry) => sum + entry.packetsReceived, 0),
    protocol: all.find((entry) => entry.id === pair.localCandidateId).protocol,
  };
}"""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the worst off of an audience got."""

    pictures: float | None = None
    """A second."""
    gap: float | None = None
    """Seconds, the longest without a picture."""
    loss: float | None = None
    """Fraction of packets that never came."""
    latency: float | None = None
    """Milliseconds, of all but one in a hundred packets."""


class Audience(ABC):
    """People in calls."""

    forgeable: Address | None = None
    """From where one of them sends over UDP, if that is known."""
    ufrag = "unknown2"
    """The server's, for one of them."""

    @abstractmethod
    async def watch(self, seconds: float, begin: Callable[[], None]) -> Seen:
        """Look on for so long; the attack is to begin when `begin` is called."""


class Visitors(Audience):
    """Two aiortc visitors in this process."""

    def __init__(self, ann: MediaVisitor, bob: MediaVisitor) -> None:
        self._people = (ann, bob)
        self.forgeable = address_of(ann)
        self.ufrag = credentials_of(ann)[0]

    async def watch(self, seconds: float, begin: Callable[[], None]) -> Seen:
        await asyncio.to_thread(begin)
        await asyncio.gather(*(_catch_up(person) for person in self._people))
        seen = await asyncio.gather(*(_watch(person, seconds) for person in self._people))
        return Seen(min(pictures for pictures, _ in seen), max(gap for _, gap in seen))


class Browsers(Audience):
    """Two Chromium windows."""

    def __init__(self, *people: Person) -> None:
        self._people = people

    async def protocols(self) -> set[str]:
        return {(await person.page.evaluate(COUNT))["protocol"] for person in self._people}

    async def watch(self, seconds: float, begin: Callable[[], None]) -> Seen:
        before = [await person.page.evaluate(COUNT) for person in self._people]
        await asyncio.to_thread(begin)
        for person in self._people:
            await person.page.evaluate("window.shown = [performance.now()]")
        await asyncio.sleep(seconds)
        seen = [
            self._judge(*each) for each in zip(before, [await _look(person) for person in self._people], strict=True)
        ]
        return Seen(
            min(one.pictures or 0.0 for one in seen),
            max(one.gap or 0.0 for one in seen),
            max(one.loss or 0.0 for one in seen),
        )

    @staticmethod
    def _judge(before: dict[str, Any], after: dict[str, Any]) -> Seen:
        times: list[float] = after["shown"]
        gaps = [(later - sooner) / 1_000 for sooner, later in pairwise(times)]
        lost, received = (after[name] - before[name] for name in ("lost", "received"))
        pictures = 1_000 * (len(times) - 2) / (times[-1] - times[0])
        # A packet that comes late after all is taken back from the lost ones.
        return Seen(pictures, max(gaps), max(0, lost) / max(1, lost + received))


class Crowd(Audience):
    """Generated people; they come anew for each look."""

    def __init__(self, port: int, *options: str, people: int = CROWD) -> None:
        self._address = f"127.0.0.1:{port}"
        self._options = ("--people", str(people), *options)

    async def watch(self, seconds: float, begin: Callable[[], None]) -> Seen:
        def on_phase(phase: str, _received: int) -> None:
            if phase == "measuring":
                begin()

        options = (*self._options, "--seconds", str(seconds))
        report = await asyncio.to_thread(generator.play, "relay", self._address, *options, on_phase=on_phase)
        assert report.failures == {}, report.failures
        return Seen(loss=report.loss, latency=report.latency_ms.p99)


@asynccontextmanager
async def visitors(server: Besieged, folder: Path) -> AsyncIterator[Audience]:
    async with live_call(server.port) as call:
        yield Visitors(call.ann, call.bob)


@asynccontextmanager
async def browsers(server: Besieged, folder: Path, without: str = "tcp") -> AsyncIterator[Browsers]:
    """Two windows; candidates `without` which they have to do."""
    script = WATCH.replace("UDP_OR_TCP", without)
    async with (
        async_playwright() as playwright,
        at_the_page(playwright, "red", server.url, folder, script=script) as red,
        at_the_page(playwright, "blue", server.url, folder, script=script) as blue,
    ):
        for person in (red, blue):
            await person.is_told("Ready")
            await person.start()
        for person in (red, blue):
            await person.page.wait_for_function("() => window.shown.length > 20", timeout=1_000 * SETTLING)
        yield Browsers(red, blue)


@asynccontextmanager
async def browsers_over_tcp(server: Besieged, folder: Path) -> AsyncIterator[Browsers]:
    async with browsers(server, folder, without="udp") as audience:
        yield audience


@asynccontextmanager
async def crowd(server: Besieged, folder: Path) -> AsyncIterator[Audience]:
    await asyncio.to_thread(generator.build)
    yield Crowd(server.port)


@asynccontextmanager
async def crowd_over_tcp(server: Besieged, folder: Path) -> AsyncIterator[Audience]:
    await asyncio.to_thread(generator.build)
    yield Crowd(server.port, "--transport", "tcp")


async def _look(person: Person) -> dict[str, Any]:
    counts: dict[str, Any] = await person.page.evaluate(COUNT)
    counts["shown"] = await person.page.evaluate("[...window.shown, performance.now()]")
    return counts


async def _catch_up(viewer: MediaVisitor) -> None:
    """Take the pictures that waited while nobody looked: one that has to be waited for is new."""
    track = viewer.received(Role.PARTNER_CAMERA)
    waited = 0.0
    with contextlib.suppress(TimeoutError):
        while waited < NEW:
            began = time.monotonic()
            async with asyncio.timeout(1):
                await track.recv()
            waited = time.monotonic() - began


async def _watch(viewer: MediaVisitor, seconds: float) -> tuple[float, float]:
    """Pictures a second, and the longest time without one."""
    track = viewer.received(Role.PARTNER_CAMERA)
    began = last = time.monotonic()
    pictures, longest = 0, 0.0
    while (now := time.monotonic()) - began < seconds:
        try:
            async with asyncio.timeout(seconds):
                await track.recv()
        except TimeoutError:
            break
        now = time.monotonic()
        pictures, longest, last = pictures + 1, max(longest, now - last), now
    return pictures / (time.monotonic() - began), max(longest, time.monotonic() - last)
