"""Gives accepted connections to an HTTP server, over TLS where there is a context, or to the media port's TURN.

Owns the connections while they shake hands, and bounds how many do. Whose ClientHello does not say that HTTP follows
is asked by the core's TLS, and what follows decides.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from aiohttp import web

from relay import clock
from relay.errors import drop_trace
from relay.front.core_tls import CoreTls, FirstData, Tls
from relay.front.first_bytes import Kind
from relay.front.mux import Arrival
from relay.ledger.table import Table, Takes
from relay.ledger.turns import Turns
from relay.observe.drops import Drop, Drops
from relay.tasks import Report, Tasks
from relay.transport.port import TurnPort
from relay.web.answers import ServerContext
from relay.web.guests import Guest, Guests
from relay.web.metered import Metered

if TYPE_CHECKING:
    from relay.native import TlsConnection

MOST_HANDSHAKES = 512
"""At the same time. When one more comes, the oldest of the address that has most is ended."""

MOST_HANDSHAKES_PER_ADDRESS = 64
"""Of those, from one address. When one more comes, its oldest is ended."""

HANDSHAKE = 1.5e-3
"""Seconds of CPU for a TLS handshake: charged when it begins, so that many at once are begun one after the other."""

UNREAD_TIMEOUT = 60.0
"""Seconds that a connection may leave what we send unread. A WebSocket has a shorter deadline of its own."""


Serve = Callable[[], web.RequestHandler]
"""Makes what serves one connection."""

Secure = Callable[[web.RequestHandler, "asyncio.Future[None]"], Tls]
"""Puts TLS before it, which sets the future when hands have been shaken."""


class Handover:
    """Takes connections until `close()`."""

    def __init__(self, guests: Guests, port: TurnPort, turns: Turns, drops: Drops, report: Report) -> None:
        self._guests = guests
        self._port = port
        self._turns = turns
        self._drops = drops
        self._handshakes: Table[Guest] = Table(MOST_HANDSHAKES, Takes.OLDEST, most_each=MOST_HANDSHAKES_PER_ADDRESS)
        self._undecided: set[CoreTls] = set()
        """Of which nobody else knows yet."""
        self._tasks = Tasks("http", report)

    def give(self, arrival: Arrival, server: Serve, context: ServerContext | None) -> None:
        """Let `server` serve it."""
        self._take(arrival, server, None if context is None else lambda http, ready: Tls(http, context, ready))

    def give_undecided(
        self, arrival: Arrival, server: Serve, context: ServerContext, connection: "TlsConnection"
    ) -> None:
        """Shake hands by `connection`, which has the certificate of `context`. TURN is the media port's, and HTTP for
        `server`."""

        def secure(http: web.RequestHandler, ready: "asyncio.Future[None]") -> Tls:
            def decided(transport: asyncio.Transport, kind: Kind, first: bytes) -> None:
                self._undecided.discard(tls)
                if kind is Kind.HTTP:
                    transport.set_protocol(http)
                    http.connection_made(transport)
                    http.data_received(first)
                    return
                own = None
                if kind is not Kind.TURN:
                    self._drops.count(Drop.TCP_UNKNOWN)
                else:
                    own = tls.part()
                transport.abort()
                if own is not None:
                    self._port.adopt_turn(own, connection, first)

            tls = CoreTls(FirstData(decided), context, connection, ready)
            return tls

        self._take(arrival, server, secure)

    async def close(self) -> None:
        """Idempotent. What was given stays with its server."""
        await self._tasks.close()
        for tls in list(self._undecided):
            tls.abort()

    def _take(self, arrival: Arrival, server: Serve, secure: Secure | None) -> None:
        # aiohttp waits for a reader without an end; the system does not (tcp(7)).
        arrival.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(1_000 * UNREAD_TIMEOUT))
        if secure is not None:
            arrival.payer.charge(clock.monotonic(), HANDSHAKE)
        self._tasks.start("begin", self._begin(arrival, server, secure))

    async def _begin(self, arrival: Arrival, server: Serve, secure: Secure | None) -> None:
        loop = asyncio.get_running_loop()
        protocol = server()
        ready: asyncio.Future[None] = loop.create_future()
        inner = protocol if secure is None else secure(protocol, ready)
        metered = Metered(inner, arrival.payer, self._turns)
        guest = Guest(arrival.host, metered, protocol)

        def ended() -> None:
            self._guests.leave(guest)
            if protocol.transport is None:
                # TLS does not tell it, if hands were never shaken: it and its parser would hold each other for nothing.
                protocol.connection_lost(None)
            if isinstance(inner, CoreTls):
                self._undecided.discard(inner)

        if not self._guests.enter(guest):
            arrival.connection.close()
            inner.connection_lost(None)
            ended()
            return
        metered.ended = ended
        if isinstance(inner, CoreTls):
            self._undecided.add(inner)
        try:
            guest.transport, _ = await loop.connect_accepted_socket(lambda: metered, arrival.connection)
            if secure is not None:
                await self._shake_hands(guest, ready)
        except OSError as failure:
            # TLS itself tells those whose handshake fails; it is no failure of ours.
            self._guests.leave(guest)
            drop_trace(failure)  # `ready` keeps it, and it `ready`

    async def _shake_hands(self, guest: Guest, ready: "asyncio.Future[None]") -> None:
        if (crowded_out := self._handshakes.enter(guest, guest.metered.payer.groups)) is not None:
            self._drops.count(Drop.TCP_CROWDED)
            crowded_out.end()
        try:
            await ready
        except BaseException:
            guest.end()
            raise
        finally:
            self._handshakes.leave(guest)
