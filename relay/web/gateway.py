"""The WebSocket at /ws: who may come in, and the end of all visits."""

import asyncio
from urllib.parse import urlsplit

from aiohttp import WSCloseCode, web

from relay import clock
from relay.config import Settings
from relay.errors import RelayError
from relay.ledger.accounts import Ledger, Payer
from relay.ledger.turns import Turns
from relay.observe.tally import Tally
from relay.session.sessions import Sessions
from relay.tasks import Report, Tasks
from relay.web.guests import Guests
from relay.web.visit import Visit, turn_away
from relay.web.visitor_address import VisitorAddresses

CLOSE_TIMEOUT = 2.0
"""Seconds that a browser has to answer a close."""

LARGEST_FRAME_FACTOR = 4
"""Frames up to this many times the limit are read and answered by an error; longer ones end the connection."""


class Gateway:
    """Serves visitors until `close()`."""

    def __init__(
        self,
        sessions: Sessions,
        guests: Guests,
        addresses: VisitorAddresses,
        ledger: Ledger,
        turns: Turns,
        settings: Settings,
        tally: Tally,
        report: Report,
    ) -> None:
        self._sessions = sessions
        self._guests = guests
        self._addresses = addresses
        self._ledger = ledger
        self._turns = turns
        self._settings = settings
        self._tally = tally
        self._origins = frozenset(origin.lower() for origin in settings.allowed_origins)
        self._tasks = Tasks("gateway", report)
        self._visits: set[Visit] = set()

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """One visitor, from the handshake to the end."""
        self._check_origin(request)
        socket = web.WebSocketResponse(
            autoping=False,
            max_msg_size=LARGEST_FRAME_FACTOR * self._settings.max_message_bytes,
            compress=False,
            timeout=CLOSE_TIMEOUT,
        )
        await socket.prepare(request)
        payer = self._ledger.visitor(self._addresses.of(request), clock.monotonic())
        guest = self._guests.find(request)
        if guest is not None:
            # Through a proxy too, this connection is one visitor's from now on.
            guest.is_visit, guest.metered.payer = True, payer
        await self._turns.wait(payer)
        await self._serve(request, socket, payer)
        return socket

    async def close(self) -> None:
        """Send everybody away, in `CLOSE_TIMEOUT` seconds. Idempotent."""
        await asyncio.gather(*(visit.close(WSCloseCode.GOING_AWAY, "server_stopping") for visit in list(self._visits)))
        await self._tasks.close()

    async def _serve(self, request: web.Request, socket: web.WebSocketResponse, payer: Payer) -> None:
        try:
            visit = Visit(request, socket, self._sessions, payer, self._turns, self._tasks)
        except RelayError as error:
            self._tally.refusals[error.code] += 1
            await turn_away(socket, error)
            return
        self._visits.add(visit)
        try:
            await visit.serve()
        finally:
            self._visits.discard(visit)

    def _check_origin(self, request: web.Request) -> None:
        """Other people's pages may not open our socket. Programs send no Origin, and gain nothing by one."""
        origin = request.headers.get("Origin")
        if origin is None or origin.lower() in self._origins:
            return
        if urlsplit(origin).netloc.lower() != (request.host or "").lower():
            raise web.HTTPForbidden(text="This origin may not connect.")
