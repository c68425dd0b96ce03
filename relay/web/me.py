"""`/videochat/me`: what is kept of who asks, by the cookie of their browser, and its end.

Nothing is kept of people who have no cookie: nothing would lead back to them.
"""

import msgspec
from aiohttp import web

from relay.auth.own_data import OwnData, for_people
from relay.errors import ErrorCode, RelayError
from relay.web.consent import Consent
from relay.web.origins import Origins

THEMSELVES = "visitor"
"""Who erased it, in the audit log."""


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody, as the server knows them."""

    code: str | None
    """By which the operator finds what is kept of them; None: there is no cookie."""
    kept: dict[str, int]
    """How much, of each kind."""


class Erased(msgspec.Struct, frozen=True, kw_only=True):
    """What there is no more."""

    erased: dict[str, int]


class MyData:
    """One per server."""

    def __init__(self, own: OwnData, consent: Consent, origins: Origins) -> None:
        self._own = own
        self._consent = consent
        self._origins = origins

    async def look(self, request: web.Request) -> web.Response:
        """Who asks, and how much is kept of them."""
        visitor = self._consent.known(request)
        if visitor is None:
            return _json(Me(code=None, kept={}))
        code = self._own.code_of(visitor)
        kept = {name: len(rows) for name, rows in (await self._own.export(code)).items()}
        return _json(Me(code=for_people(code), kept=kept))

    async def export(self, request: web.Request) -> web.Response:
        """All of it, as a file."""
        code = self._code(request)
        answer = _json({"code": for_people(code), **await self._own.export(code)})
        answer.headers["Content-Disposition"] = 'attachment; filename="relay-my-data.json"'
        return answer

    async def erase(self, request: web.Request) -> web.Response:
        """All of it. The cookie stays until they withdraw what they agreed to."""
        self._origins.check_own(request)
        return _json(Erased(erased=dict(await self._own.erase(self._code(request), THEMSELVES))))

    def _code(self, request: web.Request) -> str:
        visitor = self._consent.known(request)
        if visitor is None:
            raise RelayError(ErrorCode.NOT_FOUND, "Your browser has no cookie from here: nothing leads to you.")
        return self._own.code_of(visitor)


def add_routes(app: web.Application, mine: MyData) -> None:
    """For people themselves."""
    app.router.add_get("/videochat/me", mine.look)
    app.router.add_get("/videochat/me/export", mine.export)
    app.router.add_delete("/videochat/me", mine.erase)


def _json(content: object) -> web.Response:
    headers = {"Cache-Control": "no-store"}
    return web.Response(body=msgspec.json.encode(content), content_type="application/json", headers=headers)
