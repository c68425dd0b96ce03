"""`/metrics`: who may read it; and how long HTTP answers take, which only this layer can measure."""

from collections.abc import Callable, Sequence
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from relay import clock
from relay.auth.scopes import Scope
from relay.ledger.addresses import Networks
from relay.observe.happenings import RequestAnswered
from relay.observe.journal import Journal
from relay.web.callers import Callers
from relay.web.visitor_address import VisitorAddresses

UNMATCHED = "unmatched"
"""The route of requests for what is not there; the path is a stranger's text and no label."""


def add_routes(
    app: web.Application,
    render: Callable[[], bytes],
    callers: Callers,
    addresses: VisitorAddresses,
    allowed: Sequence[str],
) -> None:
    """Open to the allowed networks, to others with a token.

    Loopback is no exception: a proxy on this host, or a tunnel, comes from there with everybody's requests, and need
    not tell by any header that it is one.
    """
    networks = Networks(allowed)

    async def metrics(request: web.Request) -> web.Response:
        # Who is not trusted and says that they speak for somebody is further away than they seem.
        is_near = addresses.is_forwarded(request) or not addresses.claims_to_be_forwarded(request)
        if not (is_near and networks.hold(addresses.of(request))):
            await callers.admit(request, Scope.READ_FIGURES)
        headers = {"Content-Type": CONTENT_TYPE_PLAIN_0_0_4, "Cache-Control": "no-store"}
        return web.Response(body=render(), headers=headers)

    app.router.add_get("/metrics", metrics)


def measure(journal: Journal) -> Middleware:
    """Time every answer. A WebSocket is no answer: it lasts as long as the visit."""

    @web.middleware
    async def timed(request: web.Request, handler: Handler) -> web.StreamResponse:
        began = clock.monotonic()
        status = 500
        try:
            response = await handler(request)
            status = response.status
        except web.HTTPException as answer:
            status = answer.status
            raise
        finally:
            if status != HTTPStatus.SWITCHING_PROTOCOLS:
                method, route = _route(request)
                seconds = clock.monotonic() - began
                journal.note(RequestAnswered(method=method, route=route, status=status, seconds=seconds))
        return response

    return timed


def _route(request: web.Request) -> tuple[str, str]:
    found = request.match_info.route
    return (UNMATCHED, UNMATCHED) if found.resource is None else (found.method, found.resource.canonical)
