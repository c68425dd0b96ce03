"""What must not be lost, on SQLite and on a real PostgreSQL: whoever makes it waits until it is on the disk."""

import asyncio
import signal
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.config.settings import StateSettings
from relay.errors import ErrorCode, RelayError
from relay.store import store as store_module
from relay.store import writer as writer_module
from relay.store.facts import new_key
from relay.store.records import Records
from relay.store.store import StoreState
from tests.kit.people import until
from tests.kit.postgres import Postgres
from tests.kit.stores import VALUES, adds, found, storing, visit


async def greatest_and_one(connection: AsyncConnection) -> None:
    """Reads, lets others come, and writes what follows from it."""
    value = max((row[0] for row in await connection.execute(VALUES)), default=0.0)
    await asyncio.sleep(0.005)
    await adds(value + 1)(connection)


async def test_a_change_is_there_when_it_is_confirmed_and_gives_what_it_found(database: str) -> None:
    async with storing(database) as store:
        assert await store.write(adds(3)) == 3
        assert await found(database, VALUES) == [(3.0,)]
        assert (store.figures.confirmed, store.figures.refused, store.figures.written) == (1, 0, 0)


async def test_a_change_that_refuses_leaves_nothing_and_its_own_words_come_through(database: str) -> None:
    async def refuse(connection: AsyncConnection) -> None:
        await adds(1)(connection)
        raise RelayError(ErrorCode.NOT_FOUND, "There is no such thing.")

    async def fail(connection: AsyncConnection) -> None:
        await adds(2)(connection)
        raise ZeroDivisionError("a secret")

    async with storing(database) as store:
        with pytest.raises(RelayError, match="no such thing"):
            await store.write(refuse)
        with pytest.raises(RelayError) as failed:
            await store.write(fail)
        assert (failed.value.code, "secret" in failed.value.sentence) == (ErrorCode.STORE_UNAVAILABLE, False)
        assert await store.write(adds(3)) == 3
        assert store.figures.refused == 1
    assert await found(database, VALUES) == [(3.0,)]


async def test_a_change_does_not_wait_for_the_facts(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "GATHERING", 60.0)
    async with storing(database) as store:
        for _ in range(1_000):
            store.note(visit())
        await store.write(adds(1))
        assert (store.figures.written, store.figures.waiting) == (0, 1_000)
        monkeypatch.setattr(writer_module, "GATHERING", 0.0)


async def test_changes_that_read_and_write_are_made_one_after_the_other(database: str) -> None:
    async with storing(database) as store:
        await asyncio.gather(*(store.write(greatest_and_one) for _ in range(20)))
    assert await found(database, VALUES) == [(float(number),) for number in range(1, 21)]


async def test_on_one_file_changes_of_several_servers_are_made_one_after_the_other(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'relay.db'}"
    async with storing(database) as here, storing(database) as there:
        await asyncio.gather(*(store.write(greatest_and_one) for _ in range(10) for store in (here, there)))
    assert await found(database, VALUES) == [(float(number),) for number in range(1, 21)]


async def test_the_event_loop_waits_for_no_change(database: str) -> None:
    async def slowly(connection: AsyncConnection) -> None:
        await adds(1)(connection)
        time.sleep(0.3)  # noqa: ASYNC251 - this is another thread's loop

    async with storing(database) as store:
        made = asyncio.create_task(store.write(slowly))
        longest, before = 0.0, time.perf_counter()
        while not made.done():
            await asyncio.sleep(0.001)
            longest, before = max(longest, time.perf_counter() - before), time.perf_counter()
        await made
    assert longest < 0.2


async def test_who_waits_too_long_is_told_and_what_they_wanted_is_not_done(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "CONFIRMING", 0.2)

    async def never(connection: AsyncConnection) -> None:
        await adds(1)(connection)
        await asyncio.Event().wait()

    async with storing(database) as store:
        with pytest.raises(RelayError, match="in time") as refused:
            await store.write(never)
        assert refused.value.code is ErrorCode.STORE_UNAVAILABLE
        monkeypatch.setattr(store_module, "CONFIRMING", 2.0)
        await store.write(adds(2))
    assert await found(database, VALUES) == [(2.0,)]


async def test_no_more_wait_than_a_person_would_wait_for(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "MOST_CHANGES", 3)
    async with storing(database) as store:
        made = await asyncio.gather(*(store.write(adds(1)) for _ in range(5)), return_exceptions=True)
        assert [isinstance(one, RelayError) for one in made] == [False, False, False, True, True]
        await store.write(adds(1))
        assert (store.figures.confirmed, store.figures.refused) == (4, 2)


async def test_a_database_that_is_away_refuses_in_time(server: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "RETRY", (0.05, 0.2))
    database = server.create(f"test_{new_key()}")
    async with storing(database) as store:
        await store.write(adds(1))
        server.stop()
        try:
            for _ in range(2):
                began = time.perf_counter()
                with pytest.raises(RelayError) as refused:
                    await store.write(adds(2))
                assert refused.value.code is ErrorCode.STORE_UNAVAILABLE
                assert time.perf_counter() - began < store_module.CONFIRMING + 0.5
                store.note(visit())
                await until(lambda: store.figures.state is StoreState.AWAY)
        finally:
            server.start()
        await until(lambda: store.figures.state is StoreState.OPEN)
        await store.write(adds(3))
    assert await found(database, VALUES) == [(1.0,), (3.0,)]


async def test_a_database_that_answers_nothing_refuses_in_time(
    server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "CONFIRMING", 0.5)
    monkeypatch.setattr(store_module, "STOPPING", 0.3)
    database = server.create(f"test_{new_key()}")
    async with storing(database) as store:
        await store.write(adds(1))
        server.freeze()
        try:
            began = time.perf_counter()
            with pytest.raises(RelayError, match="in time"):
                await store.write(adds(2))
            assert time.perf_counter() - began < 1.0
            await store.stop()
        finally:
            server.thaw()


async def test_a_change_at_the_end_of_the_server_is_made_or_refused(database: str) -> None:
    async with storing(database) as store:
        made = asyncio.create_task(store.write(adds(1)))
        await asyncio.sleep(0)
        await store.stop()
        assert await made == 1
        with pytest.raises(RelayError, match="away"):
            await store.write(adds(2))
    assert await found(database, VALUES) == [(1.0,)]


async def test_without_a_database_a_change_is_refused_with_words() -> None:
    records = Records(StateSettings(database="off"), lambda happening: None, lambda task, failure: None)
    with pytest.raises(RelayError, match="RELAY_DATABASE is off") as refused:
        await records.write(adds(1))
    assert refused.value.code is ErrorCode.STORE_OFF


CONFIRMS = """
import asyncio, sys
from tests.kit.stores import adds, storing

async def confirm():
    async with storing(sys.argv[1]) as store:
        for value in range(1_000_000):
            print(int(await store.write(adds(value))), flush=True)

asyncio.run(confirm())
"""


async def test_a_server_that_is_killed_has_lost_nothing_that_it_confirmed(database: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", CONFIRMS, database), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(60):
        while int(await process.stdout.readline() or -1) < 50:
            pass
        process.send_signal(signal.SIGKILL)
        confirmed = [int(line) for line in (await process.stdout.read()).split()] or [50]
        await process.wait()
    kept = {int(row[0]) for row in await found(database, VALUES)}
    assert set(range(max(confirmed) + 1)) <= kept
