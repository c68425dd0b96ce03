"""Two real browsers without a video codec in common see each other: the picture is converted on the way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import async_playwright
from prometheus_client.parser import text_string_to_metric_families

from tests.kit.browsers import TONE_TOLERANCE, Person, at_the_page, meet, see_each_other
from tests.kit.cameras import TONES
from tests.kit.looks import LOOK
from tests.kit.servers import Served, serving

PLAIN_COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0)}
"""What the cameras of those names show."""
TOLERANCE = 12
"""Of 255. Pictures that are taken for BT.709 instead of BT.601 are wrong by up to 39."""

KNOWS_ONLY = """(codec) => {
  const prefer = RTCRtpTransceiver.prototype.setCodecPreferences;
  RTCRtpTransceiver.prototype.setCodecPreferences = function (codecs) {
    const wanted = ({ mimeType }) => ['video/' + codec, 'video/rtx'].includes(mimeType);
    const video = this.receiver.track.kind === 'video';
    return prefer.call(this, video ? codecs.filter(wanted) : codecs);
  };
}"""
"""Leaves one video codec in what the browser offers, to send and to receive."""


@asynccontextmanager
async def who_knows(served: Served, folder: Path, **codecs: str) -> AsyncIterator[list[Person]]:
    """People by colour, each with the only video codec that their browser knows."""
    async with async_playwright() as playwright:
        pages = [
            at_the_page(playwright, colour, served.url, folder, script=f"() => ({KNOWS_ONLY})('{codec}')")
            for colour, codec in codecs.items()
        ]
        people = [await page.__aenter__() for page in pages]
        try:
            yield people
        finally:
            for page in pages:
                await page.__aexit__(None, None, None)


async def figures(served: Served) -> dict[str, float]:
    """What `/metrics` says of transcoders, of frames by their outcome."""
    async with aiohttp.ClientSession() as client, client.get(served.url + "metrics") as response:
        families = text_string_to_metric_families(await response.text())
    return {
        sample.labels.get("outcome", sample.name): sample.value
        for family in families
        if family.name.startswith("relay_transcoder")
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


async def reaches(served: Served, transcoders: int) -> None:
    """Wait until there are so many transcoders."""
    async with asyncio.timeout(10):
        while True:
            if (await figures(served))["relay_transcoders"] == transcoders:
                return
            await asyncio.sleep(0.1)


async def sees_exactly(person: Person, colour: str) -> None:
    """Wait for a picture whose colour is right to within what encoding takes."""
    await person.page.wait_for_function(
        f"""async ([video, right]) => {{
          const {{ colour }} = await ({LOOK})(video);
          return colour.every((value, index) => Math.abs(value - right[index]) < {TOLERANCE});
        }}""",
        arg=[await person.partner.element_handle(), list(PLAIN_COLOURS[colour])],
        timeout=15_000,
        polling=100,
    )


@pytest.mark.slow
async def test_two_without_a_common_codec_see_right_colours_and_part_without_a_trace(tmp_path: Path) -> None:
    # Green shows best when a picture is taken for BT.709: 216 instead of 255; of red, 24 instead of 0.
    async with serving(transcoders="2") as served, who_knows(served, tmp_path, red="H264", green="VP8") as (red, green):
        assert (await figures(served))["relay_transcoders"] == 0
        await meet(red, green)
        await see_each_other(red, green)
        await asyncio.gather(red.sees_movement(), green.sees_movement())
        await asyncio.gather(sees_exactly(red, "green"), sees_exactly(green, "red"))
        heard = await asyncio.gather(red.hears(), green.hears())
        assert [abs(tone - TONES[of]) < TONE_TOLERANCE for tone, of in zip(heard, ("green", "red"), strict=True)]
        await reaches(served, 2)
        assert (await figures(served))["converted"] > 100
        await red.button("Stop").click()
        await reaches(served, 0)
        converted = (await figures(served))["converted"]
        await green.is_told("Your partner left")
        assert (await figures(served))["converted"] == converted


@pytest.mark.slow
async def test_where_no_picture_can_be_converted_there_is_sound_and_a_word(tmp_path: Path) -> None:
    async with serving(transcoders="0") as served, who_knows(served, tmp_path, red="H264", blue="VP8") as (red, blue):
        await meet(red, blue)
        await asyncio.gather(
            *(one.page.get_by_text("Your browser cannot show their kind of picture").wait_for() for one in (red, blue))
        )
        assert abs(await red.hears() - TONES["blue"]) < TONE_TOLERANCE
        seen = await figures(served)
        assert (seen["relay_transcoders"], seen["relay_transcoders_refused_total"]) == (0, 2)


@pytest.mark.slow
@pytest.mark.parametrize("codec", ["H264", "VP8"])
async def test_a_pair_that_understands_each_other_takes_no_transcoder(tmp_path: Path, codec: str) -> None:
    async with serving(transcoders="2") as served, who_knows(served, tmp_path, red=codec, blue=codec) as (red, blue):
        await meet(red, blue)
        await see_each_other(red, blue)
        assert set((await figures(served)).values()) == {0.0}
