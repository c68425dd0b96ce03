"""The whole product in real Chromium windows."""

import asyncio

import pytest

from relay.config.settings import EngineChoice
from tests.kit.browsers import TONE_TOLERANCE, Invite, meet, see_each_other
from tests.kit.cameras import TONES
from tests.kit.servers import Served


async def test_two_strangers_see_hear_and_read_each_other(invite: Invite, served: Served) -> None:
    red, blue = await asyncio.gather(invite("red"), invite("blue"))
    await red.is_told("Ready")
    await red.picture("ready")
    await red.start()
    await red.is_told("Looking for a partner")
    await red.picture("waiting")
    await blue.start()
    await see_each_other(red, blue)
    await asyncio.gather(red.sees_movement(), blue.sees_movement())
    heard_by_red, heard_by_blue = await asyncio.gather(red.hears(), blue.hears())
    assert abs(heard_by_red - TONES["blue"]) < TONE_TOLERANCE
    assert abs(heard_by_blue - TONES["red"]) < TONE_TOLERANCE

    await red.write("hello <b>stranger</b> https://example.org")
    await blue.chat.get_by_text("hello <b>stranger</b> https://example.org", exact=True).wait_for()
    assert await blue.chat.get_by_role("link").count() == 0
    await blue.write("hello yourself")
    await red.chat.get_by_text("hello yourself", exact=True).wait_for()
    await red.picture("talking")

    for person in (red, blue):
        assert person.problems == []
        assert all(url.startswith((served.url, "blob:", "data:")) for url in person.requests), person.requests


async def test_next_finds_the_third_person_and_stop_tells_the_partner(invite: Invite) -> None:
    red, green, blue = await asyncio.gather(invite("red"), invite("green"), invite("blue"))
    await meet(red, green)
    await see_each_other(red, green)

    await blue.start()
    await blue.is_told("Looking for a partner")
    await red.next()
    await green.is_told("went on to the next person")
    await green.picture("partner_went_on")
    await see_each_other(red, blue)
    assert abs(await red.hears() - TONES["blue"]) < TONE_TOLERANCE

    await blue.button("Stop").click()
    await red.is_told("left")
    await red.picture("partner_left")
    await blue.picture("stopped")


@pytest.mark.parametrize("engine", [EngineChoice.FRAMES])
async def test_strangers_meet_on_the_frames_engine_too(invite: Invite) -> None:
    red, blue = await asyncio.gather(invite("red"), invite("blue"))
    await meet(red, blue)
    await see_each_other(red, blue)
    await asyncio.gather(red.sees_movement(), blue.sees_movement())
    assert abs(await red.hears() - TONES["blue"]) < TONE_TOLERANCE


@pytest.mark.slow
async def test_a_closed_tab_tells_the_partner(invite: Invite) -> None:
    red, green = await asyncio.gather(invite("red"), invite("green"))
    await meet(red, green)
    await red.page.close()
    await green.is_told("Your partner left")
    await green.picture("partner_vanished")


async def test_the_page_fits_a_phone(invite: Invite) -> None:
    red, green = await asyncio.gather(invite("red", (390, 844)), invite("green", (320, 568)))
    await red.is_told("Ready")
    await red.picture("ready_phone")
    await green.picture("ready_small_phone")
    await meet(red, green)
    await see_each_other(red, green)
    await red.write("hello from a phone")
    await red.picture("talking_phone")
    await green.picture("talking_small_phone")
    for person in (red, green):
        overflow = await person.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert overflow <= 0
