"""What is kept of the days before, for the operator: as JSON, and as a table for a spreadsheet."""

import csv
import io
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import msgspec
from aiohttp import web

from relay.store.analytics import Analytics, Period, Step
from relay.web.callers import Callers

DAYS = 7
"""That are told of if nobody says how many."""
LONGEST_NUMBER = 6
"""Digits of one that is read."""

FIELDS = tuple(field for field in Period.__struct_fields__ if field != "at")


def add_routes(app: web.Application, ask: Callable[[int, Step], Awaitable[Analytics]], callers: Callers) -> None:
    """`ask` is given the number of days, and of what there is to be a row."""

    async def as_json(request: web.Request) -> web.Response:
        await callers.admit(request)
        return _answer(msgspec.json.encode(await ask(*_wanted(request))), "application/json")

    async def as_table(request: web.Request) -> web.Response:
        await callers.admit(request)
        answer = _answer(table(await ask(*_wanted(request))).encode(), "text/csv")
        answer.headers["Content-Disposition"] = 'attachment; filename="relay-analytics.csv"'
        return answer

    app.router.add_get("/videochat/analytics", as_json)
    app.router.add_get("/videochat/analytics.csv", as_table)


def table(told: Analytics) -> str:
    """One line for each period (RFC 4180).

    Every cell is a time, a number or empty, and every column has a name of ours: nothing that a stranger wrote is among
    it, and nothing begins as a formula does.
    """
    written = io.StringIO(newline="")
    lines = csv.writer(written)
    lines.writerow(("begins_utc", *FIELDS))
    for period in told.periods:
        values = (getattr(period, name) for name in FIELDS)
        lines.writerow((f"{datetime.fromtimestamp(period.at, UTC):%Y-%m-%dT%H:%M:%SZ}", *values))
    return written.getvalue()


def _wanted(request: web.Request) -> tuple[int, Step]:
    days = request.query.get("days", "")
    is_number = days.isascii() and days.isdigit() and len(days) <= LONGEST_NUMBER
    return int(days) if is_number else DAYS, Step.DAY if request.query.get("by") == "day" else Step.HOUR


def _answer(body: bytes, kind: str) -> web.Response:
    return web.Response(body=body, content_type=kind, headers={"Cache-Control": "no-store"})
