"""The HTTP server: routes, and the orderly end of what it serves."""

from aiohttp import web
from aiohttp.typedefs import Middleware

from relay.config import Settings
from relay.observe.metrics import Metrics
from relay.observe.tally import Tally
from relay.web import checking, metrics, operator, pages, status
from relay.web.failures import answer_failures
from relay.web.gateway import Gateway
from relay.web.handover import KEEPALIVE
from relay.web.operator_token import OperatorGate

LARGEST_REQUEST = 64 * 1024
"""Bytes of a request body; nothing that is served takes one."""

LINGERING = 2.0
"""Seconds that a body which nobody wanted is read for, so that its sender sees the answer."""

SHUTDOWN_TIMEOUT = 2.0
"""Seconds that running requests have once the WebSockets are closed."""


class WebServer:
    """Serves the connections that `protocol` gets, from `open()` until `close()` sends everybody away."""

    def __init__(
        self,
        gateway: Gateway,
        about: status.Status,
        console: operator.Console,
        figures: Metrics,
        tally: Tally,
        charged: Middleware,
        settings: Settings,
    ) -> None:
        self._gateway = gateway
        middlewares = [metrics.measure(tally), answer_failures, charged]
        app = web.Application(client_max_size=LARGEST_REQUEST, middlewares=middlewares)
        app.router.add_get("/ws", gateway.handle)
        gate = OperatorGate(settings)
        status.add_routes(app, about, gate, settings)
        operator.add_routes(app, console, gate)
        metrics.add_routes(app, figures.render, gate, settings)
        checking.add_routes(app)
        pages.add_routes(app)
        self._runner = web.AppRunner(
            app,
            access_log=None,
            keepalive_timeout=KEEPALIVE,
            lingering_time=LINGERING,
            shutdown_timeout=SHUTDOWN_TIMEOUT,
            handle_signals=False,
        )

    async def open(self) -> None:
        """Be ready for connections."""
        await self._runner.setup()

    @property
    def protocol(self) -> web.Server:
        """Takes accepted connections."""
        if self._runner.server is None:
            raise RuntimeError("the HTTP server is not open")
        return self._runner.server

    async def close(self) -> None:
        """Idempotent."""
        await self._gateway.close()
        await self._runner.cleanup()
