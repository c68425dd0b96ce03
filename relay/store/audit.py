"""SQL of the audit log: entries are added at its end, and go at its beginning when they are old enough. Nothing else is
ever written to it; triggers in the database hold everybody to that who writes by another way.

Several servers add to one chain, one after the other: SQLite's transaction has locked the file (`changing`), in
PostgreSQL a lock of its own is taken and held until the transaction ends.
"""

from collections.abc import Sequence

import msgspec
from sqlalchemy import Row, delete, func, insert, inspect, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.store.chain import Deed, Entry, Sign, expired, sealed
from relay.store.tables import audit

AUDITING = 0x41554449
"""The advisory lock of PostgreSQL under which one server at a time adds to the chain."""

MOST_AT_ONCE = 1_000
"""Entries of one answer, and entries that go in one step."""


async def append(connection: AsyncConnection, deed: Deed, *, at: int, sign: Sign) -> Entry:
    """Add what somebody did, in a transaction that may have done it too."""
    await _lock(connection)
    entry = sealed(deed, after=await latest(connection), at=at, sign=sign)
    await connection.execute(insert(audit), msgspec.structs.asdict(entry))
    return entry


async def expire(connection: AsyncConnection, *, before: int, at: int, sign: Sign) -> int:
    """Remove a step of what is older than `before`, and say so in the chain. Gives how many entries there were; call
    again until there were none."""
    await _lock(connection)
    first_kept = await connection.scalar(select(func.min(audit.c.n)).where(audit.c.at >= before))
    old = select(audit).order_by(audit.c.n).limit(MOST_AT_ONCE)
    if first_kept is not None:
        old = old.where(audit.c.n < first_kept)
    going = [_entry(row) for row in await connection.execute(old)]
    if not going:
        return 0
    await append(connection, expired(going[-1]), at=at, sign=sign)
    # The trigger looks for the entry that has just been added.
    await connection.execute(delete(audit).where(audit.c.n <= going[-1].n))
    return len(going)


async def latest(connection: AsyncConnection) -> Entry | None:
    """None: there is none yet."""
    found = (await connection.execute(select(audit).order_by(audit.c.n.desc()).limit(1))).first()
    return None if found is None else _entry(found)


async def after(connection: AsyncConnection, n: int, most: int = MOST_AT_ONCE) -> Sequence[Entry]:
    """The entries that follow on entry `n`, the oldest first."""
    found = await connection.execute(select(audit).where(audit.c.n > n).order_by(audit.c.n).limit(most))
    return [_entry(row) for row in found]


async def before(connection: AsyncConnection, n: int | None, most: int) -> Sequence[Entry]:
    """The entries before entry `n`, or the latest; the latest first."""
    wanted = select(audit).order_by(audit.c.n.desc()).limit(most)
    return [_entry(row) for row in await connection.execute(wanted if n is None else wanted.where(audit.c.n < n))]


async def is_there(connection: AsyncConnection) -> bool:
    """Whether the tables are new enough to have it."""
    return await connection.run_sync(lambda sync: inspect(sync).has_table(audit.name))


async def _lock(connection: AsyncConnection) -> None:
    if connection.dialect.name != "sqlite":
        await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": AUDITING})


def _entry(row: "Row[tuple[object, ...]]") -> Entry:
    return Entry(**row._mapping)
