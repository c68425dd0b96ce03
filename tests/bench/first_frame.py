"""Measures how soon strangers see each other, and what one pair costs: `make measure`.

Prints medians and worst cases of ten meetings of two real Chromium windows.
"""

import asyncio
import statistics
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import async_playwright

from tests.kit.browsers import Person, at_the_page
from tests.kit.servers import Served, serving

MEETINGS = 10
STEADY_SECONDS = 10.0

WATCH = """() => {
  window.found = []; window.frames = []; window.started = [];
  const Plain = window.WebSocket;
  window.WebSocket = class extends Plain {
    constructor(...given) {
      super(...given);
      this.addEventListener('message', (event) => {
        if (JSON.parse(event.data).event !== 'partner_found') return;
        window.found.push(performance.now());
        const video = document.querySelector('video[aria-label="Partner video"]');
        video.requestVideoFrameCallback((now) => window.frames.push(now));
      });
    }
  };
  addEventListener('click', (event) => {
    if (event.target.textContent.trim() === 'Start') window.started.push(performance.now());
  }, true);
}"""
"""Times of pressing Start, of partner_found, and of the first frame after it, in milliseconds."""


@asynccontextmanager
async def _two(served: Served, folder: Path) -> AsyncIterator[tuple[Person, Person]]:
    async with (
        async_playwright() as playwright,
        at_the_page(playwright, "red", served.url, folder, script=WATCH) as red,
        at_the_page(playwright, "blue", served.url, folder, script=WATCH) as blue,
    ):
        for person in (red, blue):
            await person.is_told("Ready")
        yield red, blue


async def _latest(person: Person, name: str) -> float:
    await person.page.wait_for_function("(name) => window[name].length > 0", arg=name, timeout=15_000)
    value: float = await person.page.evaluate("(name) => window[name].at(-1)", name)
    return value


async def _meet(red: Person, blue: Person) -> tuple[float, list[float]]:
    """Milliseconds from the second one's Start to their first frame, and from partner_found for both."""
    for person in (red, blue):
        await person.page.evaluate("window.found = []; window.frames = []; window.started = [];")
    await red.start()
    await red.is_told("Looking for a partner")
    await blue.start()
    from_found = [await _latest(person, "frames") - await _latest(person, "found") for person in (red, blue)]
    return await _latest(blue, "frames") - await _latest(blue, "started"), from_found


def _line(what: str, values: list[float]) -> str:
    return f"{what}: median {statistics.median(values):.0f} ms, worst {max(values):.0f} ms of {len(values)}"


async def measure() -> None:
    cold, warm = [], []
    with tempfile.TemporaryDirectory() as folder:
        async with serving() as served:
            for number in range(MEETINGS):
                async with _two(served, Path(folder)) as (red, blue):
                    start, found = await _meet(red, blue)
                    cold.append(start)
                    warm.extend(found)
                    if number == MEETINGS - 1:
                        before = served.cpu_seconds()
                        await asyncio.sleep(STEADY_SECONDS)
                        used = served.cpu_seconds() - before
    print(_line("Start to first remote frame", cold))
    print(_line("partner_found to first remote frame", warm))
    print(f"server CPU for one pair: {100 * used / STEADY_SECONDS:.0f} % of a core (320x240, 20 fps, both ways)")


if __name__ == "__main__":
    asyncio.run(measure())
