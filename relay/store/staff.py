"""Staff as they are kept: who was let in, as what, and by which link they come in for the first time.

What changes something is part of somebody's transaction: the entry in the audit log is written with it, or neither is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.errors import ErrorCode, RelayError
from relay.store.passkeys import Passkey, add
from relay.store.records import Records
from relay.store.tables import staff, staff_passkeys, staff_sessions
from relay.store.writing import insert_into


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
    """When they last came, of where they are still signed in; in seconds since 1970."""
    link_ends: int | None = None
    """Until when a link is open to them that nobody has used yet."""


class KeptStaff:
    """Who there is. Methods raise RelayError if there is no database, or it does not answer."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def all(self) -> Sequence[Member]:
        """By name."""
        return await self._records.ask(read)

    async def find(self, id: str) -> Member | None:
        return await self._one(staff.c.id == id)

    async def of_link(self, link: str, now: int) -> Member | None:
        """Whom a link is for, by its hash, if it is still open."""
        return await self._one(staff.c.link == link, staff.c.link_ends > now)

    async def _one(self, *conditions: ColumnElement[bool]) -> Member | None:
        found = await self._records.ask(lambda connection: read(connection, *conditions))
        return found[0] if found else None


async def read(connection: AsyncConnection, *conditions: ColumnElement[bool]) -> list[Member]:
    """All of whom this holds, by name."""
    passkeys = (
        select(func.count()).select_from(staff_passkeys).where(staff_passkeys.c.owner == staff.c.id).scalar_subquery()
    )
    seen = select(func.max(staff_sessions.c.seen_at)).where(staff_sessions.c.owner == staff.c.id).scalar_subquery()
    query = select(staff.c.id, staff.c.name, staff.c.roles, staff.c.added_at, passkeys, seen, staff.c.link_ends)
    return [Member(*row) for row in await connection.execute(query.where(*conditions).order_by(staff.c.name))]


async def named(connection: AsyncConnection, name: str) -> Member | None:
    """Who is called so."""
    found = await read(connection, staff.c.name == name)
    return found[0] if found else None


async def let_in(connection: AsyncConnection, member: Member, link: str, ends: int) -> None:
    """Add somebody, with a link by its hash.

    Raises:
        RelayError: NAME_TAKEN.
    """
    row = {
        "id": member.id,
        "name": member.name,
        "roles": member.roles,
        "added_at": member.added_at,
        "link": link,
        "link_ends": ends,
    }
    added = await connection.execute(insert_into(connection, staff).values(row).on_conflict_do_nothing())
    if added.rowcount != 1:
        raise RelayError(ErrorCode.NAME_TAKEN, "There is somebody of this name.")


async def open_link(connection: AsyncConnection, id: str, link: str, ends: int) -> None:
    """Another one; the one before is closed.

    Raises:
        RelayError: NOT_FOUND.
    """
    _one_or_none(await connection.execute(update(staff).where(staff.c.id == id).values(link=link, link_ends=ends)))


async def enrol(connection: AsyncConnection, *, link: str, now: int, passkey: Passkey, made: int) -> None:
    """Keep a passkey and close the link that it was made by, both or neither.

    Raises:
        RelayError: LINK_SPENT, PASSKEY_REFUSED.
    """
    spend = update(staff).where(staff.c.link == link, staff.c.link_ends > now, staff.c.id == passkey.owner)
    if (await connection.execute(spend.values(link=None, link_ends=None))).rowcount != 1:
        raise RelayError(ErrorCode.LINK_SPENT, "This link was used, or its time is over. Ask for another.")
    if not await add(connection, staff_passkeys, passkey, made):
        raise RelayError(ErrorCode.PASSKEY_REFUSED, "This passkey was not accepted. Try again.")


async def remove(connection: AsyncConnection, id: str) -> None:
    """With their passkeys, and wherever they are signed in.

    Raises:
        RelayError: NOT_FOUND.
    """
    _one_or_none(await connection.execute(delete(staff).where(staff.c.id == id)))


def _one_or_none(result: CursorResult[Any]) -> None:
    if result.rowcount != 1:
        raise RelayError(ErrorCode.NOT_FOUND, "There is no such person on the staff.")
