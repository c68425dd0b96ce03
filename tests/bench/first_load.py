"""Measures the first load of the page with nothing kept from before: `make measure-page`.

Prints bytes on the wire, with headers, and when something is painted and Start can be pressed, on links that Chromium's
own throttling makes narrow. Medians of five loads.
"""

import asyncio
import statistics
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import async_playwright

from tests.kit.browsers import Person, at_the_page
from tests.kit.servers import Served, serving

LOADS = 5

WATCH = """() => {
  window.shift = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
  }).observe({ type: 'layout-shift', buffered: true });
  const look = () => {
    const start = [...document.querySelectorAll('button')].find((it) => it.textContent.trim() === 'Start');
    if (start && !start.disabled && !start.closest('[inert]')) window.usable = performance.now();
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""
"""Sums what moves without having been pressed, and notes when Start can be pressed."""


@dataclass(frozen=True)
class Link:
    """Round trip in milliseconds, bits per second; None for as fast as it goes."""

    name: str
    round_trip: float
    rate: float | None
    processor: float
    """How many times slower than this machine."""


LINKS = [
    Link("400 kbit/s, 300 ms, CPU/4", 300, 400e3, 4),
    Link("1.6 Mbit/s, 150 ms, CPU/4", 150, 1.6e6, 4),
    Link("loopback", 0, None, 1),
]


@dataclass(frozen=True)
class Load:
    """Milliseconds since it was asked for, bytes, and the share of the window that moved."""

    painted: float
    usable: float
    shift: float
    wire: int
    unpacked: int


async def load(served: Served, link: Link, folder: Path, encodings: str | None = None) -> Load:
    """Open the page in a new browser, over this link; `encodings` in the place of the browser's own."""
    async with (
        async_playwright() as playwright,
        at_the_page(playwright, "red", "about:blank", folder, viewport=(390, 844), script=WATCH) as person,
    ):
        wire = await person.page.context.new_cdp_session(person.page)
        received: list[dict[str, Any]] = []
        unpacked: list[int] = []
        wire.on("Network.loadingFinished", lambda part: received.append(part))
        wire.on("Network.dataReceived", lambda chunk: unpacked.append(chunk["dataLength"]))
        await wire.send("Network.enable")
        await wire.send("Emulation.setCPUThrottlingRate", {"rate": link.processor})
        if encodings is not None:
            await wire.send("Network.setExtraHTTPHeaders", {"headers": {"Accept-Encoding": encodings}})
        if link.rate is not None:
            rate = link.rate / 8
            await wire.send(
                "Network.emulateNetworkConditions",
                {"offline": False, "latency": link.round_trip, "downloadThroughput": rate, "uploadThroughput": rate},
            )
        await person.page.goto(served.url)
        await person.page.wait_for_function("() => window.usable", timeout=60_000)
        return Load(
            **await _times(person),
            wire=sum(int(part["encodedDataLength"]) for part in received),
            unpacked=sum(unpacked),
        )


async def _times(person: Person) -> dict[str, float]:
    times: dict[str, float] = await person.page.evaluate(
        """() => ({
          painted: performance.getEntriesByName('first-contentful-paint')[0].startTime,
          usable: window.usable, shift: window.shift,
        })"""
    )
    return times


async def measure() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with serving() as served:
            for name, encodings in (("brotli", None), ("gzip", "gzip"), ("uncompressed", "identity")):
                once = await load(served, LINKS[-1], Path(folder), encodings)
                print(f"first load, {name}: {once.wire / 1e3:.1f} kB on the wire, of {once.unpacked / 1e3:.1f} kB")
            for link in LINKS:
                loads = [await load(served, link, Path(folder)) for _ in range(LOADS)]
                print(
                    f"{link.name}: something is painted after {_median(each.painted for each in loads) / 1e3:.2f} s, "
                    f"Start can be pressed after {_median(each.usable for each in loads) / 1e3:.2f} s; "
                    f"layout shift {max(each.shift for each in loads):.3f} at most"
                )


def _median(values: Iterable[float]) -> float:
    return statistics.median(values)


if __name__ == "__main__":
    asyncio.run(measure())
