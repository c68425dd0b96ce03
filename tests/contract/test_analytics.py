"""What is read of sums by the hour, on SQLite and on a real PostgreSQL; and what becomes of who asks."""

import asyncio
import time
from pathlib import Path
from typing import NoReturn

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.errors import ErrorCode, RelayError
from relay.store import store as store_module
from relay.store import writer as writer_module
from relay.store.analytics import Analytics, Step, Window, window
from relay.store.database import FILE
from relay.store.facts import SumFact, new_key
from relay.store.reading import read_analytics
from relay.store.store import StoreState
from relay.store.writing import write
from tests.kit.people import until
from tests.kit.postgres import Postgres
from tests.kit.stores import hour, opened, storing, visit

NOON = 20_000 * Step.DAY + 12 * Step.HOUR
SLOW = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000) SELECT max(i) FROM n",
    "postgresql": "SELECT pg_sleep(1)",
}
"""What keeps a database busy for some tenths of a second."""


async def slowly(connection: AsyncConnection) -> None:
    await connection.execute(text(SLOW[connection.dialect.name]))


async def one(connection: AsyncConnection) -> int:
    return int((await connection.execute(text("SELECT 1"))).scalar_one())


class Long:
    """A question that holds its connection until it is let go of."""

    def __init__(self) -> None:
        self.begun = 0
        self.ends = False

    async def __call__(self, connection: AsyncConnection) -> None:
        self.begun += 1
        while not self.ends:  # noqa: ASYNC110 - it is ended by another thread
            await asyncio.sleep(0.01)


async def read(database: str, shown: Window, *written: tuple[str, str, list[SumFact]]) -> Analytics:
    """`written`: server, life of it, and its sums."""
    async with opened(database) as engine:
        async with engine.begin() as connection:
            for node, run, sums in written:
                await write(connection, node, run, sums)
        async with engine.connect() as connection:
            return await read_analytics(connection, shown)


async def test_the_sums_of_all_servers_and_all_their_lives_are_one(database: str) -> None:
    told = await read(
        database,
        window(1, Step.HOUR, NOON),
        ("a", "1", [hour(3, "sessions", NOON), hour(2, "waits", NOON), hour(9, "waited_seconds", NOON)]),
        ("a", "2", [hour(4, "sessions", NOON)]),
        ("b", "3", [hour(5, "sessions", NOON), hour(1, "waits", NOON), hour(7, "waited_seconds", NOON)]),
    )
    latest = told.periods[-1]
    assert (latest.at, latest.people, latest.waits) == (NOON, 12, 3)
    assert latest.mean_wait == pytest.approx(16 / 3, abs=0.01), "a mean of people, and not of servers"
    assert told.total.people == 12


async def test_hours_come_one_after_the_other_and_only_those_that_were_asked_for(database: str) -> None:
    begins = NOON - 23 * Step.HOUR
    sums = [hour(at - NOON + Step.DAY, "sessions", at) for at in (begins - Step.HOUR, begins, NOON - Step.HOUR, NOON)]
    told = await read(
        database, window(1, Step.HOUR, NOON + 1_800), ("a", "1", [*sums, hour(1, "sessions", NOON + Step.HOUR)])
    )
    assert told.step == Step.HOUR
    assert [period.at for period in told.periods] == list(range(begins, NOON + 1, Step.HOUR))
    people = {period.at: period.people for period in told.periods if period.people}
    assert people == {begins: Step.HOUR, NOON - Step.HOUR: 23 * Step.HOUR, NOON: 24 * Step.HOUR}
    assert told.total.people == sum(people.values())


async def test_of_many_days_the_hours_of_each_are_added(database: str) -> None:
    midnight = NOON - 12 * Step.HOUR
    at = (midnight - Step.HOUR, midnight, NOON, midnight - 99 * Step.DAY, midnight - 100 * Step.DAY)
    told = await read(database, window(100, Step.HOUR, NOON), ("a", "1", [hour(1, "sessions", each) for each in at]))
    assert (told.step, len(told.periods)) == (Step.DAY, 100)
    people = [period.people for period in told.periods]
    assert (people[0], people[-2:], sum(people), told.total.people) == (1, [1, 2], 4, 4)
    assert told.periods[-1].at == midnight


async def test_sums_that_nobody_asks_for_are_no_matter(database: str) -> None:
    told = await read(database, window(1, Step.HOUR, NOON), ("a", "1", [hour(5, "a later version's", NOON)]))
    assert told.total.people == 0
    assert (told.total.mean_wait, told.total.mean_room, told.total.mean_visit, told.total.success) == (None,) * 4


async def test_who_asks_is_answered_while_it_is_written(database: str) -> None:
    async with storing(database) as store, asyncio.TaskGroup() as group:
        long = Long()
        asked = group.create_task(store.ask(long))
        await until(lambda: long.begun == 1)
        store.note(visit())
        await until(lambda: store.figures.written == 1)
        long.ends = True
        await asked
        assert await store.ask(one) == 1


async def test_the_event_loop_waits_for_no_answer(database: str) -> None:
    async with storing(database) as store, asyncio.TaskGroup() as group:
        asked = group.create_task(store.ask(slowly))
        longest, before = 0.0, time.perf_counter()
        while not asked.done():
            await asyncio.sleep(0.001)
            longest, before = max(longest, time.perf_counter() - before), time.perf_counter()
    assert longest < 0.2


async def test_who_waits_too_long_is_told_so_and_keeps_no_other_waiting(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with storing(database) as store:
        monkeypatch.setattr(store_module, "ANSWERING", 0.1)
        with pytest.raises(RelayError, match="in time") as refused:
            await store.ask(slowly)
        assert refused.value.code is ErrorCode.STORE_AWAY
        monkeypatch.setattr(store_module, "ANSWERING", 5.0)
        assert await store.ask(one) == 1


async def test_many_questions_leave_a_connection_to_who_writes(database: str) -> None:
    async with storing(database) as store, asyncio.TaskGroup() as group:
        long = Long()
        for _ in range(3):
            group.create_task(store.ask(long))
        await until(lambda: long.begun == 1)
        store.note(visit())
        await until(lambda: store.figures.written == 1)
        assert long.begun == 1
        long.ends = True
    assert long.begun == 3


async def test_a_question_at_the_end_of_the_server_gets_no_answer_and_holds_up_nothing(database: str) -> None:
    async with storing(database) as store:
        long = Long()
        asked = asyncio.create_task(store.ask(long))
        await until(lambda: long.begun == 1)
        began = time.perf_counter()
    assert time.perf_counter() - began < store_module.STOPPING
    with pytest.raises(RelayError) as refused:
        await asked
    assert refused.value.code is ErrorCode.STORE_AWAY
    with pytest.raises(RelayError):
        await store.ask(one)


async def test_a_question_that_fails_says_nothing_of_its_cause(
    database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async def wrong(connection: AsyncConnection) -> NoReturn:
        await connection.execute(text("SELECT secret FROM nowhere"))
        raise AssertionError

    async with storing(database) as store:
        with pytest.raises(RelayError) as refused:
            await store.ask(wrong)
        assert (refused.value.code, "nowhere" in refused.value.sentence) == (ErrorCode.STORE_AWAY, False)
        assert await store.ask(one) == 1


async def test_who_asks_a_database_that_is_gone_is_told_so(server: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "RETRY", (0.05, 0.2))
    database = server.create(f"test_{new_key()}")
    async with storing(database) as store:
        assert await store.ask(one) == 1
        server.stop()
        try:
            for _ in range(2):
                with pytest.raises(RelayError) as refused:
                    await store.ask(one)
                assert refused.value.code is ErrorCode.STORE_AWAY
        finally:
            server.start()
        # What removes old rows may have noticed as well.
        await until(lambda: store.figures.state is StoreState.OPEN)
        assert await store.ask(one) == 1


async def test_who_asks_a_database_that_answers_nothing_is_told_so_in_time(
    server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "ANSWERING", 0.2)
    monkeypatch.setattr(store_module, "STOPPING", 0.3)
    database = server.create(f"test_{new_key()}")
    async with storing(database) as store:
        server.freeze()
        try:
            async with asyncio.timeout(2):
                with pytest.raises(RelayError, match="in time"):
                    await store.ask(one)
        finally:
            server.thaw()


async def test_before_it_was_opened_nobody_is_kept_waiting(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    async with storing(f"sqlite:///{tmp_path}/file/{FILE}") as store:
        with pytest.raises(RelayError, match="is away") as refused:
            await store.ask(one)
    assert refused.value.code is ErrorCode.STORE_AWAY
