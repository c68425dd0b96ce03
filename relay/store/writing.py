"""SQL of the writer: a batch of facts becomes rows, and rows that are old enough go.

Every statement may run twice: who does not know whether a transaction came through does it again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Table, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.store.facts import Fact, RoomFact, SessionFact, SumFact
from relay.store.tables import hourly, room_sessions, rooms, sessions

AT_ONCE = 1_000
"""Rows that one statement removes: nobody waits long for it."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Keep:
    """Seconds after which rows go."""

    visits: int
    """Visits and conversations, from their end on."""
    sums: int


async def write(connection: AsyncConnection, node: str, run: str, facts: Sequence[Fact]) -> None:
    """Write a batch. What is there already stays, but for sums, of which the later one holds."""
    visits = [_visit(fact, node) for fact in facts if isinstance(fact, SessionFact)]
    met = [fact for fact in facts if isinstance(fact, RoomFact)]
    await _add(connection, sessions, visits)
    await _add(connection, rooms, [_room(fact, node) for fact in met])
    await _add(connection, room_sessions, [{"room": room.key, "session": key} for room in met for key in room.sessions])
    latest = {(fact.hour, fact.name): fact for fact in facts if isinstance(fact, SumFact)}
    await _replace_sums(connection, [_sum(fact, node, run) for fact in latest.values()])


def _visit(fact: SessionFact, node: str) -> Row:
    row = msgspec.structs.asdict(fact)
    return {"id": row.pop("key"), "node": node, **row}


def _room(fact: RoomFact, node: str) -> Row:
    row = msgspec.structs.asdict(fact)
    del row["sessions"]
    return {"id": row.pop("key"), "node": node, **row}


def _sum(fact: SumFact, node: str, run: str) -> Row:
    return {"node": node, "run": run, **msgspec.structs.asdict(fact)}


async def _add(connection: AsyncConnection, table: Table, rows: Sequence[Row]) -> None:
    if rows:
        await connection.execute(insert_into(connection, table).on_conflict_do_nothing(), rows)


async def _replace_sums(connection: AsyncConnection, rows: Sequence[Row]) -> None:
    if rows:
        insert = insert_into(connection, hourly)
        key = [column.name for column in hourly.primary_key]
        await connection.execute(
            insert.on_conflict_do_update(index_elements=key, set_={"value": insert.excluded.value}), rows
        )


def insert_into(connection: AsyncConnection, table: Table) -> sqlite.Insert | postgresql.Insert:
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


async def remove_old(connection: AsyncConnection, now: int, keep: Keep) -> int:
    """Remove a step of what has been kept for long enough. Gives how many rows there were; call again until there
    were none."""
    removed = 0
    # Who was in a room goes with it.
    for table in (sessions, rooms):
        old = select(table.c.id).where(table.c.ended_at < now - keep.visits).limit(AT_ONCE)
        removed += (await connection.execute(delete(table).where(table.c.id.in_(old)))).rowcount
    hour = select(func.min(hourly.c.hour)).where(hourly.c.hour < now - keep.sums).scalar_subquery()
    return removed + (await connection.execute(delete(hourly).where(hourly.c.hour == hour))).rowcount


async def count(connection: AsyncConnection, tables: Iterable[Table] = (sessions, rooms, hourly)) -> dict[str, int]:
    """Rows of each table."""
    counts = {}
    for table in tables:
        counts[table.name] = (await connection.execute(select(func.count()).select_from(table))).scalar_one()
    return counts
