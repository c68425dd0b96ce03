"""SQL of chats that two people keep: both see one, and either erases it for both.

The text of a line is encrypted before it comes here, and bound to its place: nobody who has the database reads it, or
puts it elsewhere unseen.
"""

from collections.abc import Sequence

import msgspec
from sqlalchemy import ColumnElement, delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.store.holding import Row, Unseal
from relay.store.tables import chat_lines, chats
from relay.store.writing import add_rows

MOST_KEPT = 200
"""Chats of one visitor; then the oldest goes."""


class Chat(msgspec.Struct, frozen=True, kw_only=True):
    """Two people, by their codes, who both want to keep what they write from now on."""

    id: str
    one: str
    other: str
    began_at: int
    until: int
    """Seconds since 1970, when it goes."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """What one of them wrote."""

    chat: str
    n: int
    at: int
    writer: int
    """0: the one, 1: the other."""
    sealed: bytes


def place(chat: str, n: int, writer: int) -> bytes:
    """What a line is bound to."""
    return f"{chat} {n} {writer}".encode()


async def begin(connection: AsyncConnection, chat: Chat) -> None:
    """Keep it from now on. May be done twice."""
    for code in {chat.one, chat.other}:
        oldest = select(chats.c.id).where(_of(code)).order_by(chats.c.began_at.desc(), chats.c.id).offset(MOST_KEPT - 1)
        await connection.execute(delete(chats).where(chats.c.id.in_(oldest.limit(MOST_KEPT))))
    await add_rows(connection, chats, [msgspec.structs.asdict(chat)])


async def add(connection: AsyncConnection, line: Line) -> None:
    """Keep one more. May be done twice; fails if the chat was erased."""
    await add_rows(connection, chat_lines, [msgspec.structs.asdict(line)])


async def erase(connection: AsyncConnection, chat: str, code: str | None = None) -> int:
    """Erase one for both; if a `code` is given, one of that visitor's. Gives how many there were."""
    wanted = chats.c.id == chat if code is None else (chats.c.id == chat) & _of(code)
    return (await connection.execute(delete(chats).where(wanted))).rowcount


async def erase_all(connection: AsyncConnection, code: str) -> int:
    """Erase all that a visitor keeps, for both of each. Gives how many there were."""
    return (await connection.execute(delete(chats).where(_of(code)))).rowcount


async def count(connection: AsyncConnection, code: str) -> int:
    """How many a visitor keeps."""
    found = await connection.scalar(select(func.count()).select_from(chats).where(_of(code)))
    return int(found or 0)


async def export(connection: AsyncConnection, code: str, unseal: Unseal) -> Sequence[Row]:
    """Those of a visitor, the latest first. Who the other was is not among it, nor does anything lead there."""
    found = (await connection.execute(select(chats).where(_of(code)).order_by(chats.c.began_at.desc()))).all()
    told = []
    for chat in found:
        own = 0 if chat.one == code else 1
        lines = select(chat_lines).where(chat_lines.c.chat == chat.id).order_by(chat_lines.c.n)
        told.append(
            {
                "id": chat.id,
                "began_at": chat.began_at,
                "until": chat.until,
                "lines": [
                    {
                        "at": line.at,
                        "own": line.writer == own,
                        "text": _text(unseal, line.sealed, place(chat.id, line.n, line.writer)),
                    }
                    for line in await connection.execute(lines)
                ],
            }
        )
    return told


def _text(unseal: Unseal, sealed: bytes, where: bytes) -> str | None:
    """None: it was sealed with keys that are lost, or changed since."""
    try:
        return unseal(sealed, where).decode()
    except ValueError:
        return None


def _of(code: str) -> ColumnElement[bool]:
    return or_(chats.c.one == code, chats.c.other == code)
