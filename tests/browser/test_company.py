"""Being with somebody: where the focus is, what is told to who looks elsewhere, and to who sees or hears nothing."""

import asyncio
import json

from playwright.async_api import expect

from tests.browser.hiding import look_away, look_back
from tests.kit.browsers import Invite, Person, meet, see_each_other

RECORD_SPEECH = """() => {
  window.spoken = [];
  const regions = document.querySelectorAll('[role=status], [aria-live=polite]');
  for (const region of regions) new MutationObserver((changes) => {
    for (const { addedNodes, target, type } of changes) {
      if (type === 'characterData') window.spoken.push(target.textContent);
      for (const node of addedNodes) window.spoken.push(node.textContent);
    }
  }).observe(region, { childList: true, characterData: true, subtree: true });
}"""
"""Keeps what a screen reader would read out by itself."""

RECORD_TONES = """() => {
  window.tones = [];
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (...given) {
    window.tones.push(this.frequency.value);
    return start.apply(this, given);
  };
}"""


async def _focused(person: Person) -> str:
    name: str = await person.page.evaluate(
        "document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent"
    )
    return name


OWN_TAB = "Your other tab is waiting, too. To try it with yourself, open a private window."


async def test_who_opens_two_tabs_is_not_paired_with_themselves_and_reads_why(invite: Invite) -> None:
    red, blue = await asyncio.gather(invite("red"), invite("blue"))
    tab = await red.open_tab()
    for each in (red, tab, blue):
        await each.page.get_by_role("radio", name="Text only").check()
    for each in (red, tab):
        await each.start()
        await each.is_told("Looking for a partner")
    for each in (red, tab):
        await expect(each.page.get_by_text(OWN_TAB)).to_be_visible()
    await red.picture("own_tab")
    await tab.page.set_viewport_size({"width": 390, "height": 844})
    await tab.picture("own_tab_phone")
    # Who came first is paired first, and the other one has no tab beside it any more.
    await blue.start()
    await asyncio.gather(red.is_told("You are talking"), blue.is_told("You are talking"))
    await expect(tab.page.get_by_text(OWN_TAB)).to_have_count(0)
    await tab.is_told("Looking for a partner")


async def test_what_one_types_after_being_paired_goes_to_the_partner_and_not_on_next(invite: Invite) -> None:
    red, blue = await asyncio.gather(invite("red"), invite("blue"))
    await blue.start()
    await blue.is_told("Looking for a partner")
    await red.start()
    await red.is_told("You are talking")
    await red.page.keyboard.type("hi")
    await red.page.keyboard.press("Enter")
    await blue.chat.get_by_text("hi", exact=True).wait_for()
    await red.is_told("You are talking")


async def test_the_focus_and_what_was_typed_stay_while_partners_come_and_go(invite: Invite) -> None:
    red, blue, green = await asyncio.gather(invite("red"), invite("blue"), invite("green"))
    await meet(red, blue)
    await red.page.keyboard.type("half a sentence")
    await blue.button("Stop").click()
    await red.is_told("Looking for another")
    assert await _focused(red) == "Message"
    await red.page.keyboard.type(" and more")
    await green.start()
    await red.is_told("You are talking")
    assert await _focused(red) == "Message"
    await expect(red.page.get_by_role("textbox", name="Message")).to_have_value("half a sentence and more")
    await red.page.keyboard.press("Enter")
    await red.page.get_by_text("You began this in another conversation").wait_for()
    await red.picture("begun_for_another")
    await green.write("hello")
    await red.chat.get_by_text("hello").wait_for()
    assert await green.chat.get_by_text("half a sentence").count() == 0
    await red.page.keyboard.press("Enter")
    await green.chat.get_by_text("half a sentence and more").wait_for()


async def test_a_message_has_lines_where_they_were_written(invite: Invite) -> None:
    red, blue = await asyncio.gather(invite("red"), invite("blue"))
    for person in (red, blue):
        await person.page.get_by_role("radio", name="Text only").check()
    await meet(red, blue)
    await red.page.keyboard.type("one")
    await red.page.keyboard.press("Shift+Enter")
    await red.page.keyboard.type("two")
    await red.page.keyboard.press("Enter")
    line = blue.chat.get_by_text("one")
    await line.wait_for()
    assert await line.inner_text() == "one\ntwo"


async def test_who_reads_back_is_left_there_and_told_of_what_is_new(invite: Invite) -> None:
    red, blue = await asyncio.gather(invite("red"), invite("blue"))
    for person in (red, blue):
        await person.page.get_by_role("radio", name="Text only").check()
    await meet(red, blue)
    for number in range(12):
        await blue.write(f"message {number} " + "of some length " * 12)
    await red.chat.get_by_text("message 11").wait_for()
    await red.chat.evaluate("(log) => { log.scrollTop = 0; }")
    await blue.write("one more")
    await expect(red.button("1 new")).to_be_visible()
    assert await red.chat.evaluate("(log) => log.scrollTop") == 0
    await red.picture("new_below")
    await red.button("1 new").click()
    await expect(red.button("1 new")).to_have_count(0)
    await expect(red.chat.get_by_text("one more")).to_be_in_viewport()


async def test_who_looks_elsewhere_is_called_and_not_seen_until_they_look(invite: Invite) -> None:
    red, blue = await asyncio.gather(invite("red"), invite("blue"))
    await red.page.evaluate(f"({RECORD_TONES})()")
    await red.start()
    await red.is_told("Looking for a partner")
    await expect(red.page).to_have_title("Searching… · Random video chat")
    await look_away(red)
    await blue.start()
    await blue.is_told("You are talking")
    await expect(red.page).to_have_title("● Someone is here · Random video chat")
    assert "news" in await red.page.locator("link[rel=icon]").get_attribute("href")  # type: ignore[operator]
    assert await red.page.evaluate("window.tones.length") == 2
    await blue.page.get_by_text("Their camera is off").wait_for()
    await blue.write("hello?")
    await expect(red.page).to_have_title("(1) New message · Random video chat")
    # Their camera was off from the first moment on.
    found = next(json.loads(frame) for frame in await blue.frames_received() if "partner_found" in frame)
    assert found["data"]["camera"] is False
    await look_back(red)
    await expect(red.page).to_have_title("Random video chat")
    await blue.sees("red")
    await expect(red.button("Turn camera off")).to_be_visible()


async def test_whom_one_has_seen_goes_on_seeing(invite: Invite) -> None:
    red, blue = await asyncio.gather(invite("red"), invite("blue"))
    await meet(red, blue)
    await see_each_other(red, blue)
    await look_away(red)
    await blue.write("still there?")
    await red.chat.get_by_text("still there?").wait_for(state="attached")
    await expect(red.button("Turn camera off")).to_be_attached()
    await blue.sees_movement()


async def test_a_blind_person_hears_what_happens_and_not_themself(invite: Invite) -> None:
    red, blue = await asyncio.gather(invite("red"), invite("blue"))
    await red.start()
    await red.is_told("Looking for a partner")
    await red.page.evaluate(f"({RECORD_SPEECH})()")
    await blue.start()
    await see_each_other(red, blue)
    await blue.button("Mute microphone").click()
    await red.page.get_by_text("Your partner is muted").wait_for()
    await blue.button("Turn camera off").click()
    await red.page.get_by_text("Their camera is off").wait_for()
    await blue.write("hello")
    await red.chat.get_by_text("hello").wait_for()
    await red.write("my own words")
    await red.chat.get_by_text("Sent").wait_for()
    heard = [words for words in await red.page.evaluate("window.spoken") if words]
    assert [words for words in heard if "typing" not in words] == [
        "You are talking with a stranger",
        "Your partner’s microphone is off",  # noqa: RUF001 - as it is written on the page
        "Your partner’s camera is off",  # noqa: RUF001
        "Partner: hello",
    ]
    snapshot = await red.chat.aria_snapshot()
    assert "Partner:" in snapshot
    assert "You:" in snapshot


async def test_a_deaf_person_sees_that_there_is_sound(invite: Invite) -> None:
    red, blue = await asyncio.gather(invite("red"), invite("blue"))
    await meet(red, blue)
    await see_each_other(red, blue)
    sign = red.page.get_by_text("Speaking", exact=True)
    await expect(sign).to_be_visible()
    await red.picture("partner_speaks")
    await blue.button("Mute microphone").click()
    await expect(sign).to_have_count(0)


async def test_what_was_chosen_is_chosen_at_the_next_visit(invite: Invite) -> None:
    red = await invite("red")
    await red.is_told("Ready")
    await red.page.get_by_role("radio", name="Text only").check()
    await red.page.get_by_role("checkbox", name="Soft sound when I am in another tab").uncheck()
    await red.page.get_by_role("checkbox", name="Search on when my partner leaves").uncheck()
    await red.page.reload()
    await red.is_told("Ready")
    await expect(red.page.get_by_role("radio", name="Text only")).to_be_checked()
    await expect(red.page.get_by_role("checkbox", name="Soft sound when I am in another tab")).not_to_be_checked()
    await expect(red.page.get_by_role("checkbox", name="Search on when my partner leaves")).not_to_be_checked()
