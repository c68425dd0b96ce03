"""The WebSocket at /ws: who may come in, and the end of all visits."""

import asyncio

from aiohttp import WSCloseCode, web

from relay.errors import ErrorCode, RelayError
from relay.ledger.accounts import Payer
from relay.ledger.turns import Turns
from relay.observe.happenings import KeptOut
from relay.observe.journal import Journal
from relay.observe.reasons import Reason
from relay.session.reception import Reception
from relay.session.sessions import Sessions
from relay.tasks import Report, Tasks
from relay.web.accounts import AccountDesk
from relay.web.authority import DEFAULT_PORTS, in_url
from relay.web.charging import PAYER
from relay.web.consent import Consent
from relay.web.guests import Guests
from relay.web.hosts import OUTSIDE
from relay.web.origins import Origins
from relay.web.visit import Visit, forget_failure, turn_away
from relay.web.visitor_address import VisitorAddresses

CLOSE_TIMEOUT = 2.0
"""Seconds that a browser has to answer a close."""

LARGEST_FRAME_FACTOR = 4
"""Frames up to this many times the limit are read and answered by an error; longer ones end the connection."""

ORIGIN_REFUSED = "This origin may not connect."


class Gateway:
    """Serves visitors until `close()`."""

    def __init__(
        self,
        *,
        sessions: Sessions,
        reception: Reception,
        guests: Guests,
        addresses: VisitorAddresses,
        turns: Turns,
        origins: Origins,
        consent: Consent,
        accounts: AccountDesk,
        largest_message: int,
        journal: Journal,
        report: Report,
    ) -> None:
        self._sessions = sessions
        self._reception = reception
        self._guests = guests
        self._addresses = addresses
        self._origins = origins
        self._consent = consent
        self._accounts = accounts
        self._turns = turns
        self._largest_frame = LARGEST_FRAME_FACTOR * largest_message
        self._journal = journal
        self._tasks = Tasks("gateway", report)
        self._visits: set[Visit] = set()

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """One visitor, from the handshake to the end."""
        self._check_origin(request)
        self._note_what_is_no_handshake(request)
        socket = web.WebSocketResponse(
            autoping=False,
            max_msg_size=self._largest_frame,
            compress=False,
            timeout=CLOSE_TIMEOUT,
        )
        has_agreed = self._consent.greet(request, socket)
        has_account = await self._accounts.lets_meet(request)
        await socket.prepare(request)
        payer = request[PAYER]
        guest = self._guests.find(request)
        if guest is not None:
            # Through a proxy too, this connection is one visitor's from now on.
            guest.is_visit, guest.metered.payer = True, payer
        await self._turns.wait(payer)
        try:
            await self._serve(request, socket, payer, has_agreed=has_agreed, has_account=has_account)
        finally:
            forget_failure(socket)
        return socket

    async def knock(self, request: web.Request) -> web.Response:
        """Say over plain HTTP whether the socket may be opened: of one that did not open a browser tells no reason.

        It says nothing that the handshake does not.
        """
        if not self._origins.welcomes(request):
            raise RelayError(ErrorCode.ORIGIN_REFUSED, ORIGIN_REFUSED)
        return web.json_response({"open": True}, headers={"Cache-Control": "no-store"})

    async def close(self) -> None:
        """Send everybody away, in `CLOSE_TIMEOUT` seconds. Idempotent."""
        await asyncio.gather(*(visit.close(WSCloseCode.GOING_AWAY, "server_stopping") for visit in list(self._visits)))
        await self._tasks.close()

    async def _serve(
        self,
        request: web.Request,
        socket: web.WebSocketResponse,
        payer: Payer,
        *,
        has_agreed: bool,
        has_account: bool,
    ) -> None:
        try:
            visit = Visit(
                request=request,
                socket=socket,
                sessions=self._sessions,
                reception=self._reception,
                payer=payer,
                tls_host=self._tls_host(request),
                has_agreed=has_agreed,
                has_account=has_account,
                turns=self._turns,
                tasks=self._tasks,
                journal=self._journal,
            )
        except RelayError as error:
            await turn_away(socket, error)
            return
        self._visits.add(visit)
        try:
            await visit.serve()
        finally:
            self._visits.discard(visit)

    def _check_origin(self, request: web.Request) -> None:
        if self._origins.welcomes(request):
            return
        written = request.headers["Origin"]
        kept_out = KeptOut(
            reason=Reason.ORIGIN,
            cause=written,
            code=ErrorCode.ORIGIN_REFUSED,
            fields={"origin": written, "host": self._addresses.host(request)},
        )
        self._journal.note(kept_out)
        raise RelayError(ErrorCode.ORIGIN_REFUSED, ORIGIN_REFUSED)

    def _tls_host(self, request: web.Request) -> str | None:
        """Where the visitor's browser reaches our own TLS; None where a proxy ends theirs, or nobody uses any."""
        host = request.get(OUTSIDE)
        if host is None or not request.secure or self._addresses.claims_to_be_forwarded(request):
            return None
        return in_url(host, DEFAULT_PORTS["https"])

    def _note_what_is_no_handshake(self, request: web.Request) -> None:
        """It is refused below. Proxies keep `Upgrade` to themselves unless told otherwise (RFC 9110, section 7.8)."""
        if "Upgrade" not in request.headers:
            source = self._addresses.peer_of(request)
            self._journal.note(KeptOut(reason=Reason.WEBSOCKET, cause=source, fields={"source": source}))
