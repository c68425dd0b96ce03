"""`/videochat/history`: the chats that who asks keeps, and the end of one. By the cookie of their browser."""

from collections.abc import Sequence

import msgspec
from aiohttp import web

from relay.auth.history import History
from relay.auth.own_data import OwnData
from relay.errors import ErrorCode, RelayError
from relay.store.holding import Row
from relay.web.consent import Consent
from relay.web.origins import Origins


class Chats(msgspec.Struct, frozen=True, kw_only=True):
    """Those of one person, the latest first."""

    days: int
    """For how long new ones are kept; 0: they are not."""
    chats: Sequence[Row]


class KeptChats:
    """One per server."""

    def __init__(self, *, history: History, own: OwnData, consent: Consent, origins: Origins) -> None:
        self._history = history
        self._own = own
        self._consent = consent
        self._origins = origins

    async def show(self, request: web.Request) -> web.Response:
        """All of them."""
        code = self._code(request)
        kept = () if code is None else await self._history.of(code)
        body = msgspec.json.encode(Chats(days=self._history.days, chats=kept))
        return web.Response(body=body, content_type="application/json", headers={"Cache-Control": "no-store"})

    async def erase(self, request: web.Request) -> web.Response:
        """One, for both who have it."""
        self._origins.check_own(request)
        code = self._code(request)
        if code is None or not await self._history.erase_one(code, request.match_info["chat"]):
            raise RelayError(ErrorCode.NOT_FOUND, "You keep no such chat.")
        return web.Response(status=204)

    def _code(self, request: web.Request) -> str | None:
        visitor = self._consent.known(request)
        return None if visitor is None else self._own.code_of(visitor)


def add_routes(app: web.Application, kept_chats: KeptChats) -> None:
    """For people themselves."""
    app.router.add_get("/videochat/history", kept_chats.show)
    app.router.add_delete("/videochat/history/{chat}", kept_chats.erase)
