"""What the native core promises to real browsers: quick switches, and no need of Python."""

import signal
import statistics
from pathlib import Path

import pytest
from playwright.async_api import async_playwright

from tests.bench.skips import LONGEST_STALL, WANDER, WATCH, Skips, skip_often
from tests.kit.browsers import at_the_page, meet, see_each_other
from tests.kit.servers import serving

COUNT_FRAMES = """(video) => new Promise((resolve) => {
  let frames = 0;
  const count = () => { frames++; video.requestVideoFrameCallback(count); };
  video.requestVideoFrameCallback(count);
  setTimeout(() => resolve(frames), 2000);
})"""


@pytest.mark.slow
async def test_next_shows_the_new_partner_at_once_and_never_stalls(tmp_path: Path) -> None:
    async with (
        serving(rate_skip="100000", max_cpu_per_address="1") as served,
        async_playwright() as playwright,
        at_the_page(playwright, "red", served.url, tmp_path, script=WATCH) as red,
        at_the_page(playwright, "green", served.url, tmp_path) as green,
        at_the_page(playwright, "blue", served.url, tmp_path) as blue,
    ):
        await meet(red, green)
        await blue.start()
        await blue.is_told("Looking for a partner")
        skips: Skips = await skip_often(red, served.port, 20)
        assert statistics.median(skips.milliseconds) < 1_000
        assert skips.longest_gap < LONGEST_STALL
        assert abs(skips.wander) < 3 * WANDER


@pytest.mark.slow
async def test_a_stalled_event_loop_stops_nobodys_picture(tmp_path: Path) -> None:
    async with (
        serving(module="tests.browser.stalling_server") as served,
        async_playwright() as playwright,
        at_the_page(playwright, "red", served.url, tmp_path) as red,
        at_the_page(playwright, "blue", served.url, tmp_path) as blue,
    ):
        await meet(red, blue)
        await see_each_other(red, blue)
        calm = await blue.partner.evaluate(COUNT_FRAMES)
        served.process.send_signal(signal.SIGUSR1)
        stalled = await blue.partner.evaluate(COUNT_FRAMES)
        # A picture that stood still would leave next to nothing; busy machines lose a quarter by themselves.
        assert stalled > 0.5 * calm > 10
        # The loop is back, and nobody was given up meanwhile.
        await red.write("still here")
        await blue.chat.get_by_text("still here").wait_for()
