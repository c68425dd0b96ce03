"""The audit log, on SQLite and on a real PostgreSQL."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import delete, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from relay import clock
from relay.auth import audit as audit_module
from relay.auth import inspection, keys
from relay.errors import ErrorCode, RelayError
from relay.store import audit as sql
from relay.store.chain import EXPIRED
from relay.store.records import DAY
from relay.store.tables import audit as entries
from tests.contract.noting import ALL, noting
from tests.kit.stores import VALUES, adds, found, opened


async def forge(database: str, *statements: object) -> None:
    """Write to the table past the triggers, as somebody can who owns the database."""
    async with opened(database) as engine, engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            await connection.execute(text("DROP TRIGGER audit_keeps"))
            await connection.execute(text("DROP TRIGGER audit_stays"))
        else:
            await connection.execute(text("ALTER TABLE audit DISABLE TRIGGER USER"))
        for statement in statements:
            await connection.execute(statement)  # type: ignore[call-overload]


async def test_what_staff_do_is_noted_in_a_chain_that_can_be_checked(database: str, tmp_path: Path) -> None:
    async with noting(database, tmp_path) as server:
        await server.audit.note("ann", "room_ended", "r1", {"minutes": 3, "by": "report"})
        await server.audit.note("bob", "drain")
        assert server.tally.audited == {"room_ended": 1, "drain": 1}
        latest = await server.audit.latest(before=None, most=10)
        assert [(entry.n, entry.who) for entry in latest] == [(2, "bob"), (1, "ann")]
        assert [entry.n for entry in await server.audit.latest(before=2, most=10)] == [1]
    assert await found(database, ALL) == [
        (1, "ann", "room_ended", "r1", '{"by":"report","minutes":3}'),
        (2, "bob", "drain", "", "{}"),
    ]
    verdict = await asyncio.to_thread(server.verify)
    assert (verdict.is_whole, verdict.words[:20]) == (True, "2 entries are whole.")


async def test_several_servers_add_to_one_chain(database: str, tmp_path: Path) -> None:
    async with noting(database, tmp_path) as here, noting(database, tmp_path) as there:
        notes = (server.audit.note("ann", "drain", str(number)) for number in range(20) for server in (here, there))
        await asyncio.gather(*notes)
    assert [row[0] for row in await found(database, ALL)] == list(range(1, 41))
    assert (await asyncio.to_thread(here.verify)).is_whole


async def test_a_change_and_its_entry_are_both_there_or_neither(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(connection: AsyncConnection) -> None:
        await adds(1)(connection)
        raise RelayError(ErrorCode.NOT_FOUND, "There is no such thing.")

    async def broken(*args: object, **more: object) -> None:
        raise OSError("no chain")

    async with noting(database, tmp_path) as server:
        with pytest.raises(RelayError, match="no such thing"):
            await server.audit.do(refuse, who="ann", what="sum_added")
        assert await server.audit.do(adds(2), who="ann", what="sum_added") == 2
        with monkeypatch.context() as patched:
            patched.setattr(sql, "append", broken)
            with pytest.raises(RelayError):
                await server.audit.do(adds(3), who="ann", what="sum_added")
        assert server.tally.audited == {"sum_added": 1}
    assert await found(database, VALUES) == [(2.0,)]
    assert len(await found(database, ALL)) == 1


async def test_the_database_itself_refuses_what_is_no_addition(database: str, tmp_path: Path) -> None:
    async with noting(database, tmp_path) as server:
        for _ in range(3):
            await server.audit.note("ann", "drain")
    async with opened(database) as engine:
        statements = [update(entries).values(who="bob"), delete(entries), delete(entries).where(entries.c.n == 2)]
        if engine.dialect.name == "postgresql":
            statements.append(text("TRUNCATE audit"))  # type: ignore[arg-type]
        for statement in statements:
            with pytest.raises(DBAPIError, match="only added to"):
                async with engine.begin() as connection:
                    await connection.execute(statement)
    assert len(await found(database, ALL)) == 3


@pytest.mark.parametrize(
    ("statements", "broken"),
    [
        ([update(entries).where(entries.c.n == 3).values(who="bob")], "Entry 3 breaks the chain. It was changed"),
        ([update(entries).where(entries.c.n == 3).values(detail='{"a":2}')], "Entry 3 breaks"),
        ([delete(entries).where(entries.c.n == 3)], "Entry 4 breaks the chain. It follows entry 2"),
        ([delete(entries).where(entries.c.n <= 2)], "Entries up to 2 are missing"),
        (
            [update(entries).where(entries.c.n == number).values(n=to) for number, to in ((2, 9), (3, 2), (9, 3))],
            "Entry 2 breaks",
        ),
    ],
)
async def test_what_somebody_does_to_the_table_is_found(
    database: str, tmp_path: Path, statements: Sequence[object], broken: str
) -> None:
    async with noting(database, tmp_path) as server:
        for number in range(5):
            await server.audit.note("ann", "drain", str(number), {"a": 1})
    await forge(database, *statements)
    verdict = await asyncio.to_thread(server.verify)
    assert not verdict.is_whole
    assert verdict.words.startswith(broken)


async def test_what_is_old_goes_and_the_chain_can_still_be_checked(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "MOST_AT_ONCE", 2)
    now = clock.unix()
    for days_ago, notes in ((400, 3), (366, 2), (364, 1), (0, 1)):
        monkeypatch.setattr(clock, "unix", lambda ago=days_ago: now - ago * DAY)
        async with noting(database, tmp_path) as server:
            for _ in range(notes):
                await server.audit.note("ann", "drain", str(days_ago))
    async with noting(database, tmp_path) as server:
        assert [await server.audit.expire() for _ in range(4)] == [2, 2, 1, 0]
    rows = await found(database, ALL)
    assert [(row[0], row[2], row[3]) for row in rows] == [
        (6, "drain", "364"),
        (7, "drain", "0"),
        (8, EXPIRED, "2"),
        (9, EXPIRED, "4"),
        (10, EXPIRED, "5"),
    ]
    assert (await asyncio.to_thread(server.verify)).is_whole
    async with opened(database) as engine:
        with pytest.raises(DBAPIError, match="only added to"):
            async with engine.begin() as connection:
                await connection.execute(delete(entries).where(entries.c.n == 6))


async def test_what_cannot_be_noted_is_not_done(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    async with noting(f"sqlite:///{tmp_path}/file/relay.db", tmp_path) as server:
        with pytest.raises(RelayError) as refused:
            await server.audit.note("ann", "drain")
        assert refused.value.code is ErrorCode.STORE_UNAVAILABLE
        assert not server.tally.audited


async def test_without_a_database_the_log_alone_has_it(tmp_path: Path) -> None:
    async with noting("off", tmp_path) as server:
        server.audit.start()
        await server.audit.note("ann", "drain")
        assert server.tally.audited == {"drain": 1}
        with pytest.raises(RelayError) as refused:
            await server.audit.latest(before=None, most=1)
        assert refused.value.code is ErrorCode.STORE_OFF


async def test_another_key_is_no_key(database: str, tmp_path: Path) -> None:
    async with noting(database, tmp_path / "here") as server:
        await server.audit.note("ann", "drain")
    other = keys.Keys.temporary().audit_key.public_key().public_bytes_raw().hex()
    own = inspection.public_key(server.settings)

    def verdicts() -> list[bool]:
        return [inspection.verify(server.settings, file=None, key=key).is_whole for key in (own, other)]

    assert await asyncio.to_thread(verdicts) == [True, False]


async def test_what_is_done_by_command_line_is_in_the_same_chain(database: str, tmp_path: Path) -> None:
    async with noting(database, tmp_path) as server:
        await server.audit.note("ann", "drain")
        await asyncio.to_thread(inspection.note, server.settings, "store_copied", "", {"file": "x"})
        await server.audit.note("ann", "drain")
    rows = await found(database, ALL)
    assert [(row[0], row[2]) for row in rows] == [(1, "drain"), (2, "store_copied"), (3, "drain")]
    assert rows[1][1].startswith("command line: ")
    assert (await asyncio.to_thread(server.verify)).is_whole
    lines = await asyncio.to_thread(lambda: list(inspection.show(server.settings, 2)))
    assert [b'"n":2' in lines[0], b'"n":3' in lines[1], len(lines)] == [True, True, 2]


def test_what_would_not_fit_is_a_mistake_of_ours() -> None:
    for too_long in (("x" * 65, "drain", ""), ("ann", "x" * 65, ""), ("ann", "drain", "x" * 129)):
        with pytest.raises(ValueError, match="too long"):
            audit_module.deed_of(*too_long)
    with pytest.raises(ValueError, match="too long"):
        audit_module.deed_of("ann", "drain", "", {"a": "x" * 5_000})
