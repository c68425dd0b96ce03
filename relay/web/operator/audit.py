"""What the operator and the staff did, for those who may see it."""

from collections.abc import Awaitable, Callable, Sequence

import msgspec
from aiohttp import web

from relay.auth.printed import Line, line_of
from relay.auth.scopes import Scope
from relay.store.chain import Entry
from relay.web.callers import Callers

MOST = 500
"""Entries of one answer."""
LONGEST_NUMBER = 15
"""Digits of one that is read."""


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Some of the audit log, the latest first."""

    entries: tuple[Line, ...]
    before: int | None
    """What to ask for next; None: there are no older ones."""


Ask = Callable[[int | None, int], Awaitable[Sequence[Entry]]]
"""Given a number, before which entries are wanted, and how many."""


def add_routes(app: web.Application, ask: Ask, callers: Callers) -> None:
    """The latest entries, or those before one."""

    async def audit(request: web.Request) -> web.Response:
        await callers.admit(request, Scope.AUDIT)
        most = max(1, min(_number(request, "most") or MOST, MOST))
        entries = await ask(_number(request, "before"), most)
        is_last = len(entries) < most or entries[-1].n == 1
        page = Page(entries=tuple(line_of(entry) for entry in entries), before=None if is_last else entries[-1].n)
        headers = {"Cache-Control": "no-store"}
        return web.Response(body=msgspec.json.encode(page), content_type="application/json", headers=headers)

    app.router.add_get("/videochat/audit", audit)


def _number(request: web.Request, name: str) -> int | None:
    """None: there is none that can be meant."""
    written = request.query.get(name, "")
    return int(written) if written.isascii() and written.isdigit() and len(written) <= LONGEST_NUMBER else None
