"""A store on a database of the test's own, what is noted there, and what is found in it."""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Select, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from relay.observe.happenings import Happening
from relay.store.database import locate, migrate, open_engine
from relay.store.facts import RoomFact, SessionFact, SumFact, new_key
from relay.store.store import Store
from relay.store.tables import hourly
from relay.store.writing import Keep

KEEP = Keep(visits=1_000, sums=10_000)
NODE = "here"
VALUES = select(hourly.c.value).order_by(hourly.c.value)
"""Of what `adds` has added."""


def head() -> str:
    """The number of the latest migration."""
    config = Config()
    config.set_main_option("script_location", "relay.store:migrations")
    latest = ScriptDirectory.from_config(config).get_current_head()
    assert latest is not None, "migrations form one line"
    return latest


@asynccontextmanager
async def opened(database: str) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(locate(database, Path()))
    try:
        await migrate(engine)
        yield engine
    finally:
        await engine.dispose()


@asynccontextmanager
async def storing(database: str, told: list[Happening] | None = None) -> AsyncIterator[Store]:
    store = Store(url=locate(database, Path()), node=NODE, keep=KEEP, tell=(told if told is not None else []).append)
    await store.start()
    try:
        yield store
    finally:
        await store.stop()


async def found(database: str, query: Select[Any]) -> list[tuple[Any, ...]]:
    async with opened(database) as engine, engine.connect() as connection:
        return [tuple(row) for row in await connection.execute(query)]


def visit(key: str = "", ended_at: int = 20) -> SessionFact:
    key = key or new_key()
    return SessionFact(key=key, started_at=10, ended_at=ended_at, reason="left", browser="firefox", path="udp", rooms=1)


def room(*keys: str, ended_at: int = 20) -> RoomFact:
    return RoomFact(key=new_key(), mode="video", opened_at=10, ended_at=ended_at, reason="next", sessions=keys)


def hour(value: float, name: str = "sessions", begins: int = 3_600) -> SumFact:
    return SumFact(hour=begins, name=name, value=value)


def adds(value: float) -> Callable[[AsyncConnection], Coroutine[None, None, float]]:
    """A change that adds a row, and gives its value."""

    async def add(connection: AsyncConnection) -> float:
        row = {"hour": 0, "node": NODE, "run": new_key(), "name": "change", "value": value}
        await connection.execute(insert(hourly), row)
        return value

    return add
