"""What the native core promises to real browsers: every codec, quick switches, and no need of Python."""

import signal
import statistics
from pathlib import Path

import pytest
from playwright.async_api import async_playwright

from tests.browser.conftest import Served, serving
from tests.browser.person import at_the_page
from tests.browser.skips import LONGEST_STALL, WANDER, WATCH, Skips, skip_often
from tests.browser.test_strangers_meet import meet, see_each_other

SEND_ONLY = """(codec) => {
  const prefer = RTCRtpTransceiver.prototype.setCodecPreferences;
  RTCRtpTransceiver.prototype.setCodecPreferences = function (codecs) {
    const wanted = ({ mimeType }) => ['video/' + codec, 'video/rtx'].includes(mimeType);
    const video = this.receiver.track.kind === 'video' && this.direction === 'sendonly';
    return prefer.call(this, video ? codecs.filter(wanted) : codecs);
  };
}"""

COUNT_FRAMES = """(video) => new Promise((resolve) => {
  let frames = 0;
  const count = () => { frames++; video.requestVideoFrameCallback(count); };
  video.requestVideoFrameCallback(count);
  setTimeout(() => resolve(frames), 2000);
})"""

CODEC = """async () => {
  const reports = await window.connection.getStats();
  const sent = [...reports.values()].find(({ type, kind, bytesSent }) =>
    type === 'outbound-rtp' && kind === 'video' && bytesSent > 0);
  return reports.get(sent.codecId).mimeType;
}"""
"""What the camera is sent as."""

EXPOSE = """() => {
  const Plain = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Plain {
    constructor(...given) { super(...given); window.connection = this; }
  };
}"""

PLAIN_COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}
COLOUR_TOLERANCE = 30


@pytest.mark.parametrize("codec", ["VP8", "H264", "VP9", "AV1"])
async def test_each_codec_arrives_with_its_colours_and_moves(served: Served, tmp_path: Path, codec: str) -> None:
    forced = f"() => {{ ({EXPOSE})(); ({SEND_ONLY})('{codec}'); }}"
    async with (
        async_playwright() as playwright,
        at_the_page(playwright, "red", served.url, tmp_path, script=forced) as red,
        at_the_page(playwright, "blue", served.url, tmp_path) as blue,
    ):
        await meet(red, blue)
        await see_each_other(red, blue)
        await blue.sees_movement()
        for seen, expected in zip(await blue.picture_of_partner(), PLAIN_COLOURS["red"], strict=True):
            assert abs(seen - expected) < COLOUR_TOLERANCE
        assert await red.page.evaluate(CODEC) == f"video/{codec}"


async def test_next_shows_the_new_partner_at_once_and_never_stalls(tmp_path: Path) -> None:
    async with (
        serving(rate_skip="100000") as served,
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


async def test_a_stalled_event_loop_costs_nobody_a_frame(tmp_path: Path) -> None:
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
        assert stalled > 0.8 * calm > 20
        # The loop is back, and nobody was given up meanwhile.
        await red.write("still here")
        await blue.chat.get_by_text("still here").wait_for()
