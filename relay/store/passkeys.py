"""Passkeys as they are kept: those of each kind of people in a table of their own, by the same SQL."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Table, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.store.records import Records
from relay.store.writing import insert_into


@dataclass(frozen=True, slots=True)
class Passkey:
    """What is known of one. Nothing of it is secret: the private key never leaves the authenticator."""

    id: bytes
    """The credential's, as the authenticator chose it."""
    owner: str
    """Whose it is: the key of their row."""
    public_key: bytes
    """In COSE (RFC 9052)."""
    signed: int
    """The authenticator's own counter of signatures; 0 for good if it keeps none."""


class KeptPasskeys:
    """Those of one table. Methods raise RelayError if there is no database, or it does not answer."""

    def __init__(self, records: Records, table: Table) -> None:
        self._records = records
        self._table = table

    async def passkey(self, id: bytes) -> Passkey | None:
        """By the credential's id."""
        found = await self._find(self._table.c.id == id)
        return found[0] if found else None

    async def passkeys_of(self, owner: str) -> Sequence[Passkey]:
        """All that somebody has."""
        return await self._find(self._table.c.owner == owner)

    async def add_passkey(self, passkey: Passkey, made: int) -> bool:
        """False if one of this id is there already. `made` is as for `use_passkey`."""
        return await self._records.write(lambda connection: add(connection, self._table, passkey, made))

    async def use_passkey(self, id: bytes, signed: int, made: int) -> bool:
        """Note a use: the new counter, and when the challenge was made, in microseconds since 1970.

        False if a younger challenge was used already, or the counter has gone on meanwhile. One statement decides, so
        that of two uses at once one counts.
        """
        table = self._table
        # Who keeps no counter says 0, before and after.
        goes_on = table.c.signed < signed if signed else table.c.signed == 0
        use = update(table).where(table.c.id == id, table.c.made < made, goes_on).values(signed=signed, made=made)

        async def note(connection: AsyncConnection) -> bool:
            return (await connection.execute(use)).rowcount == 1

        return await self._records.write(note)

    async def _find(self, condition: ColumnElement[bool]) -> list[Passkey]:
        columns = self._table.c
        query = select(columns.id, columns.owner, columns.public_key, columns.signed).where(condition)

        async def find(connection: AsyncConnection) -> list[Passkey]:
            return [Passkey(*row) for row in await connection.execute(query)]

        return await self._records.ask(find)


async def add(connection: AsyncConnection, table: Table, passkey: Passkey, made: int) -> bool:
    """Keep one more, as part of a change; False if one of this id is there already."""
    row = {
        "id": passkey.id,
        "owner": passkey.owner,
        "public_key": passkey.public_key,
        "signed": passkey.signed,
        "made": made,
    }
    return (await connection.execute(insert_into(connection, table).values(row).on_conflict_do_nothing())).rowcount == 1
