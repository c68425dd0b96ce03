"""SQL of those who ask: sums of all servers and all their lives, by the hour or by the day."""

from typing import Any

from sqlalchemy import Select, case, func, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.store.analytics import SUMS, Analytics, Window, analytics
from relay.store.tables import hourly


async def read_analytics(connection: AsyncConnection, shown: Window) -> Analytics:
    """One statement; at most a row for each step."""
    rows = await connection.execute(_by_step(shown))
    return analytics(shown, {int(row[0]): dict(zip(SUMS, row[1:], strict=True)) for row in rows})


def _by_step(shown: Window) -> Select[Any]:
    # Written out, because PostgreSQL takes two parameters for two values.
    step = literal(int(shown.step), literal_execute=True)
    begins = (hourly.c.hour - hourly.c.hour % step).label("begins")
    each = (func.sum(case((hourly.c.name == name, hourly.c.value), else_=0.0)).label(name) for name in SUMS)
    return (
        select(begins, *each)
        .where(hourly.c.hour >= shown.begins, hourly.c.hour < shown.ends, hourly.c.name.in_(SUMS))
        .group_by("begins")
    )
