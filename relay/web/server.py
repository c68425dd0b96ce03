"""The HTTP server: routes, and the orderly end of what it serves."""

import asyncio
from collections.abc import Sequence

from aiohttp import web
from aiohttp.typedefs import Middleware

from relay.auth.audit import Audit
from relay.config.settings import HttpsSettings, SiteSettings
from relay.figures.metrics import Metrics
from relay.observe.journal import Journal
from relay.web import about, base_path, checking, pages
from relay.web.accounts import AccountDesk
from relay.web.accounts import add_routes as account_routes
from relay.web.answers import Headers, Protocol
from relay.web.callers import Callers
from relay.web.consent import Consent
from relay.web.consent import add_routes as consent_routes
from relay.web.failures import answer_failures
from relay.web.gateway import Gateway
from relay.web.hosts import Hosts, refuse_other_hosts
from relay.web.metrics import add_routes as metrics_routes
from relay.web.metrics import measure
from relay.web.operator import routes as operator
from relay.web.operator.staff import StaffPages
from relay.web.operator.staff import add_routes as staff_routes
from relay.web.signpost import signpost
from relay.web.status import Status
from relay.web.status import add_routes as status_routes
from relay.web.visitor_address import VisitorAddresses

KEEPALIVE = 30.0
"""Seconds that a connection may wait for its next request, with all its headers."""

LARGEST_REQUEST = 64 * 1024
"""Bytes of a request body, of which `bodies.py` takes fewer."""

SHUTDOWN_TIMEOUT = 2.0
"""Seconds that running requests have once the WebSockets are closed."""


class WebServer:
    """Serves the connections that `protocol` gets, from `open()` until `close()` sends everybody away."""

    def __init__(
        self,
        *,
        gateway: Gateway,
        status: Status,
        console: operator.Console,
        staff: StaffPages,
        audit: Audit,
        consent: Consent,
        accounts: AccountDesk,
        metrics: Metrics,
        journal: Journal,
        charged: Middleware,
        callers: Callers,
        addresses: VisitorAddresses,
        hosts: Hosts,
        https: HttpsSettings,
        site: SiteSettings,
        metrics_allow: Sequence[str],
    ) -> None:
        self._gateway = gateway
        self._hosts = hosts
        refuse = refuse_other_hosts(self._hosts)
        middlewares = [measure(journal), answer_failures, charged, refuse]
        app = web.Application(client_max_size=LARGEST_REQUEST, middlewares=middlewares)
        self._headers = Headers(https, addresses)
        app.on_response_prepare.append(self._headers.prepare)
        app.router.add_get("/ws", gateway.handle)
        app.router.add_post("/videochat/door", gateway.knock)
        status_routes(app, status, callers, audit, site)
        consent_routes(app, consent)
        account_routes(app, accounts)
        client = pages.Pages(pages.STATIC)
        operator.add_routes(app, console, callers, client)
        staff_routes(app, staff)
        metrics_routes(app, metrics.render, callers, addresses, metrics_allow)
        checking.add_routes(app, client)
        about.add_routes(app, client)
        pages.add_routes(app, client)
        self._base_path = base_path.folder(site)
        base_path.add_routes(app, self._base_path)
        self._signpost: web.Server | None = None
        self._runner = web.AppRunner(app, shutdown_timeout=SHUTDOWN_TIMEOUT, handle_signals=False)

    async def open(self) -> None:
        """Be ready for connections."""
        self._signpost = signpost(self._hosts)
        await self._runner.setup()
        if self._runner.server is not None:
            base_path.take_off(self._base_path, self._runner.server)

    def protocol(self) -> Protocol:
        """Serves one accepted connection."""
        return self._serve(self._runner.server)

    def redirecting(self) -> Protocol:
        """Answers one accepted connection of plain HTTP with the way to HTTPS."""
        return self._serve(self._signpost)

    def _serve(self, server: web.Server | None) -> Protocol:
        if server is None:
            raise RuntimeError("the HTTP server is not open")
        return Protocol(server, self._headers, loop=asyncio.get_running_loop(), keepalive=KEEPALIVE)

    async def close(self) -> None:
        """Idempotent."""
        await self._gateway.close()
        if self._signpost is not None:
            await self._signpost.shutdown(SHUTDOWN_TIMEOUT)
        await self._runner.cleanup()
