"""What lasts, on SQLite and on a real PostgreSQL: the same promises of both."""

import asyncio
import random
import sqlite3
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, func, select, text

from relay.errors import ConfigurationError
from relay.observe.happenings import Happening, StoreAway, StoreOpened
from relay.store import store as store_module
from relay.store import writer as writer_module
from relay.store import writing
from relay.store.database import FILE, copy, locate, open_engine
from relay.store.facts import Fact, SumFact, new_key
from relay.store.store import Store, StoreState
from relay.store.tables import hourly, metadata, room_sessions, rooms, sessions
from relay.store.writing import Keep, remove_old, write
from tests.kit.people import until
from tests.kit.postgres import Postgres
from tests.kit.stores import KEEP, NODE, found, head, hour, opened, room, storing, visit

KILLED = 3
"""Times."""


async def test_what_is_noted_is_written_without_anybody_asking(database: str) -> None:
    told: list[Happening] = []
    ann, bob = visit(), visit()
    met = room(ann.key, bob.key)
    async with storing(database, told) as store:
        for fact in (met, ann, bob, hour(1), hour(2)):
            store.note(fact)
        await until(lambda: store.figures.written == 5)
        assert (store.figures.state, store.figures.waiting, store.figures.dropped) == (StoreState.OPEN, 0, 0)
    assert told == [StoreOpened()]
    row = (NODE, 10, 20, "left", "firefox", "udp", 1)
    assert set(await found(database, select(sessions))) == {(ann.key, *row), (bob.key, *row)}
    assert await found(database, select(rooms)) == [(met.key, NODE, "video", 10, 20, "next")]
    assert set(await found(database, select(room_sessions))) == {(met.key, ann.key), (met.key, bob.key)}
    assert await found(database, select(hourly.c.hour, hourly.c.name, hourly.c.value)) == [(3_600, "sessions", 2.0)]


async def test_what_waits_at_the_end_is_written_before_it(database: str) -> None:
    async with storing(database) as store:
        for _ in range(1_200):
            store.note(visit())
    assert len(await found(database, select(sessions.c.id))) == 1_200
    assert store.figures.written == 1_200


async def test_a_batch_that_is_written_twice_is_there_once_and_a_sum_has_its_latest_value(database: str) -> None:
    batch: Sequence[Fact] = (visit("a" * 32), room("a" * 32), hour(5))
    async with opened(database) as engine:
        for _ in range(2):
            async with engine.begin() as connection:
                await write(connection, NODE, "run", batch)
        async with engine.begin() as connection:
            await write(connection, NODE, "run", [hour(7)])
            await write(connection, NODE, "another", [hour(1)])
    for table, count in ((sessions, 1), (rooms, 1), (room_sessions, 1), (hourly, 2)):
        assert len(await found(database, select(table))) == count
    assert sorted(await found(database, select(hourly.c.run, hourly.c.value))) == [("another", 1.0), ("run", 7.0)]


async def test_migrations_lead_to_the_tables_that_the_code_knows(database: str) -> None:
    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata))

    async with opened(database) as engine, engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_several_servers_that_start_at_once_migrate_one_after_the_other(database: str) -> None:
    async def start() -> None:
        async with opened(database):
            pass

    # Each in a thread, as each server has one: the lock of SQLite's file is waited for by all of it.
    await asyncio.gather(*(asyncio.to_thread(asyncio.run, start()) for _ in range(4)))
    assert await found(database, select(text("version_num")).select_from(text("alembic_version"))) == [(head(),)]


async def test_several_databases_are_migrated_from_several_threads(tmp_path: Path) -> None:
    async def start(number: int) -> None:
        async with opened(f"sqlite:///{tmp_path / str(number)}"):
            pass

    async with asyncio.timeout(30):
        await asyncio.gather(*(asyncio.to_thread(asyncio.run, start(number)) for number in range(8)))
    for number in range(8):
        assert await found(f"sqlite:///{tmp_path / str(number)}", select(sessions)) == []


async def test_a_database_that_a_newer_version_wrote_is_refused_and_left_alone(database: str) -> None:
    async with opened(database) as engine, engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigurationError, match="newer version of relay"):
        async with storing(database):
            pass
    engine = open_engine(locate(database, Path()))
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar_one() == "9999"
    await engine.dispose()


async def test_what_is_old_enough_goes_in_steps_and_takes_along_who_was_there(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "AT_ONCE", 2)
    old = [visit(ended_at=999) for _ in range(3)]
    new = visit(ended_at=1_000)
    facts: list[Fact] = [*old, new, room(old[0].key, ended_at=999), room(new.key, ended_at=1_000)]
    async with opened(database) as engine:
        async with engine.begin() as connection:
            sums = [hour(1, begins=begins) for begins in (1, 2, 1_900)]
            await write(connection, NODE, "run", [*facts, *sums])
        removed: list[int] = []
        while not removed or removed[-1]:
            async with engine.begin() as connection:
                removed.append(await remove_old(connection, 2_000, Keep(visits=1_000, sums=100)))
    assert removed == [2 + 1 + 1, 1 + 0 + 1, 0]
    assert await found(database, select(sessions.c.id)) == [(new.key,)]
    assert await found(database, select(room_sessions.c.session)) == [(new.key,)]
    assert await found(database, select(hourly.c.hour)) == [(1_900,)]


async def test_what_the_database_will_never_take_is_given_up_alone(database: str) -> None:
    wrong = SumFact(hour=3_600, name="wrong", value=None)  # type: ignore[arg-type]
    async with storing(database) as store:
        for fact in (visit(), wrong, visit()):
            store.note(fact)
        await until(lambda: store.figures.written == 2)
    assert (store.figures.dropped, store.figures.state) == (1, StoreState.OPEN)
    assert len(await found(database, select(sessions.c.id))) == 2


async def test_a_database_that_goes_away_is_written_to_when_it_is_back(
    server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "RETRY", (0.05, 0.2))
    monkeypatch.setattr(store_module, "MOST_WAITING", 50)
    told: list[Happening] = []
    database = server.create(f"test_{new_key()}")
    async with storing(database, told) as store:
        store.note(visit())
        await until(lambda: store.figures.written == 1)
        server.stop()
        store.note(visit())
        await until(lambda: store.figures.state is StoreState.AWAY)
        for _ in range(60):
            store.note(visit())
        assert store.figures.dropped == 61 - 50
        server.start()
        await until(lambda: store.figures.waiting == 0)
        await until(lambda: store.figures.state is StoreState.OPEN)
    away = told[1]
    assert (told[0], len(told), told[2]) == (StoreOpened(), 3, StoreOpened()), "said once, however often it was tried"
    assert isinstance(away, StoreAway)
    assert away.cause
    assert len(await found(database, select(sessions.c.id))) == 1 + 50


async def test_whoever_is_killed_in_the_middle_of_writing_leaves_whole_batches(database: str) -> None:
    dice, kept = random.Random(1), 0
    for _ in range(KILLED):
        scribe = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.contract.scribe", database), stdout=asyncio.subprocess.PIPE
        )
        try:
            assert scribe.stdout is not None
            assert await scribe.stdout.readline() == b"it writes\n"
            await asyncio.sleep(dice.uniform(0.0, 0.2))
        finally:
            scribe.kill()
            await scribe.communicate()
        async with storing(database) as store:
            store.note(visit())
            await until(lambda: store.figures.written == 1)
        before, kept = kept, len(await found(database, select(rooms.c.id)))
        assert kept > before
        members = select(room_sessions.c.room).join(sessions, room_sessions.c.session == sessions.c.id)
        of_two = members.group_by(room_sessions.c.room).having(func.count() == 2)
        assert len(await found(database, of_two)) == kept, "no room is there without those who were in it"
    if database.startswith("sqlite"):
        assert await found(database, select(text("integrity_check")).select_from(text("pragma_integrity_check"))) == [
            ("ok",)
        ]


async def test_a_server_starts_and_ends_without_its_database(server: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "RETRY", (0.05, 0.2))
    told: list[Happening] = []
    database = server.create(f"test_{new_key()}")
    server.stop()
    try:
        async with storing(database, told) as store:
            assert (store.figures.state, len(told)) == (StoreState.AWAY, 1)
            store.note(visit())
        assert store.figures.dropped == 1, "what could not be written by the end is counted"
    finally:
        server.start()


async def test_a_database_that_answers_nothing_keeps_nobody_waiting_for_long(
    server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "OPENING", 0.3)
    monkeypatch.setattr(store_module, "STOPPING", 0.3)
    told: list[Happening] = []
    database = server.create(f"test_{new_key()}")
    server.freeze()
    try:
        async with asyncio.timeout(5):
            async with storing(database, told) as store:
                store.note(visit())
    finally:
        server.thaw()
    assert store.figures == store_module.StoreFigures(StoreState.AWAY, 1, 0, 1)
    assert isinstance(told[0], StoreAway)


async def test_a_folder_that_takes_no_file_is_a_database_that_is_away(tmp_path: Path) -> None:
    told: list[Happening] = []
    (tmp_path / "file").touch()
    async with storing(f"sqlite:///{tmp_path}/file/{FILE}", told) as store:
        assert store.figures.state is StoreState.AWAY
    assert isinstance(told[0], StoreAway)
    assert "file" in told[0].cause


async def test_others_may_not_read_the_file(tmp_path: Path) -> None:
    async with storing(f"sqlite:///{tmp_path / 'state' / FILE}") as store:
        store.note(visit())
        await until(lambda: store.figures.written == 1)
        modes = {file.name: file.stat().st_mode & 0o777 for file in (tmp_path / "state").iterdir()}
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    assert {name: mode for name, mode in modes.items() if not name.endswith(".lock")} == {
        FILE: 0o600,
        f"{FILE}-wal": 0o600,
        f"{FILE}-shm": 0o600,
    }


async def test_a_copy_is_whole_while_somebody_writes_and_can_be_copied_back(tmp_path: Path) -> None:
    database, file, backup = f"sqlite:///{tmp_path / FILE}", tmp_path / FILE, tmp_path / "backup.db"
    async with storing(database) as store:
        store.note(visit("a" * 32))
        await until(lambda: store.figures.written == 1)
        await asyncio.to_thread(copy, file, backup)
        store.note(visit("b" * 32))
        await until(lambda: store.figures.written == 2)
        await asyncio.to_thread(copy, backup, file)
        store.note(visit("c" * 32))
        await until(lambda: store.figures.written == 3)
    assert set(await found(database, select(sessions.c.id))) == {("a" * 32,), ("c" * 32,)}


def test_a_damaged_copy_is_not_copied_back(tmp_path: Path) -> None:
    (tmp_path / "damaged.db").write_bytes(b"SQLite format 3\0" + bytes(5_000))
    with pytest.raises(sqlite3.DatabaseError):
        copy(tmp_path / "damaged.db", tmp_path / FILE)


def test_facts_that_wait_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "MOST_WAITING", 3)
    store = Store(url=locate(None, tmp_path), node=NODE, keep=KEEP, tell=lambda happening: None)
    for _ in range(5):
        store.note(visit())
    assert (store.figures.waiting, store.figures.dropped) == (3, 2)
    assert isinstance(store._waiting, deque)


@pytest.mark.parametrize("written", ["mysql://localhost/relay", "relay.db", "postgresql", "://"])
def test_another_database_is_refused_without_its_password(written: str) -> None:
    with pytest.raises(ConfigurationError, match="postgresql://relay@localhost/relay") as refused:
        locate(written.replace("localhost", "me:secret@localhost"), Path())
    assert "secret" not in str(refused.value)
