"""Gives accepted connections to an HTTP server, over TLS where there is a context.

Owns the connections while they shake hands, and bounds how many do.
"""

import asyncio
import socket
import ssl
from asyncio.sslproto import SSLProtocol
from collections.abc import Callable
from typing import Any

from aiohttp import web

from relay import clock
from relay.front.mux import Arrival
from relay.ledger.table import Table, Takes
from relay.ledger.turns import Turns
from relay.observe.drops import Drop, Drops
from relay.tasks import Report, Tasks
from relay.web.guests import Guest, Guests
from relay.web.metered import PIECE, Metered

HANDSHAKE_TIMEOUT = 10
"""Seconds that a TLS handshake may take."""

MOST_HANDSHAKES = 512
"""At the same time. When one more comes, the oldest of the address that has most is ended."""

MOST_HANDSHAKES_PER_ADDRESS = 64
"""Of those, from one address. When one more comes, its oldest is ended."""

HANDSHAKE = 1.5e-3
"""Seconds of CPU for a TLS handshake: charged when it begins, so that many at once are begun one after the other."""

UNREAD_TIMEOUT = 60.0
"""Seconds that a connection may leave what we send unread. A WebSocket has a shorter deadline of its own."""


class _Tls(SSLProtocol):
    """asyncio's own keeps a buffer of this size for each connection, and has 256 KiB."""

    max_size = PIECE


class Handover:
    """Takes connections until `close()`."""

    def __init__(self, guests: Guests, turns: Turns, drops: Drops, report: Report) -> None:
        self._guests = guests
        self._turns = turns
        self._drops = drops
        self._handshakes: Table[Guest] = Table(MOST_HANDSHAKES, Takes.OLDEST, most_each=MOST_HANDSHAKES_PER_ADDRESS)
        self._tasks = Tasks("http", report)

    def give(self, arrival: Arrival, server: Callable[[], web.RequestHandler], context: ssl.SSLContext | None) -> None:
        """Let `server` serve it."""
        # aiohttp waits for a reader without an end; the system does not (tcp(7)).
        arrival.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(1_000 * UNREAD_TIMEOUT))
        if context is not None:
            arrival.payer.charge(clock.monotonic(), HANDSHAKE)
        self._tasks.start("begin", self._begin(arrival, server, context))

    async def close(self) -> None:
        """Idempotent. What was given stays with its server."""
        await self._tasks.close()

    async def _begin(
        self, arrival: Arrival, server: Callable[[], web.RequestHandler], context: ssl.SSLContext | None
    ) -> None:
        loop = asyncio.get_running_loop()
        protocol = server()
        ready: asyncio.Future[None] = loop.create_future()
        inner: Any = protocol
        if context is not None:
            inner = _Tls(loop, protocol, context, ready, server_side=True, ssl_handshake_timeout=HANDSHAKE_TIMEOUT)
        metered = Metered(inner, arrival.payer, self._turns)
        guest = Guest(arrival.host, metered, protocol)
        metered.ended = lambda: self._guests.leave(guest)
        if not self._guests.enter(guest):
            arrival.connection.close()
            return
        try:
            guest.transport, _ = await loop.connect_accepted_socket(lambda: metered, arrival.connection)
            if context is not None:
                await self._shake_hands(guest, ready)
        except OSError:
            # TLS itself tells those whose handshake fails; it is no failure of ours.
            self._guests.leave(guest)

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
