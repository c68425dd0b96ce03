"""The HTTP server: routes, sockets, and their orderly end."""

from collections.abc import Sequence

from aiohttp import web

from relay.config import Settings
from relay.errors import ConfigurationError
from relay.observe.metrics import Metrics
from relay.observe.tally import Tally
from relay.web import metrics, pages, status
from relay.web.failures import answer_failures
from relay.web.gateway import Gateway

LARGEST_REQUEST = 64 * 1024
"""Bytes of a request body; nothing that is served takes one."""

SHUTDOWN_TIMEOUT = 2.0
"""Seconds that running requests have once the WebSockets are closed."""


class WebServer:
    """`open()` listens, `close()` sends everybody away and frees the port."""

    def __init__(
        self, gateway: Gateway, about: status.Status, figures: Metrics, tally: Tally, settings: Settings
    ) -> None:
        self._gateway = gateway
        app = web.Application(client_max_size=LARGEST_REQUEST, middlewares=[metrics.measure(tally), answer_failures])
        app.router.add_get("/ws", gateway.handle)
        status.add_routes(app, about, settings)
        metrics.add_routes(app, figures.render, settings)
        pages.add_routes(app)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_TIMEOUT, handle_signals=False)

    async def open(self, hosts: Sequence[str], port: int) -> None:
        """Listen on `port` of each of `hosts`, or of all addresses when there are none.

        Raises:
            ConfigurationError: the port can't be bound.
        """
        await self._runner.setup()
        for host in hosts or (None,):
            try:
                await web.TCPSite(self._runner, host, port).start()
            except OSError as cause:
                await self._runner.cleanup()
                raise ConfigurationError(
                    f"The HTTP port can't be opened: TCP {host or 'any address'} port {port}: {cause.strerror}."
                ) from cause

    async def close(self) -> None:
        """Idempotent."""
        await self._gateway.close()
        await self._runner.cleanup()
