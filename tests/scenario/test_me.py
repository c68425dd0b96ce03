"""What a visitor is told of what is kept of them, and its end."""

import contextlib
import sqlite3
from pathlib import Path

from relay.app import Relay
from relay.auth.own_data import from_people
from relay.store.database import FILE
from tests.kit.agreeing import answer, browser
from tests.kit.servers import on_loopback, running


def keep_one(folder: Path, code: str) -> None:
    with contextlib.closing(sqlite3.connect(folder / FILE)) as connection, connection:
        connection.execute("INSERT INTO chats VALUES (?, ?, 'another', 1, 9999999999)", (code[:8], code))


def own_origin(relay: Relay) -> dict[str, str]:
    return {"Origin": f"http://127.0.0.1:{relay.port}"}


async def test_people_see_what_is_kept_of_them_and_erase_it(tmp_path: Path) -> None:
    settings = on_loopback(database=None, state_dir=str(tmp_path), consent="required")
    async with running(settings) as relay, browser(relay.port) as ann, browser(relay.port) as bob:
        async with ann.get("/videochat/me") as told:
            assert (told.status, await told.json()) == (200, {"code": None, "kept": {}})
        async with ann.get("/videochat/me/export") as told:
            assert (told.status, (await told.json())["code"]) == (404, "not_found")
        async with ann.delete("/videochat/me", headers=own_origin(relay)) as told:
            assert told.status == 404
        for person in (ann, bob):
            assert await answer(person) == (204, None)
        codes = []
        for person in (ann, bob):
            async with person.get("/videochat/me") as told:
                me = await told.json()
                assert me["kept"] == {"chats": 0}
                codes.append(from_people(me["code"]) or "")
        assert codes[0] != codes[1]
        for code in codes:
            keep_one(tmp_path, code)
        async with ann.get("/videochat/me/export") as told:
            assert told.headers["Content-Disposition"].startswith("attachment")
            exported = await told.json()
            assert [chat["id"] for chat in exported["chats"]] == [codes[0][:8]]
        async with ann.delete("/videochat/me", headers={"Origin": "https://elsewhere.example"}) as told:
            assert told.status == 403
        async with ann.delete("/videochat/me", headers=own_origin(relay)) as told:
            assert (told.status, await told.json()) == (200, {"erased": {"chats": 1}})
        for person, left in ((ann, 0), (bob, 1)):
            async with person.get("/videochat/me") as told:
                assert (await told.json())["kept"] == {"chats": left}
    with contextlib.closing(sqlite3.connect(tmp_path / FILE)) as connection:
        deeds = connection.execute("SELECT who, what, subject FROM audit").fetchall()
    assert deeds == [("visitor", "visitor_erased", codes[0])]


async def test_without_a_database_nothing_is_kept_of_anybody(tmp_path: Path) -> None:
    settings = on_loopback(state_dir=str(tmp_path), consent="required")
    async with running(settings) as relay, browser(relay.port) as ann:
        assert await answer(ann) == (204, None)
        async with ann.get("/videochat/me") as told:
            assert (told.status, (await told.json())["kept"]) == (200, {})
        async with ann.delete("/videochat/me", headers=own_origin(relay)) as told:
            assert (told.status, await told.json()) == (200, {"erased": {}})
