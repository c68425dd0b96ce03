"""The WebSocket at /ws: who may come in, and the end of all visits."""

import asyncio

from aiohttp import WSCloseCode, web

from relay import clock
from relay.config import Settings
from relay.errors import ErrorCode, RelayError
from relay.ledger.accounts import Ledger, Payer
from relay.ledger.turns import Turns
from relay.observe.logging import get_logger
from relay.observe.once import Once
from relay.observe.tally import Tally
from relay.session.sessions import Sessions
from relay.tasks import Report, Tasks
from relay.web.authority import DEFAULT_PORTS, Origin, at, origin
from relay.web.guests import Guests
from relay.web.visit import Visit, turn_away
from relay.web.visitor_address import VisitorAddresses

CLOSE_TIMEOUT = 2.0
"""Seconds that a browser has to answer a close."""

LARGEST_FRAME_FACTOR = 4
"""Frames up to this many times the limit are read and answered by an error; longer ones end the connection."""

LONGEST_LOGGED = 100
"""Characters of an origin or a host."""

log = get_logger("gateway")


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
        self._friends = frozenset(origin(written) for written in settings.allowed_origins)
        self._refused_origins, self._no_handshakes = Once(), Once()
        self._tasks = Tasks("gateway", report)
        self._visits: set[Visit] = set()

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """One visitor, from the handshake to the end."""
        self._check_origin(request)
        self._heed_what_is_no_handshake(request)
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
        lines = request.headers.getall("Origin", [])
        if not lines:
            return
        theirs = origin(lines[0]) if len(lines) == 1 else None
        if theirs is not None and (theirs in self._friends or theirs in self._own_origins(request)):
            return
        self._tally.refusals[ErrorCode.ORIGIN_REFUSED] += 1
        if self._refused_origins.is_new(lines[0][:LONGEST_LOGGED]):
            remedy = (
                "a page elsewhere, unless a proxy does not pass on Host and X-Forwarded-Proto as visitors sent them"
            )
            host = self._addresses.host(request)[:LONGEST_LOGGED]
            log.warning("origin_refused", origin=lines[0][:LONGEST_LOGGED], host=host, remedy=remedy)
        raise RelayError(ErrorCode.ORIGIN_REFUSED, "This origin may not connect.")

    def _heed_what_is_no_handshake(self, request: web.Request) -> None:
        """It is refused below. Proxies keep `Upgrade` to themselves unless told otherwise (RFC 9110, section 7.8)."""
        if "Upgrade" not in request.headers and self._no_handshakes.is_new(self._addresses.peer_of(request)):
            remedy = "if it is your proxy, have it pass on the headers Upgrade and Connection, by HTTP/1.1"
            log.warning("websocket_not_passed_on", source=self._addresses.peer_of(request), remedy=remedy)

    def _own_origins(self, request: web.Request) -> tuple[Origin | None, ...]:
        """Where our page may have been loaded from, for who asks like this: by both schemes where we can't know
        which."""
        scheme, host = self._addresses.scheme(request), self._addresses.host(request)
        return tuple(at(each, host) for each in ([scheme] if scheme else DEFAULT_PORTS))
