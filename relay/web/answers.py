"""What every answer carries, errors of the HTTP library included, and what none does: the versions of what we build on.

An application tells of its answers by a signal. What the library answers by itself, to what is no request, passes by
that, so the connection's protocol adds the same to it.
"""

import asyncio
import ssl
from typing import Any

from aiohttp import web

from relay.config.settings import HttpsSettings
from relay.errors import drop_trace
from relay.web.hosts import OUTSIDE
from relay.web.policy import policy
from relay.web.visitor_address import VisitorAddresses

NO_REQUEST = "This is no request that is understood here."

LINGERING = 2.0
"""Seconds that a body which nobody wanted is read for, so that its sender sees the answer."""

POLICY = "Content-Security-Policy"

# No Cross-Origin-Embedder-Policy: with it, Firefox behind an HTTP proxy closes each TCP connection for media at once,
# as the proxy's answer to CONNECT has no Cross-Origin-Resource-Policy.
HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self)",
    "Referrer-Policy": "no-referrer",
    "Server": "relay",
    "X-Content-Type-Options": "nosniff",
}


class ServerContext(ssl.SSLContext):
    """The TLS context of our own connections: knows what kind of certificate it shows."""

    is_self_signed = True


class Headers:
    """Sets the headers of each answer, last of all."""

    def __init__(self, https: HttpsSettings, addresses: VisitorAddresses) -> None:
        self._addresses = addresses
        subdomains = "; includeSubDomains" if https.hsts_subdomains else ""
        self._hsts = f"max-age={https.hsts_seconds}{subdomains}" if https.hsts_seconds else None

    def put(self, request: web.BaseRequest, answer: web.StreamResponse) -> None:
        """Into one answer."""
        if isinstance(answer, web.HTTPException):
            drop_trace(answer)  # it has been raised, and the request keeps it
        answer.headers.update(HEADERS)
        host = request.get(OUTSIDE)
        answer.headers[POLICY] = policy() if host is None else policy(host, self._addresses.scheme(request))
        if answer.charset is None and answer.content_type.startswith("text/"):
            answer.charset = "utf-8"
        transport = request.transport
        if self._hsts and transport is not None and _is_trusted(transport.get_extra_info("sslcontext")):
            answer.headers["Strict-Transport-Security"] = self._hsts

    async def prepare(self, request: web.Request, answer: web.StreamResponse) -> None:
        """For an application's `on_response_prepare`."""
        self.put(request, answer)


class Protocol(web.RequestHandler):
    """Serves one connection."""

    __slots__ = ("_headers",)

    def __init__(
        self, server: web.Server, headers: Headers, *, loop: asyncio.AbstractEventLoop, keepalive: float
    ) -> None:
        no_log: Any = None
        super().__init__(server, loop=loop, access_log=no_log, keepalive_timeout=keepalive, lingering_time=LINGERING)
        self._headers = headers

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if exc is not None and message:
            drop_trace(exc)  # of what could not be read, which is kept with it
        # Its own sentence repeats what was sent.
        answer = super().handle_error(request, status, exc, NO_REQUEST if message else None)
        self._headers.put(request, answer)
        return answer


def _is_trusted(context: ssl.SSLContext | None) -> bool:
    """Whether visitors came in without a warning. Who has to click one away could not do so any more (RFC 6797,
    section 8.4)."""
    return isinstance(context, ServerContext) and not context.is_self_signed
