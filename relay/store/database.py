"""The database: where it is, opened as the store needs it, and brought to this version's tables.

SQLite is a file in the state folder, in WAL mode: a reader waits for no writer. PostgreSQL is wherever its URL says.
"""

import contextlib
import fcntl
import logging
import os
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, event, make_url, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from relay.errors import ConfigurationError

OFF = "off"
"""The setting that wants none."""

FILE = "relay.db"
"""Of SQLite, in the state folder."""

PATIENCE = 5.0
"""Seconds that a connection may take to come about, or another writer of the same file to let go of it."""
STATEMENT = 10.0
"""Seconds that PostgreSQL may take for one statement."""
LONGEST_CAUSE = 200
"""Characters of what a driver says."""
CONNECTIONS = 2
"""That one server holds at most: one writes, one is asked."""

MIGRATING = 0x52454C41
"""The advisory lock of PostgreSQL under which one server at a time changes the tables."""

_ONE_AT_A_TIME = threading.Lock()
"""Alembic keeps what it works on in variables of the process: two threads would work on each other's."""

DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}


def locate(database: str | None, folder: Path) -> URL:
    """Where the database is: as the setting says, or in `folder`.

    Raises:
        ConfigurationError: the setting is no URL of SQLite or PostgreSQL, or says that there is to be none.
    """
    if database == OFF:
        raise ConfigurationError("`database` is `off`: nothing is kept.")
    if database is None:
        return URL.create(DRIVERS["sqlite"], database=str(folder / FILE))
    try:
        url = make_url(database)
        driver = DRIVERS[url.drivername]
    except (ArgumentError, KeyError) as cause:
        # Not what it says: it may hold a password.
        raise ConfigurationError(
            "`database` is neither `off` nor a URL such as postgresql://relay@localhost/relay or"
            " sqlite:////var/lib/relay/relay.db."
        ) from cause
    return url.set(drivername=driver)


def file_of(url: URL) -> Path | None:
    """Of SQLite; None: it is PostgreSQL."""
    return Path(url.database or FILE) if url.get_backend_name() == "sqlite" else None


def open_engine(url: URL) -> AsyncEngine:
    """An engine whose connections are set up. Nothing is connected yet."""
    if file_of(url) is None:
        timeouts = {"timeout": PATIENCE, "command_timeout": STATEMENT}
        return create_async_engine(
            url, pool_size=CONNECTIONS, max_overflow=0, pool_timeout=PATIENCE, pool_pre_ping=True, connect_args=timeouts
        )
    engine = create_async_engine(url, pool_size=CONNECTIONS, max_overflow=0, connect_args={"timeout": PATIENCE})
    event.listen(engine.sync_engine, "connect", _set_up)
    return engine


def _set_up(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
    """Of SQLite. NORMAL: after a power failure the last moments may be missing, and the file is whole."""
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


@contextlib.asynccontextmanager
async def changing(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A transaction that is on the disk when the block ends, and in which what is read stays true until then.

    SQLite would let a transaction that has read find, when it writes, that somebody else did meanwhile: IMMEDIATE has
    it wait before. In PostgreSQL whoever reads in order to write takes a lock of its own.
    """
    async with engine.connect() as connection:
        if connection.dialect.name != "sqlite":
            async with connection.begin():
                yield connection
            return
        await _be_durable(connection, "FULL")
        try:
            await connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection
            await connection.commit()
        finally:
            await connection.rollback()
            await _be_durable(connection, "NORMAL")


async def _be_durable(connection: AsyncConnection, level: str) -> None:
    await connection.exec_driver_sql(f"PRAGMA synchronous={level}")
    # The driver begins no transaction for it, SQLAlchemy believes that there is one.
    await connection.rollback()


def make_folder(url: URL) -> None:
    """For SQLite's file, closed to others.

    Raises:
        OSError: there can be none.
    """
    file = file_of(url)
    if file is not None:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))


async def migrate(engine: AsyncEngine) -> None:
    """Bring the tables to this version; one server at a time does.

    Raises:
        ConfigurationError: a newer version wrote the database.
    """
    file = file_of(engine.url)
    with _locked(file) if file is not None else contextlib.nullcontext():
        async with engine.connect() as connection:
            if file is None:
                await connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": MIGRATING})
                await connection.commit()
            try:
                await connection.run_sync(_upgrade)
                await connection.commit()
            finally:
                if file is None:
                    await _unlock(connection)


async def _unlock(connection: AsyncConnection) -> None:
    await connection.rollback()
    await connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": MIGRATING})
    await connection.commit()


@contextlib.contextmanager
def _locked(file: Path) -> Iterator[None]:
    """Held by one process at a time; the system lets go of it when the process ends."""
    with Path(f"{file}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _upgrade(connection: Connection) -> None:
    # What it does each time is of no interest.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "relay.store:migrations")
    present = revision_of(connection)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if present is not None and present not in known:
        raise ConfigurationError(
            f"The database was written by a newer version of relay (its tables are at {present!r}): run that version,"
            " or set `database` to another one."
        )
    with _ONE_AT_A_TIME:
        command.upgrade(config, "head")


def revision_of(connection: Connection) -> str | None:
    """Of the tables; None: there are none yet."""
    return MigrationContext.configure(connection).get_current_revision()


def in_words(cause: Exception) -> str:
    """What the driver says, without the statement, which has values in it."""
    original = getattr(cause, "orig", None) or cause
    return f"{type(original).__name__}: {original}"[:LONGEST_CAUSE]


def copy(source: Path, target: Path) -> None:
    """All of one SQLite database into another, which may be open: a reader there sees the old or the new.

    Raises:
        sqlite3.Error: one of them is none, or can't be written.
    """
    with (
        contextlib.closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, timeout=PATIENCE)) as old,
        contextlib.closing(sqlite3.connect(target, timeout=PATIENCE)) as new,
    ):
        if old.execute("PRAGMA quick_check").fetchone() != ("ok",):
            raise sqlite3.DatabaseError("it is damaged")
        old.backup(new)
