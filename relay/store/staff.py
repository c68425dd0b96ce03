"""Staff as they are kept: who was let in, as what, and by which link they come in for the first time."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.errors import ErrorCode, RelayError
from relay.store.passkeys import Passkey, add
from relay.store.records import Records
from relay.store.tables import staff, staff_passkeys, staff_sessions
from relay.store.writing import insert_into

LONGEST_NAME = 64
"""Characters."""


@dataclass(frozen=True, slots=True)
class Member:
    """One of the staff."""

    id: str
    name: str
    roles: str
    """Their names, with spaces between."""
    added_at: int
    """In seconds since 1970."""
    passkeys: int = 0
    seen_at: int | None = None
    """When they last came, of what is still remembered; in seconds since 1970."""
    link_ends: int | None = None
    """Until when a link is open to them that nobody has used yet."""


class KeptStaff:
    """Methods raise RelayError if there is no database, or it does not answer."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def all(self) -> Sequence[Member]:
        return await self._records.ask(members)

    async def find(self, id: str) -> Member | None:
        return await self._records.ask(lambda connection: _one(connection, staff.c.id == id))

    async def of_link(self, link: str, now: int) -> Member | None:
        """Whom a link is for, by its hash, if it is still open."""
        return await self._records.ask(
            lambda connection: _one(connection, staff.c.link == link, staff.c.link_ends > now)
        )

    async def add(self, member: Member, link: str, ends: int) -> bool:
        """False if there is somebody of this name."""
        return await self._records.write(lambda connection: let_in(connection, member, link, ends))

    async def open_link(self, id: str, link: str, ends: int) -> bool:
        """Another one; the one before is closed. False if there is no such person."""
        return await self._records.write(lambda connection: open_link(connection, staff.c.id == id, link, ends))

    async def enrol(self, link: str, now: int, passkey: Passkey, made: int) -> None:
        """Keep a passkey and close the link that it was made by, both or neither.

        Raises:
            RelayError: LINK_SPENT, PASSKEY_REFUSED.
        """

        async def enrol(connection: AsyncConnection) -> None:
            spend = update(staff).where(staff.c.link == link, staff.c.link_ends > now, staff.c.id == passkey.owner)
            if (await connection.execute(spend.values(link=None, link_ends=None))).rowcount != 1:
                raise RelayError(ErrorCode.LINK_SPENT, "This link was used, or its time is over. Ask for another.")
            if not await add(connection, staff_passkeys, passkey, made):
                raise RelayError(ErrorCode.PASSKEY_REFUSED, "This passkey was not accepted. Try again.")

        await self._records.write(enrol)

    async def remove(self, id: str) -> bool:
        """With their passkeys, and wherever they are signed in. False if there is no such person."""
        return await self._records.write(lambda connection: remove(connection, staff.c.id == id))


async def members(connection: AsyncConnection) -> list[Member]:
    """All, by name."""
    return await _read(connection)


async def let_in(connection: AsyncConnection, member: Member, link: str, ends: int) -> bool:
    """False if there is somebody of this name."""
    row = {
        "id": member.id,
        "name": member.name,
        "roles": member.roles,
        "added_at": member.added_at,
        "link": link,
        "link_ends": ends,
    }
    return (await connection.execute(insert_into(connection, staff).values(row).on_conflict_do_nothing())).rowcount == 1


async def open_link(connection: AsyncConnection, who: ColumnElement[bool], link: str, ends: int) -> bool:
    """False if there is nobody like this."""
    return (await connection.execute(update(staff).where(who).values(link=link, link_ends=ends))).rowcount == 1


async def remove(connection: AsyncConnection, who: ColumnElement[bool]) -> bool:
    """What is theirs goes with it. False if there is nobody like this."""
    return (await connection.execute(delete(staff).where(who))).rowcount == 1


async def _one(connection: AsyncConnection, *conditions: ColumnElement[bool]) -> Member | None:
    found = await _read(connection, *conditions)
    return found[0] if found else None


async def _read(connection: AsyncConnection, *conditions: ColumnElement[bool]) -> list[Member]:
    passkeys = (
        select(func.count()).select_from(staff_passkeys).where(staff_passkeys.c.owner == staff.c.id).scalar_subquery()
    )
    seen = select(func.max(staff_sessions.c.seen_at)).where(staff_sessions.c.owner == staff.c.id).scalar_subquery()
    query = select(staff.c.id, staff.c.name, staff.c.roles, staff.c.added_at, passkeys, seen, staff.c.link_ends)
    return [Member(*row) for row in await connection.execute(query.where(*conditions).order_by(staff.c.name))]
