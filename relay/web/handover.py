"""Gives accepted connections to an HTTP server, over TLS where there is a context.

Owns the connections while they shake hands, and bounds how many do. Watches the others: only so many come
from one address, and each has to ask for something soon, so that nobody holds connections for nothing.
"""

import asyncio
import socket
import ssl
from collections import Counter
from dataclasses import dataclass

from aiohttp import web

from relay import clock
from relay.observe.drops import Drop, Drops
from relay.tasks import Report, Tasks
from relay.transport.addresses import Networks, subscriber

HANDSHAKE_TIMEOUT = 10.0
"""Seconds that a TLS handshake may take."""

MOST_HANDSHAKES = 512
"""At the same time; more are turned away."""

REQUEST_TIMEOUT = 15.0
"""Seconds until the first request must be there, with all its headers."""

WATCH_INTERVAL = 1.0
"""Seconds between looks at who has left and who has not asked."""

KEEPALIVE = 30.0
"""Seconds that a connection may wait for its next request, with all its headers."""

UNREAD_TIMEOUT = 60.0
"""Seconds that a connection may leave what we send unread. A WebSocket has a shorter deadline of its own."""

SHUTDOWN_TIMEOUT = 1.0
"""Seconds that answers to plain HTTP have at the end."""


@dataclass(frozen=True, slots=True, eq=False)
class _Guest:
    address: str
    transport: asyncio.Transport
    protocol: asyncio.BaseProtocol
    since: float

    @property
    def has_asked(self) -> bool:
        # aiohttp counts requests, and has no public way to tell: it has no deadline for headers either.
        return bool(getattr(self.protocol, "_request_count", 1))


class Handover:
    """Takes connections until `close()`."""

    def __init__(self, drops: Drops, trusted: Networks, most_per_address: int, report: Report) -> None:
        """`trusted` proxies stand for many people, so the limit per address is not for them."""
        self._drops = drops
        self._trusted = trusted
        self._most = most_per_address
        self._guests: set[_Guest] = set()
        self._addresses: Counter[str] = Counter()
        self._signpost = web.Server(_point_to_https, access_log=None, keepalive_timeout=KEEPALIVE)
        self._tasks = Tasks("http", report)
        self._watch: asyncio.Task[None] | None = None

    def give(self, connection: socket.socket, server: web.Server, context: ssl.SSLContext | None) -> None:
        """Let `server` serve it."""
        try:
            host = connection.getpeername()[0]
        except OSError:
            connection.close()
            return
        address = "" if self._trusted.hold(host) else subscriber(host)
        if len(self._tasks) >= MOST_HANDSHAKES or (address and self._addresses[address] >= self._most):
            self._drops.count(Drop.TCP_CROWDED)
            connection.close()
            return
        # aiohttp waits for a reader without an end; the system does not (tcp(7)).
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(1_000 * UNREAD_TIMEOUT))
        self._addresses[address] += 1
        if self._watch is None:
            self._watch = self._tasks.start("watch", self._watch_guests())
        self._tasks.start("begin", self._begin(connection, address, server, context))

    def redirect(self, connection: socket.socket) -> None:
        """Answer plain HTTP with the way to HTTPS."""
        self.give(connection, self._signpost, None)

    async def close(self) -> None:
        """Idempotent. What was given stays with its server."""
        await self._tasks.close()
        await self._signpost.shutdown(SHUTDOWN_TIMEOUT)

    async def _begin(
        self, connection: socket.socket, address: str, server: web.Server, context: ssl.SSLContext | None
    ) -> None:
        loop = asyncio.get_running_loop()
        try:
            transport, protocol = await loop.connect_accepted_socket(
                server, connection, ssl=context, ssl_handshake_timeout=HANDSHAKE_TIMEOUT if context else None
            )
        except OSError:
            # Whoever fails at the handshake is told by TLS; it is no failure of ours.
            self._forget(address)
        else:
            self._guests.add(_Guest(address, transport, protocol, clock.monotonic()))

    async def _watch_guests(self) -> None:
        while True:
            await asyncio.sleep(WATCH_INTERVAL)
            now = clock.monotonic()
            for guest in list(self._guests):
                if guest.transport.is_closing():
                    self._guests.discard(guest)
                    self._forget(guest.address)
                elif not guest.has_asked and now - guest.since > REQUEST_TIMEOUT:
                    self._drops.count(Drop.TCP_SILENT)
                    guest.transport.abort()

    def _forget(self, address: str) -> None:
        self._addresses[address] -= 1
        if not self._addresses[address]:
            del self._addresses[address]


async def _point_to_https(request: web.BaseRequest) -> web.StreamResponse:
    return web.Response(status=308, headers={"Location": f"https://{request.host}{request.rel_url}"})
