"""Nobody loses a partner by a key or a press that was meant for something else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

from playwright.async_api import async_playwright, expect

from tests.kit.browsers import GUARD_SECONDS, Invite, Person, at_the_page, meet
from tests.kit.servers import Served, serving

FOUND = "window.received.filter((frame) => JSON.parse(frame).event === 'partner_found').length"


async def _three_who_write(invite: Invite) -> tuple[Person, Person, Person]:
    people = await asyncio.gather(invite("red"), invite("blue"), invite("green"))
    for person in people:
        await person.page.get_by_role("radio", name="Text only").check()
    await meet(people[0], people[1])
    await people[2].start()
    await people[2].is_told("Looking for a partner")
    return people


async def test_a_double_click_skips_one_person(invite: Invite) -> None:
    red, blue, green = await _three_who_write(invite)
    await asyncio.sleep(GUARD_SECONDS)
    await red.button("Next").dblclick()
    await asyncio.gather(red.is_told("You are talking"), green.is_told("You are talking"))
    await blue.is_told("went on to the next person")
    await red.write("hello green")
    await green.chat.get_by_text("hello green").wait_for()
    assert await red.page.evaluate(FOUND) == 2


async def test_next_means_nothing_while_nobody_is_there(invite: Invite) -> None:
    red = await invite("red")
    await red.page.get_by_role("radio", name="Text only").check()
    await red.start()
    await red.is_told("Looking for a partner")
    for _ in range(40):
        await red.button("Next").click(force=True)
    await red.is_told("Looking for a partner")
    waiting = "window.received.filter((frame) => JSON.parse(frame).event === 'waiting_for_partner').length"
    assert await red.page.evaluate(waiting) == 1


async def test_escape_takes_back_what_was_written_and_asks_before_it_goes_on(invite: Invite) -> None:
    red, _blue, green = await _three_who_write(invite)
    await asyncio.sleep(GUARD_SECONDS)
    box = red.page.get_by_role("textbox", name="Message")
    await box.fill("half a sentence")
    await box.press("Escape")
    await expect(box).to_have_value("")
    await box.press("Escape")
    await expect(box).not_to_be_focused()
    await red.is_told("You are talking")
    await red.page.keyboard.press("Escape")
    await expect(red.button("Really?")).to_be_visible()
    await red.picture("really")
    # Three seconds later the question is over, and nobody is lost.
    await expect(red.button("Next")).to_be_visible()
    await green.is_told("Looking for a partner")
    await red.page.keyboard.press("Escape")
    await red.page.keyboard.press("Escape")
    await asyncio.gather(red.is_told("You are talking"), green.is_told("You are talking"))


async def test_after_a_crash_of_the_server_people_search_on(tmp_path: Path) -> None:
    async with async_playwright() as playwright, AsyncExitStack() as stack:
        served = await stack.enter_async_context(crashing())
        red, blue = [
            await stack.enter_async_context(at_the_page(playwright, colour, served.url, tmp_path))
            for colour in ("red", "blue")
        ]
        for person in (red, blue):
            await person.page.get_by_role("radio", name="Text only").check()
        await meet(red, blue)
        served.process.kill()
        await served.process.wait()
        async with serving(port=str(served.port)):
            await asyncio.gather(red.is_told("You are talking"), blue.is_told("You are talking"))
            await red.write("here again")
            await blue.chat.get_by_text("here again").wait_for()


@asynccontextmanager
async def crashing() -> AsyncIterator[Served]:
    """A server that is killed by the test, and therefore ends with no good code."""
    with suppress(AssertionError):
        async with serving() as served:
            yield served


async def test_back_brings_two_together_again_who_were_parted_by_next(invite: Invite) -> None:
    red, blue = await asyncio.gather(invite("red"), invite("blue"))
    for person in (red, blue):
        await person.page.get_by_role("radio", name="Text only").check()
    await meet(red, blue)
    await red.next()
    await red.picture("back")
    await red.button("Back").click()
    await blue.is_told("Your last partner would like to come back")
    await blue.picture("back_wished")
    await blue.button("Back").click()
    await asyncio.gather(red.is_told("You are talking"), blue.is_told("You are talking"))
    await red.write("sorry")
    await blue.chat.get_by_text("sorry").wait_for()
    again = "window.sockets.length"
    assert await red.page.evaluate(again) == await blue.page.evaluate(again) == 1
