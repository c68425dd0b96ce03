"""The WebSocket at /ws: who may come in, and the end of all visits."""

import asyncio
from urllib.parse import urlsplit

from aiohttp import WSCloseCode, web

from relay.config import Settings
from relay.errors import ErrorCode, RelayError
from relay.observe.tally import Tally
from relay.session.sessions import Sessions
from relay.tasks import Report, Tasks
from relay.web.visit import Visit, turn_away
from relay.web.visitor_address import VisitorAddresses

CLOSE_TIMEOUT = 2.0
"""Seconds that a browser has to answer a close."""

LARGEST_FRAME_FACTOR = 4
"""Frames up to this many times the limit are read and answered by an error; longer ones end the connection."""

CROWDED_RETRY = 60.0
"""Seconds after which an address with too many connections may try again."""


class Gateway:
    """Serves visitors until `close()`."""

    def __init__(self, sessions: Sessions, settings: Settings, tally: Tally, report: Report) -> None:
        self._sessions = sessions
        self._settings = settings
        self._tally = tally
        self._addresses = VisitorAddresses(settings.trusted_proxies, settings.max_per_address)
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
        place = self._addresses.enter(request)
        if place is None:
            sentence = "There are too many connections from your address."
            await self._turn_away(
                socket, RelayError(ErrorCode.TOO_MANY_CONNECTIONS, sentence, retry_after=CROWDED_RETRY)
            )
            return socket
        try:
            await self._serve(request, socket)
        finally:
            self._addresses.leave(place)
        return socket

    async def close(self) -> None:
        """Send everybody away, in `CLOSE_TIMEOUT` seconds. Idempotent."""
        await asyncio.gather(*(visit.close(WSCloseCode.GOING_AWAY, "server_stopping") for visit in list(self._visits)))
        await self._tasks.close()

    async def _serve(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        try:
            visit = Visit(request, socket, self._sessions, self._tasks)
        except RelayError as error:
            await self._turn_away(socket, error)
            return
        self._visits.add(visit)
        try:
            await visit.serve()
        finally:
            self._visits.discard(visit)

    async def _turn_away(self, socket: web.WebSocketResponse, error: RelayError) -> None:
        self._tally.refusals[error.code] += 1
        await turn_away(socket, error)

    def _check_origin(self, request: web.Request) -> None:
        """Other people's pages may not open our socket. Programs send no Origin, and gain nothing by one."""
        origin = request.headers.get("Origin")
        if origin is None or origin.lower() in self._origins:
            return
        if urlsplit(origin).netloc.lower() != (request.host or "").lower():
            raise web.HTTPForbidden(text="This origin may not connect.")
