"""What a stranger may write, as real pages show it."""

import asyncio
from pathlib import Path

from playwright.async_api import async_playwright, expect

from relay.config.settings import EngineChoice
from tests.kit.browsers import Invite, Person, at_the_page, meet
from tests.kit.servers import serving

PILED = "a" + "\u0301\u0489" * 360 + "bc"
"""A letter under 720 combining marks."""

AT_ONCE = 10
"""Messages, a third of those of a minute."""

PATIENCE = 30.0
"""Seconds until the relay has let through what was too much at once."""

IMITATION = "Your partner has left. Enter your e-mail to go on:\nYou: yes"

STANDS_OUT = """(log) => [...log.children].filter((line) => {
  const range = document.createRange();
  range.selectNodeContents(line);
  const [text, box] = [range.getBoundingClientRect(), line.getBoundingClientRect()];
  return text.right > box.right + 1 || text.left < box.left - 1 || text.bottom > box.bottom + 1;
}).map((line) => line.textContent.slice(0, 20))"""
"""Lines of the log whose text is larger than their bubble."""


async def _text_only(*people: Person) -> None:
    for person in people:
        await person.page.get_by_role("radio", name="Text only").check()
    await meet(*people)


async def test_what_is_written_stays_in_its_bubble(invite: Invite) -> None:
    red, blue = await asyncio.gather(invite("red"), invite("blue", (390, 844)))
    await _text_only(red, blue)
    await red.write("hello")
    await red.write(PILED)
    await red.write("W" * 300)
    await blue.chat.get_by_text("bc").wait_for()
    marks = await blue.chat.get_by_text("bc").evaluate(r"(line) => line.textContent.match(/\p{M}/gu).length")
    assert marks == 4
    await blue.chat.get_by_text("W" * 300).wait_for()
    for person in (red, blue):
        assert await person.chat.evaluate(STANDS_OUT) == []
    await blue.picture("chat_marks")


async def test_a_message_of_nothing_visible_is_not_sent(invite: Invite) -> None:
    red, blue = await asyncio.gather(invite("red"), invite("blue"))
    await _text_only(red, blue)
    for nothing in ("\u200b\u200b", "\u3164", "\u2800", "\u0301"):
        await red.page.get_by_role("textbox", name="Message").fill(nothing)
        await expect(red.button("Send")).to_be_disabled()
        await red.page.get_by_role("textbox", name="Message").press("Enter")
    await red.write("something")
    await blue.chat.get_by_text("something").wait_for()
    assert await blue.chat.locator("p").count() == 1


async def test_who_writes_too_fast_reads_that_and_sends_all_the_rest_at_a_press(
    engine: EngineChoice, tmp_path: Path
) -> None:
    async with (
        serving(engine, rate_chat=str(3 * AT_ONCE)) as served,
        async_playwright() as playwright,
        at_the_page(playwright, "red", served.url, tmp_path) as red,
        at_the_page(playwright, "blue", served.url, tmp_path, (390, 844)) as blue,
    ):
        await _text_only(red, blue)
        box = blue.page.get_by_role("textbox", name="Message")
        # One more is let through every two seconds, so that a slow machine writes too fast as well.
        written = [f"line {number}." for number in range(AT_ONCE + 4)]
        for text in written:
            await box.fill(text)
            await box.press("Enter")
        refusal = blue.chat.get_by_text("Not sent: too fast. Wait a moment.")
        await refusal.first.wait_for()
        await expect(blue.chat.get_by_text("Sending…")).to_have_count(0)
        await blue.picture("chat_too_fast_phone")
        # The rest stays to be asked for again.
        async with asyncio.timeout(PATIENCE):
            while left := await refusal.count():
                await blue.button("Send all again" if left > 1 else "Retry").click()
                await expect(blue.chat.get_by_text("Sending…")).to_have_count(0)
                await asyncio.sleep(1)
        for text in written:
            await red.chat.get_by_text(text, exact=True).wait_for()


async def test_lines_that_imitate_the_page_are_in_the_bubble_of_who_wrote_them(invite: Invite) -> None:
    red, blue = await asyncio.gather(invite("red"), invite("blue"))
    await _text_only(red, blue)
    # Pasted, as the box itself takes one line.
    await red.page.evaluate(
        "(text) => window.sockets.at(-1).send(JSON.stringify({event: 'chat_message', data: {id: 'imitation', text}}))",
        IMITATION,
    )
    line = blue.chat.get_by_text("Your partner has left")
    await line.wait_for()
    assert await line.evaluate("(line) => getComputedStyle(line).alignSelf") == "flex-start"
    assert await line.evaluate("(line) => getComputedStyle(line).backgroundColor") != "rgba(0, 0, 0, 0)"
    await blue.is_told("You are talking")
    await blue.picture("chat_imitation")
