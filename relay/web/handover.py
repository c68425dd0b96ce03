"""Gives accepted connections to an HTTP server, over TLS where there is a context.

Owns the connections while they shake hands, and bounds how many do.
"""

import asyncio
import contextlib
import socket
import ssl

from aiohttp import web

from relay.tasks import Report, Tasks

HANDSHAKE_TIMEOUT = 10.0
"""Seconds that a TLS handshake may take."""

MOST_HANDSHAKES = 512
"""At the same time; more are turned away."""

SHUTDOWN_TIMEOUT = 1.0
"""Seconds that answers to plain HTTP have at the end."""


class Handover:
    """Takes connections until `close()`."""

    def __init__(self, report: Report) -> None:
        self._signpost = web.Server(_point_to_https, access_log=None)
        self._tasks = Tasks("http", report)

    def give(self, connection: socket.socket, server: web.Server, context: ssl.SSLContext | None) -> None:
        """Let `server` serve it."""
        if len(self._tasks) >= MOST_HANDSHAKES:
            connection.close()
        else:
            self._tasks.start("begin", _begin(connection, server, context))

    def redirect(self, connection: socket.socket) -> None:
        """Answer plain HTTP with the way to HTTPS."""
        self.give(connection, self._signpost, None)

    async def close(self) -> None:
        """Idempotent. What was given stays with its server."""
        await self._tasks.close()
        await self._signpost.shutdown(SHUTDOWN_TIMEOUT)


async def _begin(connection: socket.socket, server: web.Server, context: ssl.SSLContext | None) -> None:
    loop = asyncio.get_running_loop()
    # Whoever fails at the handshake is told by TLS; it is no failure of ours.
    with contextlib.suppress(OSError):
        await loop.connect_accepted_socket(
            server, connection, ssl=context, ssl_handshake_timeout=HANDSHAKE_TIMEOUT if context else None
        )


async def _point_to_https(request: web.BaseRequest) -> web.StreamResponse:
    return web.Response(status=308, headers={"Location": f"https://{request.host}{request.rel_url}"})
