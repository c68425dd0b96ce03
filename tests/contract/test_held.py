"""What is kept of one visitor, on SQLite and on a real PostgreSQL: it is shown and erased by their code."""

import asyncio
import json
from pathlib import Path

import pytest
from sqlalchemy import select, update

from relay.auth import inspection
from relay.auth.keys import Keys
from relay.auth.own_data import CODE_BYTES, OwnData, code_of, for_people, from_people
from relay.auth.sealing import Sealing
from relay.auth.visitor import Visitor
from relay.errors import ConfigurationError
from relay.store import chats as sql
from relay.store.chats import Chat, Line, place
from relay.store.facts import new_key
from relay.store.tables import chat_lines, chats
from relay.store.writing import Keep, remove_old
from tests.contract.noting import ALL, Noting, noting
from tests.kit.stores import found, opened

ANN, BOB, EVE = (letter * 16 for letter in "ABE")


async def keep(server: Noting, one: str, other: str, *texts: str, until: int = 2_000_000_000, began_at: int = 1) -> str:
    """A chat in which both write in turn."""
    chat = Chat(id=new_key(), one=one, other=other, began_at=began_at, until=until)
    sealing = Sealing(server.keys)
    await server.records.write(lambda connection: sql.begin(connection, chat))
    for n, text in enumerate(texts):
        sealed = sealing.seal(text.encode(), place(chat.id, n, n % 2))
        line = Line(chat=chat.id, n=n, at=10 + n, writer=n % 2, sealed=sealed)
        for _ in range(2):
            await server.records.write(lambda connection, line=line: sql.add(connection, line))  # type: ignore[misc]
    return chat.id


def own(server: Noting) -> OwnData:
    return OwnData(records=server.records, audit=server.audit, keys=server.keys)


async def test_each_of_two_sees_what_both_wrote_and_nothing_of_who_the_other_is(database: str, tmp_path: Path) -> None:
    async with noting(database, tmp_path) as server:
        chat = await keep(server, ANN, BOB, "hello", "good day")
        await keep(server, EVE, BOB, "a secret of Eve's")
        told = await own(server).export(ANN)
        assert told == {
            "chats": [
                {
                    "id": chat,
                    "began_at": 1,
                    "until": 2_000_000_000,
                    "lines": [
                        {"at": 10, "own": True, "text": "hello"},
                        {"at": 11, "own": False, "text": "good day"},
                    ],
                }
            ]
        }
        written = json.dumps(await own(server).export(BOB))
        assert [word in written for word in ("hello", "a secret of Eve's", ANN, EVE, BOB)] == [True, True, *[False] * 3]


async def test_either_erases_for_both_and_nobody_elses(database: str, tmp_path: Path) -> None:
    async with noting(database, tmp_path) as server:
        await keep(server, ANN, BOB, "hello")
        await keep(server, BOB, ANN, "hello again")
        eves = await keep(server, EVE, BOB, "hello from Eve")
        assert await own(server).erase(ANN, "visitor") == {"chats": 2}
        assert await own(server).erase(ANN, "visitor") == {"chats": 0}
        assert await own(server).export(ANN) == {"chats": []}
    assert await found(database, select(chats.c.id)) == [(eves,)]
    assert await found(database, select(chat_lines.c.chat)) == [(eves,)]
    assert [row[1:4] for row in await found(database, ALL)] == [("visitor", "visitor_erased", ANN)] * 2


async def test_one_chat_is_erased_by_those_alone_who_had_it(database: str, tmp_path: Path) -> None:
    async with noting(database, tmp_path) as server:
        chat = await keep(server, ANN, BOB, "hello")
        counts = [
            await server.records.write(lambda connection, code=code: sql.erase(connection, chat, code))  # type: ignore[misc]
            for code in (EVE, BOB, ANN)
        ]
    assert counts == [0, 1, 0]


async def test_the_database_alone_tells_nothing_of_what_was_written(database: str, tmp_path: Path) -> None:
    async with noting(database, tmp_path) as server:
        await keep(server, ANN, BOB, "a secret")
        ((sealed,),) = await found(database, select(chat_lines.c.sealed))
        assert b"secret" not in sealed
        stranger = OwnData(records=server.records, audit=server.audit, keys=Keys.temporary())
        told = await stranger.export(ANN)
        assert told["chats"][0]["lines"] == [{"at": 10, "own": True, "text": None}]


async def test_a_line_that_somebody_moved_is_not_taken_for_the_others(database: str, tmp_path: Path) -> None:
    async with noting(database, tmp_path) as server:
        await keep(server, ANN, BOB, "I said so")
        async with opened(database) as engine, engine.begin() as connection:
            await connection.execute(update(chat_lines).values(writer=1))
        told = await own(server).export(ANN)
        assert told["chats"][0]["lines"] == [{"at": 10, "own": False, "text": None}]


async def test_chats_go_when_their_time_is_over_and_when_there_are_too_many(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "MOST_KEPT", 3)
    async with noting(database, tmp_path) as server:
        await keep(server, ANN, EVE, "the oldest", began_at=0)
        kept = [await keep(server, ANN, BOB, "hello", until=100 + at, began_at=at) for at in range(1, 4)]
    assert {row[0] for row in await found(database, select(chats.c.id))} == set(kept)
    async with opened(database) as engine, engine.begin() as connection:
        assert await remove_old(connection, 103, Keep(visits=1, sums=1)) == 2
    assert await found(database, select(chats.c.id)) == [(kept[2],)]
    assert await found(database, select(chat_lines.c.chat)) == [(kept[2],)]


async def test_the_operator_shows_and_erases_by_the_code_that_somebody_reads_to_them(
    database: str, tmp_path: Path
) -> None:
    async with noting(database, tmp_path) as server:
        await keep(server, ANN, BOB, "hello")
    told = json.loads(await asyncio.to_thread(inspection.export, server.settings, for_people(ANN).lower()))
    assert (told["code"], told["chats"][0]["lines"][0]["text"]) == (for_people(ANN), "hello")
    said = await asyncio.to_thread(inspection.erase, server.settings, for_people(ANN))
    assert said == f"Of {for_people(ANN)} was erased: chats: 1."
    assert await found(database, select(chats)) == []
    assert [row[2:4] for row in await found(database, ALL)] == [("visitor_erased", ANN)]
    for nonsense in ("", "ABCD", "ABCD-EFGH-IJKL-MNO1", "💥" * 16):
        with pytest.raises(ConfigurationError, match="no code"):
            inspection.export(server.settings, nonsense)


def test_a_code_is_always_the_same_and_leads_nowhere() -> None:
    keys = Keys.temporary()
    visitor = Visitor(id=b"0123456789abcdef", rules="1", age=18, day=3)
    code = code_of(visitor, keys)
    assert code == code_of(Visitor(id=visitor.id, rules="2", age=0, day=9), keys)
    assert code != code_of(visitor, Keys.temporary())
    assert (len(code), from_people(for_people(code).lower())) == (CODE_BYTES * 8 // 5, code)
