"""Where people are signed in, as it is kept. What a browser shows is not: only its hash is."""

from dataclasses import dataclass

from sqlalchemy import Table, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.store.records import Records

MOST = 20
"""Places where one person is signed in; with one more, the oldest ends."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """One browser of somebody's. Times are in whole seconds since 1970."""

    owner: str
    """Who: the key of their row."""
    began_at: int
    shown_at: int
    """When they last showed that it is them."""
    seen_at: int
    """When the browser last came, to within a minute."""
    ends_at: int


class KeptSessions:
    """Those of one table. Methods raise RelayError if there is no database, or it does not answer."""

    def __init__(self, records: Records, table: Table) -> None:
        self._records = records
        self._table = table

    async def add(self, hash: str, session: SignedIn, instead_of: str | None = None) -> None:
        """Begin one, and end the one that it takes the place of, and all that are over anyway."""
        table = self._table

        async def begin(connection: AsyncConnection) -> None:
            over = table.c.ends_at <= session.seen_at
            await connection.execute(
                delete(table).where(over if instead_of is None else over | (table.c.hash == instead_of))
            )
            theirs = select(table.c.hash).where(table.c.owner == session.owner).order_by(table.c.began_at.desc())
            await connection.execute(delete(table).where(table.c.hash.in_(theirs.offset(MOST - 1).limit(1_000))))
            row = {
                "hash": hash,
                "owner": session.owner,
                "began_at": session.began_at,
                "shown_at": session.shown_at,
                "seen_at": session.seen_at,
                "ends_at": session.ends_at,
            }
            await connection.execute(insert(table).values(row))

        await self._records.write(begin)

    async def find(self, hash: str) -> SignedIn | None:
        columns = self._table.c
        query = select(columns.owner, columns.began_at, columns.shown_at, columns.seen_at, columns.ends_at).where(
            columns.hash == hash
        )

        async def find(connection: AsyncConnection) -> SignedIn | None:
            row = (await connection.execute(query)).one_or_none()
            return None if row is None else SignedIn(*row)

        return await self._records.ask(find)

    async def see(self, hash: str, now: int) -> None:
        """Note that the browser came."""
        table = self._table

        async def note(connection: AsyncConnection) -> None:
            await connection.execute(update(table).where(table.c.hash == hash).values(seen_at=now))

        await self._records.write(note)

    async def remove(self, hash: str) -> None:
        """End one."""
        table = self._table

        async def end(connection: AsyncConnection) -> None:
            await connection.execute(delete(table).where(table.c.hash == hash))

        await self._records.write(end)

    async def remove_all(self, owner: str) -> None:
        """End all of somebody's."""
        table = self._table

        async def end(connection: AsyncConnection) -> None:
            await connection.execute(delete(table).where(table.c.owner == owner))

        await self._records.write(end)
