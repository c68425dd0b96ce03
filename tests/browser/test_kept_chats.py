"""Two people keep a chat, on real pages: both have to want it, both find it again, and either takes it away."""
# ruff: noqa: ASYNC240 - files of a test

from pathlib import Path

import msgspec
from playwright.async_api import async_playwright, expect

from relay.config.settings import EngineChoice
from relay.store.database import FILE
from tests.browser.looks import look
from tests.kit.browsers import Person, at_the_page, meet
from tests.kit.servers import serving


async def agree(person: Person) -> None:
    """To the rules, so that the browser has a cookie; then the page opens anew."""
    site = person.page.context.request
    question = await (await site.get(f"{person.page.url}videochat/consent")).json()
    answer = await site.post(
        f"{person.page.url}videochat/consent",
        data=msgspec.json.encode({"rules": question["rules"], "is_of_age": True}),
        headers={"Content-Type": "application/json", "Origin": person.page.url.rstrip("/")},
    )
    assert answer.status == 204
    await person.page.reload()


async def test_two_keep_a_chat_find_it_again_and_one_erases_it(engine: EngineChoice, tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / FILE}"
    async with (
        serving(engine, consent="required", chat_history="30", database=database) as served,
        async_playwright() as playwright,
        at_the_page(playwright, "red", served.url, tmp_path) as red,
        at_the_page(playwright, "blue", served.url, tmp_path, (390, 844)) as blue,
    ):
        for person in (red, blue):
            await agree(person)
            await person.page.get_by_role("radio", name="Text only").check()
        await look(red, "history_setup")
        await meet(red, blue)
        await red.write("before")
        await blue.chat.get_by_text("before").wait_for()
        await look(red, "history_not_kept")
        await red.button("Keep this chat").click()
        await blue.page.get_by_text("Your partner would like to keep this chat.").wait_for()
        await look(blue, "history_asked")
        await blue.button("Keep it too").click()
        for person in (red, blue):
            await person.page.get_by_text("Kept for you both until").wait_for()
        await look(blue, "history_kept")
        await red.write("<b>hello</b> " + "w" * 80)
        await blue.chat.get_by_text("hello").wait_for()
        await blue.write("good day")
        await red.chat.get_by_text("good day").wait_for()
        await red.button("Stop").click()
        await red.button("Kept chats").click()
        await red.page.get_by_text("2 messages").click()
        await red.page.get_by_text("<b>hello</b>").wait_for()
        assert await red.page.get_by_role("dialog").get_by_text("before").count() == 0
        await look(red, "history_list")
        async with red.page.expect_download() as saved:
            await red.page.get_by_role("button", name="Save as text").click()
        written = Path(await (await saved.value).path()).read_text()
        assert written.splitlines() == ["You: <b>hello</b> " + "w" * 80, "Partner: good day"]
        await red.page.get_by_role("button", name="Erase for both").click()
        await expect(red.page.get_by_text("You keep none.")).to_be_visible()
        await blue.button("Stop").click()
        await blue.button("Kept chats").click()
        await expect(blue.page.get_by_text("You keep none.")).to_be_visible()
        await look(blue, "history_none")
        for person in (red, blue):
            await person.page.reload()
        await meet(red, blue)
        await red.button("Keep this chat").click()
        await blue.button("Keep it too").click()
        await blue.page.get_by_text("Kept for you both until").wait_for()
        await red.write("see you")
        await blue.chat.get_by_text("see you").wait_for()
        await blue.page.goto(f"{served.url}privacy")
        await blue.page.get_by_text("One chat that you and a partner kept.").wait_for()
        await look(blue, "mine")
        async with blue.page.expect_download() as saved:
            await blue.page.get_by_role("link", name="Save all of it").click()
        assert "see you" in Path(await (await saved.value).path()).read_text()
        await blue.button("Erase all of it").click()
        await blue.button("Yes, erase it").click()
        await blue.page.get_by_text("Nothing is kept under this code.").wait_for()
        await red.button("Stop").click()
        await red.button("Kept chats").click()
        await expect(red.page.get_by_text("You keep none.")).to_be_visible()
        assert red.problems == blue.problems == []
