"""What `relay store` does: look at the database, bring it to this version, copy it and copy it back.

Each works while a server runs. PostgreSQL has tools of its own for copies.
"""

import asyncio
import sqlite3
from pathlib import Path

from sqlalchemy import URL, text

from relay.errors import ConfigurationError
from relay.store.database import copy, file_of, migrate, open_engine, revision_of
from relay.store.writing import count


def status(url: URL) -> str:
    """Where it is, which version its tables have, and how much is in it."""
    return asyncio.run(_status(url))


async def _status(url: URL) -> str:
    file = file_of(url)
    if file is not None and not file.exists():
        return f"{file}: there is none yet. The server makes it at its first start."
    engine = open_engine(url)
    try:
        async with engine.connect() as connection:
            revision = await connection.run_sync(revision_of)
            counts = {} if revision is None else await count(connection)
            size = await connection.scalar(text(_SIZE[connection.dialect.name]))
    finally:
        await engine.dispose()
    lines = [f"{url.render_as_string(hide_password=True)}", f"tables: {revision or 'none'}"]
    lines += [f"{name}: {rows:,} rows" for name, rows in counts.items()]
    return "\n".join([*lines, f"size: {size / 1e6:,.1f} MB"])


_SIZE = {
    "sqlite": "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
    "postgresql": "SELECT pg_database_size(current_database())",
}


def bring_up_to_date(url: URL) -> str:
    """The tables, as a start of the server does it.

    Raises:
        ConfigurationError: a newer version wrote them.
    """
    return asyncio.run(_bring_up_to_date(url))


async def _bring_up_to_date(url: URL) -> str:
    engine = open_engine(url)
    try:
        await migrate(engine)
        async with engine.connect() as connection:
            return f"tables: {await connection.run_sync(revision_of)}"
    finally:
        await engine.dispose()


def back_up(url: URL, target: Path) -> str:
    """Copy all of it into a new file.

    Raises:
        ConfigurationError: it can't be copied, or there is such a file.
    """
    file = _own_file(url, "pg_dump")
    if target.exists():
        raise ConfigurationError(f"{target} exists: name a new file.")
    target.touch(mode=0o600)
    try:
        copy(file, target)
    except sqlite3.Error as cause:
        target.unlink()
        raise ConfigurationError(f"{file} can't be copied to {target}: {cause}.") from cause
    return f"{file} was copied to {target}."


def restore(url: URL, source: Path) -> str:
    """Put such a copy in the place of all that is there.

    Raises:
        ConfigurationError: it can't be, and everything is as it was.
    """
    file = _own_file(url, "pg_restore")
    if not source.is_file():
        raise ConfigurationError(f"{source} is no file.")
    try:
        copy(source, file)
    except sqlite3.Error as cause:
        raise ConfigurationError(f"{source} can't be copied to {file}: {cause}.") from cause
    return f"{file} is what {source} was."


def _own_file(url: URL, tool: str) -> Path:
    file = file_of(url)
    if file is None:
        raise ConfigurationError(f"PostgreSQL has a tool of its own for this: {tool}.")
    return file
