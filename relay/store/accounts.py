"""Accounts as they are kept. Who somebody is at a provider is a name made with the server's pepper, and never the one
that they have there."""

from dataclasses import asdict, dataclass
from typing import Any

import msgspec
from sqlalchemy import Select, Table, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.store.passkeys import Passkey, add
from relay.store.records import Records
from relay.store.tables import account_identities, account_passkeys, account_sessions, accounts
from relay.store.writing import insert_into

LONGEST_NICKNAME = 40
"""Characters."""
LARGEST_PREFERENCES = 4_096
"""Bytes of JSON."""


@dataclass(frozen=True, slots=True)
class Account:
    """What one carries from device to device."""

    id: str
    nickname: str | None
    preferences: str
    """JSON that the page wrote."""
    rules: str | None
    """The version of the rules that they agreed to; None: none yet."""
    age: int
    """The years that they said to have reached."""
    made_at: int
    """In seconds since 1970."""


class Ways(msgspec.Struct, frozen=True, kw_only=True):
    """How somebody may sign in, and where they are."""

    passkeys: int
    identities: int
    sessions: int


class KeptAccounts:
    """Methods raise RelayError if there is no database, or it does not answer."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def find(self, id: str) -> Account | None:
        return await self._records.ask(lambda connection: _one(connection, _account().where(accounts.c.id == id)))

    async def ways(self, id: str) -> Ways:
        return await self._records.ask(lambda connection: _ways(connection, id))

    async def add(self, account: Account, passkey: Passkey, made: int) -> bool:
        """One with its first passkey; False, and nothing changes, if there is such an account or such a passkey.
        `made` is as for `KeptPasskeys.add_passkey`."""
        return await self._records.write(lambda connection: _add_with_passkey(connection, account, passkey, made))

    async def of_identity(self, subject: str, account: Account) -> Account:
        """Whose identity this is: that of `account`, which is kept, if nobody's yet."""
        return await self._records.write(lambda connection: _of_identity(connection, subject, account))

    async def change(self, id: str, nickname: str | None, preferences: str) -> None:
        """What they wrote themselves."""
        await self._update(id, nickname=nickname, preferences=preferences)

    async def agree(self, id: str, rules: str, age: int) -> None:
        """Note what they agreed to."""
        await self._update(id, rules=rules, age=age)

    async def remove(self, id: str) -> None:
        """With all that is theirs."""

        async def remove(connection: AsyncConnection) -> None:
            await connection.execute(delete(accounts).where(accounts.c.id == id))

        await self._records.write(remove)

    async def _update(self, id: str, **values: object) -> None:
        async def change(connection: AsyncConnection) -> None:
            await connection.execute(update(accounts).where(accounts.c.id == id).values(**values))

        await self._records.write(change)


def _account() -> Select[Any]:
    columns = accounts.c
    return select(columns.id, columns.nickname, columns.preferences, columns.rules, columns.age, columns.made_at)


async def _one(connection: AsyncConnection, query: Select[Any]) -> Account | None:
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else Account(*row)


async def _ways(connection: AsyncConnection, id: str) -> Ways:
    async def count(table: Table) -> int:
        query = select(func.count()).select_from(table).where(table.c.owner == id)
        return (await connection.execute(query)).scalar_one()

    return Ways(
        passkeys=await count(account_passkeys),
        identities=await count(account_identities),
        sessions=await count(account_sessions),
    )


async def _add_with_passkey(connection: AsyncConnection, account: Account, passkey: Passkey, made: int) -> bool:
    new = insert_into(connection, accounts).values(asdict(account)).on_conflict_do_nothing()
    if (await connection.execute(new)).rowcount != 1:
        return False
    if not await add(connection, account_passkeys, passkey, made):
        await connection.execute(delete(accounts).where(accounts.c.id == account.id))
        return False
    return True


async def _of_identity(connection: AsyncConnection, subject: str, account: Account) -> Account:
    theirs = _account().join(account_identities).where(account_identities.c.subject == subject)
    found = await _one(connection, theirs)
    if found is not None:
        return found
    await connection.execute(insert(accounts).values(asdict(account)))
    row = {"subject": subject, "owner": account.id}
    new = insert_into(connection, account_identities).values(row).on_conflict_do_nothing()
    if (await connection.execute(new)).rowcount == 1:
        return account
    # Another browser of theirs was there first, at this moment.
    await connection.execute(delete(accounts).where(accounts.c.id == account.id))
    return await _one(connection, theirs) or account
