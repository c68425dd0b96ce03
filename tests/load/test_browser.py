"""The generator is real: a browser shows what it sends, and it takes what a browser sends."""

import asyncio
import shutil
from pathlib import Path

import pytest
from playwright.async_api import async_playwright

from tests.bench.clip import FPS, HEIGHT, WIDTH, write_clip
from tests.kit import generator
from tests.kit.browsers import at_the_page
from tests.kit.servers import serving

pytestmark = pytest.mark.skipif(shutil.which("cargo") is None, reason="the generator is built with cargo")

SECONDS = 4

DECODED = """({ video, width, height, frames }) =>
  video.videoWidth === width && video.videoHeight === height
  && video.getVideoPlaybackQuality().totalVideoFrames >= frames"""


async def test_a_browser_and_a_generated_person_get_each_others_media(tmp_path: Path) -> None:
    await asyncio.to_thread(generator.build)
    clip = tmp_path / "clip.ivf"
    write_clip(clip)
    options = ("--people", "1", "--foreign", "--vp8", str(clip), "--seconds", str(SECONDS))
    async with (
        async_playwright() as playwright,
        serving() as served,
        at_the_page(playwright, "red", served.url, tmp_path) as red,
    ):
        await red.is_told("Ready")
        address = f"127.0.0.1:{served.port}"
        playing = asyncio.create_task(asyncio.to_thread(generator.play, "relay", address, *options))
        await red.start()
        await red.is_told("You are talking")
        video = await red.partner.element_handle()
        expected = {"video": video, "width": WIDTH, "height": HEIGHT, "frames": FPS * SECONDS // 2}
        await red.page.wait_for_function(DECODED, arg=expected, timeout=1_000 * (SECONDS + 10))
        report = await playing
    assert report.failures == {}
    assert (report.undecryptable, report.malformed, report.duplicates, report.gaps) == (0, 0, 0, 0)
    assert report.first_keyframe_ms.count == 1
    # Sound alone is 50 packets a second.
    assert report.packets_per_person > 60
