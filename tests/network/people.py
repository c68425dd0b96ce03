"""People at real Chromium windows inside the small internet, and what their browsers know of the path."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Playwright, async_playwright

from tests.kit.browsers import CHROMIUM, FLAGS, Person
from tests.kit.cameras import camera, microphone
from tests.network.internet import HOMES, Internet

COLOURS = ("red", "blue")

WATCH = """() => {
  window.marks = {};
  const mark = (name) => { window.marks[name] ??= performance.now(); };
  const Socket = window.WebSocket;
  window.WebSocket = class extends Socket {
    constructor(...given) {
      super(...given);
      this.addEventListener('message', ({ data }) => {
        if (JSON.parse(data).event !== 'partner_found') return;
        mark('found');
        const watch = () => {
          const video = document.querySelector('video[aria-label="Partner video"]');
          if (video) video.requestVideoFrameCallback(() => mark('frame'));
          else setTimeout(watch, 5);
        };
        watch();
      });
    }
    send(frame) {
      if (JSON.parse(frame).event === 'webrtc_offer') mark('offer');
      super.send(frame);
    }
  };
  const Connection = window.RTCPeerConnection;
  window.PlainConnection = Connection;
  window.RTCPeerConnection = class extends Connection {
    constructor(...given) {
      super(...given);
      window.connection = this;
      this.addEventListener('connectionstatechange', () => mark(this.connectionState));
    }
  };
}"""
"""When what happened first, in milliseconds, the page's peer connection, and the class for others."""

CONNECTED = "() => 'connected' in window.marks"
CONNECT_TIMEOUT = 20_000
"""Milliseconds that the worst network may take."""

SELECTED = """async () => {
  const stats = await window.connection.getStats();
  const all = [...stats.values()];
  const transport = all.find((entry) => entry.type === 'transport');
  const pair = stats.get(transport?.selectedCandidatePairId) ?? all.find((entry) => entry.selected);
  const local = stats.get(pair.localCandidateId), remote = stats.get(pair.remoteCandidateId);
  return {
    type: local.candidateType, protocol: local.protocol, relay: local.relayProtocol ?? null,
    remote: remote.address, port: remote.port,
  };
}"""
"""The candidate pair that carries the media."""


@dataclass(frozen=True, slots=True)
class Timings:
    """Milliseconds."""

    offer_to_connected: float
    found_to_frame: float

    @property
    def offer_to_frame(self) -> float:
        """As if the partner were there already."""
        return self.offer_to_connected + self.found_to_frame


@asynccontextmanager
async def at_home(
    playwright: Playwright,
    internet: Internet,
    person: str,
    colour: str,
    url: str,
    folder: Path,
    flags: Sequence[str],
    script: str = WATCH,
) -> AsyncIterator[Person]:
    """A browser in the person's namespace, at the page; `script` is a function that runs in it before anything else."""
    own = folder / person
    own.mkdir()
    browser = await playwright.chromium.launch(
        executable_path=internet.wrapper(person, CHROMIUM, own),
        ignore_default_args=["--headless", "--mute-audio"],
        args=[
            *FLAGS,
            "--ignore-certificate-errors",
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--unsafely-treat-insecure-origin-as-secure={url.rstrip('/')}",
            f"--use-file-for-fake-video-capture={camera(colour, own)}",
            f"--use-file-for-fake-audio-capture={microphone(colour, own)}",
            *flags,
        ],
    )
    try:
        yield await _open(browser, colour, url, script)
    finally:
        await browser.close()


async def another(person: Person, url: str) -> Person:
    """Somebody else at the same computer, whose browser knows nothing of the first."""
    browser = person.page.context.browser
    assert browser is not None
    return await _open(browser, person.colour, url, WATCH)


async def _open(browser: Browser, colour: str, url: str, script: str) -> Person:
    page = await browser.new_page(viewport={"width": 1280, "height": 800}, ignore_https_errors=True)
    await page.add_init_script(f"({script})()")
    person = Person(page, colour)
    await page.goto(url)
    return person


@asynccontextmanager
async def ann_and_bob(
    internet: Internet, url: str, folder: Path, flags: Sequence[str] = ()
) -> AsyncIterator[tuple[Person, Person]]:
    """Both at the page; `{router}` in a flag is the address of the person's own router, `{colour}` their colour."""
    async with async_playwright() as playwright, AsyncExitStack() as stack:
        people = await asyncio.gather(
            *(
                stack.enter_async_context(
                    at_home(
                        playwright,
                        internet,
                        home.person,
                        colour,
                        url,
                        folder,
                        [flag.format(router=home.router, colour=colour) for flag in flags],
                    )
                )
                for home, colour in zip(HOMES, COLOURS, strict=True)
            )
        )
        yield people[0], people[1]


async def meet(ann: Person, bob: Person) -> tuple[Timings, Timings]:
    """Pair them, and see that each sees the other move."""
    await asyncio.gather(*(person.page.wait_for_function(CONNECTED, timeout=CONNECT_TIMEOUT) for person in (ann, bob)))
    await ann.start()
    await bob.start()
    await asyncio.gather(ann.sees(bob.colour), bob.sees(ann.colour))
    await asyncio.gather(ann.sees_movement(), bob.sees_movement())
    return await timings(ann), await timings(bob)


async def timings(person: Person) -> Timings:
    await person.page.wait_for_function("() => 'frame' in window.marks", timeout=CONNECT_TIMEOUT)
    marks: dict[str, float] = await person.page.evaluate("window.marks")
    return Timings(round(marks["connected"] - marks["offer"]), round(marks["frame"] - marks["found"]))


async def path(person: Person) -> dict[str, Any]:
    """The selected candidate pair."""
    found: dict[str, Any] = await person.page.evaluate(SELECTED)
    return found
