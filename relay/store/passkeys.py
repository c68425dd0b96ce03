"""Passkeys as they are kept: those of staff in one table, those of accounts in another, by the same SQL."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Row, Table, and_, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from relay import clock
from relay.store.records import Records

LONGEST_ID = 1_023
"""Bytes of a credential's id (Web Authentication, section 5.8.3)."""
LARGEST_KEY = 2_048
"""Bytes of a public key; one of RSA with 4096 bits has about 530."""


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
    """Those of one table."""

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
        """False if one of this id is there already."""
        try:
            await self._records.write(lambda connection: add(connection, self._table, passkey, made))
        except Known:
            return False
        return True

    async def use_passkey(self, id: bytes, signed: int, made: int) -> bool:
        """Note a use, unless a younger challenge was used already or the counter has gone on meanwhile."""
        table = self._table
        # A counter that is not kept is 0, before and after.
        goes_on = or_(table.c.signed < signed, and_(table.c.signed == 0, signed == 0))
        statement = (
            update(table).where(table.c.id == id, table.c.made < made, goes_on).values(signed=signed, made=made)
        )

        async def use(connection: AsyncConnection) -> bool:
            return (await connection.execute(statement)).rowcount == 1

        return await self._records.write(use)

    async def _find(self, condition: object) -> list[Passkey]:
        table = self._table
        query = select(table.c.id, table.c.owner, table.c.public_key, table.c.signed).where(condition)

        async def find(connection: AsyncConnection) -> list[Passkey]:
            return [_passkey(row) for row in await connection.execute(query)]

        return await self._records.ask(find)
