"""What is seen and heard of a partner, and of nobody else, whatever the browser does to the element."""

import asyncio
import os
import signal
from pathlib import Path

import pytest
from playwright.async_api import async_playwright, expect

from tests.browser.devices import service_of
from tests.kit.browsers import GUARD_SECONDS, Invite, at_the_page, meet, see_each_other
from tests.kit.servers import Served

NO_FRAME_CALLBACK = "() => { delete HTMLVideoElement.prototype.requestVideoFrameCallback; }"

WATCH_FOR = """(colour) => {
  const strongest = { red: 0, green: 1, blue: 2 }[colour];
  window.sightings = 0;
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 8;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  const watch = () => {
    const video = document.querySelector('video[aria-label="Partner video"]');
    if (video?.dataset.inView === 'true' && video.videoWidth > 0) {
      context.drawImage(video, 0, 0, 8, 8);
      const pixel = context.getImageData(4, 2, 1, 1).data;
      if (pixel[strongest] > 100 && [0, 1, 2].every((c) => c === strongest || pixel[c] < 80)) window.sightings += 1;
    }
    requestAnimationFrame(watch);
  };
  watch();
}"""
"""Counts the moments in which a picture of this colour is in view."""

LISTEN_FOR = """() => {
  const video = document.querySelector('video[aria-label="Partner video"]');
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 1024 });
  context.createMediaStreamSource(video.srcObject).connect(analyser);
  const samples = new Float32Array(1024);
  window.loudest = 0;
  setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    window.loudest = Math.max(window.loudest, ...samples.map(Math.abs));
  }, 5);
}"""
"""Keeps the loudest sample since `window.loudest` was last set to 0."""


async def test_an_element_that_is_paused_plays_again(invite: Invite) -> None:
    red, blue = await asyncio.gather(invite("red"), invite("blue"))
    await meet(red, blue)
    await see_each_other(red, blue)
    await red.partner.evaluate("(video) => video.pause()")
    await red.page.wait_for_function("(video) => !video.paused", arg=await red.partner.element_handle())
    await red.sees_movement()
    await red.is_told("You are talking")


async def test_a_sound_service_that_dies_takes_the_partner_away_for_a_moment_only(invite: Invite) -> None:
    red, blue = await asyncio.gather(invite("red"), invite("blue"))
    await meet(red, blue)
    await see_each_other(red, blue)
    os.kill(await service_of(red, "audio"), signal.SIGKILL)
    await asyncio.sleep(0.5)
    await red.page.wait_for_function("(video) => !video.paused", arg=await red.partner.element_handle())
    await red.sees_movement()
    await expect(red.partner).to_be_visible()


async def test_an_element_that_is_kept_from_playing_has_words_and_a_button(invite: Invite) -> None:
    red, blue = await asyncio.gather(invite("red"), invite("blue"))
    await meet(red, blue)
    await see_each_other(red, blue)
    await red.partner.evaluate(
        """(video) => {
          video.play = () => Promise.reject(new DOMException('', 'AbortError'));
          video.pause();
        }"""
    )
    await red.is_told("Your browser stopped the picture")
    await red.picture("playback_stopped")
    await red.partner.evaluate("(video) => { delete video.play; }")
    await red.button("Play").click()
    await red.sees_movement()
    await red.is_told("You are talking")


@pytest.mark.parametrize("script", ["() => {}", NO_FRAME_CALLBACK], ids=["each frame", "counted frames"])
async def test_a_former_partner_is_never_seen_as_the_next(served: Served, tmp_path: Path, script: str) -> None:
    """The next one's picture is held back, so that there is time to see what should not be seen."""
    async with (
        async_playwright() as playwright,
        at_the_page(playwright, "red", served.url, tmp_path, script=script) as red,
        at_the_page(playwright, "blue", served.url, tmp_path) as blue,
        at_the_page(playwright, "green", served.url, tmp_path, script=HOLDS_BACK) as green,
    ):
        await meet(red, blue)
        await red.sees("blue")
        await green.start()
        await green.is_told("Looking for a partner")
        await red.next()
        await red.page.evaluate(WATCH_FOR, "blue")
        await green.is_told("You are talking")
        await asyncio.sleep(2)
        assert await red.page.evaluate("window.sightings") == 0
        await green.page.evaluate("window.release()")
        await red.sees("green")
        await expect(red.partner).to_be_visible()
        assert await red.page.evaluate("window.sightings") == 0


@pytest.mark.slow
async def test_a_former_partner_is_not_heard_any_more(invite: Invite) -> None:
    red, blue = await asyncio.gather(invite("red"), invite("blue"))
    await meet(red, blue)
    await see_each_other(red, blue)
    await red.page.evaluate(LISTEN_FOR)
    await red.page.wait_for_function("() => window.loudest > 0.05")
    for _ in range(3):
        await asyncio.sleep(GUARD_SECONDS)
        # In the middle of a beep, which lasts for half of each second.
        await red.page.evaluate("window.loudest = 0")
        await red.page.wait_for_function("() => window.loudest > 0.05")
        silenced = await red.page.evaluate(
            """async () => {
              [...document.querySelectorAll('button')].find((it) => it.textContent.trim() === 'Next').click();
              // What the sound card was given already is 30 ms at most, and the analyser's window 21.
              await new Promise((resolve) => setTimeout(resolve, 60));
              window.loudest = 0;
              await new Promise((resolve) => setTimeout(resolve, 400));
              return window.loudest;
            }"""
        )
        assert silenced < 0.01
        await asyncio.gather(red.is_told("You are talking"), blue.is_told("You are talking"))


HOLDS_BACK = """() => {
  const Plain = window.RTCPeerConnection;
  const held = [];
  window.release = () => { for (const [sender, track, replace] of held.splice(0)) replace.call(sender, track); };
  const replace = RTCRtpSender.prototype.replaceTrack;
  RTCRtpSender.prototype.replaceTrack = function (track) {
    if (track?.kind !== 'video') return replace.call(this, track);
    held.push([this, track, replace]);
    return Promise.resolve();
  };
}"""
"""A camera whose picture waits for `window.release()`."""
