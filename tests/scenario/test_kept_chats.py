"""Chats that two people keep: both have to want it, and nothing else is ever written."""

import contextlib
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from relay.app import Relay
from relay.config.settings import Settings
from relay.errors import ConfigurationError
from relay.session import keeping as keeping_module
from relay.store import chats as sql
from relay.store.database import FILE
from relay.store.facts import new_key
from tests.kit.agreeing import answer, browser, come
from tests.kit.people import Visitor, introduce, until
from tests.kit.servers import on_loopback, running

WORDS = "nobody else is to read this"


def keeps(folder: Path, days: str = "30", **more: object) -> Settings:
    return on_loopback(
        **{"database": None, "state_dir": str(folder), "consent": "required", "chat_history": days, **more}
    )


class Side:
    """One of the two: their browser and their page."""

    def __init__(self, client: aiohttp.ClientSession, visitor: Visitor, room: str) -> None:
        self.client = client
        self.visitor = visitor
        self.room = room

    async def keep(self, keep: bool = True) -> None:
        await self.visitor.say("keep_chat", room_id=self.room, keep=keep)

    async def told(self) -> tuple[bool, bool, bool, bool]:
        """Whether they want it, whether the partner does, whether it is kept, whether it failed."""
        stands = await self.visitor.hear("chat_keeping")
        assert stands["room_id"] == self.room
        return stands["own"], stands["partner"], "until" in stands, stands.get("failed", False)

    async def kept(self) -> list[dict[str, Any]]:
        async with self.client.get("/videochat/history") as told:
            assert told.status == 200
            chats: list[dict[str, Any]] = (await told.json())["chats"]
            return chats


@asynccontextmanager
async def two(relay: Relay) -> AsyncIterator[tuple[Side, Side]]:
    """Who have agreed to the rules, and talk."""
    async with browser(relay.port) as anns, browser(relay.port) as bobs:
        for client in (anns, bobs):
            assert await answer(client) == (204, None)
        async with come(anns) as ann, come(bobs) as bob:
            found, _ = await introduce(ann, bob, "text")
            yield Side(anns, ann, found["room_id"]), Side(bobs, bob, found["room_id"])


async def say(one: Side, other: Side, *texts: str) -> None:
    for text in texts:
        await one.visitor.say("chat_message", id=new_key(), text=text, room_id=one.room)
        await one.visitor.hear("message_delivered")
        await other.visitor.hear("chat_message")


async def agree(ann: Side, bob: Side) -> None:
    """Both want it, and it is kept."""
    await ann.keep()
    assert await ann.told() == (True, False, False, False)
    assert await bob.told() == (False, True, False, False)
    await bob.keep()
    for side in (ann, bob):
        # The newer word may have taken the older one's place.
        stands = await side.told()
        if not stands[2]:
            stands = await side.told()
        assert stands == (True, True, True, False)


def rows(folder: Path, table: str) -> int:
    with contextlib.closing(sqlite3.connect(f"file:{folder / FILE}?mode=ro", uri=True)) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 - ours


def everything(folder: Path) -> bytes:
    """All that the server wrote."""
    return b"".join(file.read_bytes() for file in folder.iterdir())


async def test_what_both_write_is_kept_from_when_both_want_it_and_for_the_two_alone(tmp_path: Path) -> None:
    async with running(keeps(tmp_path)) as relay, two(relay) as (ann, bob):
        await say(ann, bob, "before")
        await agree(ann, bob)
        await say(ann, bob, "hello", WORDS)
        await say(bob, ann, "good day")
        await until(lambda: rows(tmp_path, "chat_lines") == 3)
        for side, own in ((ann, [True, True, False]), (bob, [False, False, True])):
            (chat,) = await side.kept()
            assert [line["text"] for line in chat["lines"]] == ["hello", WORDS, "good day"]
            assert [line["own"] for line in chat["lines"]] == own
            assert chat["until"] - chat["began_at"] == 30 * 86_400
        async with browser(relay.port) as eve:
            assert await answer(eve) == (204, None)
            async with eve.get("/videochat/history") as told:
                assert await told.json() == {"days": 30, "chats": []}
            async with eve.delete(f"/videochat/history/{chat['id']}") as told:
                assert told.status == 404
        assert 'relay_chats_kept_total{outcome="begun"} 1.0' in relay.metrics.render().decode()
    content = everything(tmp_path)
    for secret in (WORDS, "good day", "before", ann.room):
        assert secret.encode() not in content


@pytest.mark.parametrize("days", ["off", "30"])
async def test_unless_both_want_it_nothing_is_written(tmp_path: Path, days: str) -> None:
    async with running(keeps(tmp_path, days)) as relay, two(relay) as (ann, bob):
        await ann.keep()
        if days == "off":
            assert (await ann.visitor.hear("error"))["code"] == "out_of_turn"
        else:
            assert await ann.told() == (True, False, False, False)
            assert await bob.told() == (False, True, False, False)
        await say(ann, bob, WORDS)
        await say(bob, ann, "good day")
    assert (rows(tmp_path, "chats"), rows(tmp_path, "chat_lines")) == (0, 0)
    content = everything(tmp_path)
    assert WORDS.encode() not in content


async def test_who_wants_no_more_takes_it_all_away(tmp_path: Path) -> None:
    async with running(keeps(tmp_path)) as relay, two(relay) as (ann, bob):
        await agree(ann, bob)
        await say(ann, bob, "hello")
        await until(lambda: rows(tmp_path, "chat_lines") == 1)
        await bob.keep(False)
        assert await ann.told() == (True, False, False, False)
        assert await bob.told() == (False, True, False, False)
        await say(ann, bob, WORDS)
        await until(lambda: rows(tmp_path, "chats") == 0)
        assert (await ann.kept(), await bob.kept()) == ([], [])
        await bob.keep()
        for side in (ann, bob):
            assert (await side.told())[:2] == (True, True)
            assert await side.told() == (True, True, True, False)
        await say(bob, ann, "again")
        await until(lambda: rows(tmp_path, "chat_lines") == 1)
        ((chat),) = await ann.kept()
        assert [line["text"] for line in chat["lines"]] == ["again"]


@pytest.mark.parametrize("way", ["history", "me"])
async def test_who_erases_it_erases_it_for_both_and_the_other_is_told(tmp_path: Path, way: str) -> None:
    async with running(keeps(tmp_path)) as relay, two(relay) as (ann, bob):
        await agree(ann, bob)
        await say(ann, bob, "hello")
        await until(lambda: rows(tmp_path, "chat_lines") == 1)
        (chat,) = await bob.kept()
        path = f"/videochat/history/{chat['id']}" if way == "history" else "/videochat/me"
        async with bob.client.delete(path, headers={"Origin": "https://elsewhere.example"}) as refused:
            assert refused.status == 403
        async with bob.client.delete(path, headers={"Origin": f"http://127.0.0.1:{relay.port}"}) as done:
            assert done.status in (200, 204)
        assert (await ann.kept(), await bob.kept()) == ([], [])
        await say(ann, bob, "and now?")
        for side in (ann, bob):
            assert await side.told() == (False, False, False, True)
        await say(ann, bob, WORDS)
        assert rows(tmp_path, "chat_lines") == 0


async def test_a_database_that_does_not_take_it_is_told_to_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*args: object) -> None:
        raise OSError("the disk is full")

    async with running(keeps(tmp_path)) as relay, two(relay) as (ann, bob):
        with monkeypatch.context() as patched:
            patched.setattr(sql, "begin", broken)
            await ann.keep()
            assert await ann.told() == (True, False, False, False)
            assert await bob.told() == (False, True, False, False)
            await bob.keep()
            for side in (ann, bob):
                stands = await side.told()
                assert (stands if stands[3] else await side.told()) == (False, False, False, True)
            await say(ann, bob, "hello")
        await agree(ann, bob)
        with monkeypatch.context() as patched:
            patched.setattr(sql, "add", broken)
            await say(ann, bob, "hello")
            for side in (ann, bob):
                assert await side.told() == (False, False, False, True)
        await say(ann, bob, "is not kept")
        assert (rows(tmp_path, "chats"), rows(tmp_path, "chat_lines")) == (1, 0)
        assert 'relay_chats_kept_total{outcome="failed"} 2.0' in relay.metrics.render().decode()


async def test_a_conversation_that_ends_leaves_what_was_kept(tmp_path: Path) -> None:
    async with running(keeps(tmp_path)) as relay, two(relay) as (ann, bob):
        await agree(ann, bob)
        await say(ann, bob, "hello")
        await ann.visitor.say("leave_room")
        await bob.visitor.hear("partner_disconnected")
        await until(lambda: rows(tmp_path, "chat_lines") == 1)
        assert len(await ann.kept()) == len(await bob.kept()) == 1
        await ann.keep()
        assert (await ann.visitor.hear("error"))["code"] == "out_of_turn"


async def test_who_is_back_is_told_how_it_stands(tmp_path: Path) -> None:
    async with running(keeps(tmp_path)) as relay, browser(relay.port) as anns, browser(relay.port) as bobs:
        for client in (anns, bobs):
            assert await answer(client) == (204, None)
        async with come(bobs) as bob:
            async with anns.ws_connect("/ws") as socket:
                ann = Visitor(socket)
                token = (await ann.hear("connected"))["session_token"]
                found, _ = await introduce(ann, bob, "text")
                here, there = Side(anns, ann, found["room_id"]), Side(bobs, bob, found["room_id"])
                await agree(here, there)
                ann.vanish()
            async with come(anns) as again:
                await again.say("resume", token=token)
                await again.hear("resumed")
                assert await Side(anns, again, found["room_id"]).told() == (True, True, True, False)


async def test_what_is_said_of_another_room_or_twice_changes_nothing(tmp_path: Path) -> None:
    async with running(keeps(tmp_path)) as relay, two(relay) as (ann, bob):
        await ann.visitor.say("keep_chat", room_id="another", keep=True)
        assert (await ann.visitor.hear("error"))["code"] == "out_of_turn"
        await ann.visitor.say("keep_chat", room_id=ann.room, keep="yes")
        assert (await ann.visitor.hear("error"))["code"] == "invalid_message"
        await ann.keep(False)
        assert await ann.told() == (False, False, False, False)
        for _ in range(3):
            await ann.keep()
            assert await ann.told() == (True, False, False, False)
        assert await bob.told() == (False, True, False, False)
        await ann.keep(False)
        assert await ann.told() == (False, False, False, False)
        assert await bob.told() == (False, False, False, False)


async def test_a_chat_is_kept_up_to_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping_module, "MOST_LINES", 2)
    async with running(keeps(tmp_path)) as relay, two(relay) as (ann, bob):
        await agree(ann, bob)
        await say(ann, bob, "one", "two", "three")
        for side in (ann, bob):
            assert await side.told() == (False, False, False, True)
        await until(lambda: rows(tmp_path, "chat_lines") == 2)


async def test_who_comes_is_told_for_how_long_chats_are_kept(tmp_path: Path) -> None:
    async with running(keeps(tmp_path)) as relay, browser(relay.port) as ann:
        async with ann.ws_connect("/ws") as socket:
            assert (await Visitor(socket).hear("connected"))["keeps_chats"] == 0, "nothing would lead back to them"
        assert await answer(ann) == (204, None)
        async with ann.ws_connect("/ws") as socket:
            assert (await Visitor(socket).hear("connected"))["keeps_chats"] == 30
        async with ann.get("/videochat/privacy") as told:
            assert (await told.json())["chats_days"] == 30


@pytest.mark.parametrize("contradiction", [{"consent": "off"}, {"database": "off"}])
def test_chats_are_kept_only_where_people_can_find_them_again(tmp_path: Path, contradiction: dict[str, str]) -> None:
    from relay.config import rules

    with pytest.raises(ConfigurationError, match="chat_history"):
        rules.check(keeps(tmp_path, **contradiction))
