"""`/metrics`: who may read it; and how long HTTP answers take, which only this layer can measure."""

import ipaddress
from collections.abc import Callable
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from relay import clock
from relay.config import Settings
from relay.observe.tally import Tally
from relay.web.operator_token import OperatorGate

LOOPBACK = ("127.0.0.0/8", "::1/128")
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")
"""Headers of proxies: the request comes from further away than its address says."""

UNMATCHED = "unmatched"
"""The route of requests for what is not there; the path is a stranger's text and no label."""


def add_routes(app: web.Application, render: Callable[[], bytes], gate: OperatorGate, settings: Settings) -> None:
    """Open to loopback and the allowed networks, to others with the operator's token."""
    networks = [ipaddress.ip_network(network) for network in (*LOOPBACK, *settings.metrics_allow)]

    async def metrics(request: web.Request) -> web.Response:
        if not _is_near(request, networks):
            gate.admit(request)
        headers = {"Content-Type": CONTENT_TYPE_PLAIN_0_0_4, "Cache-Control": "no-store"}
        return web.Response(body=render(), headers=headers)

    app.router.add_get("/metrics", metrics)


def measure(tally: Tally) -> Middleware:
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
            resource = request.match_info.route.resource
            if resource is None:
                tally.request(UNMATCHED, UNMATCHED, status, clock.monotonic() - began)
            elif status != HTTPStatus.SWITCHING_PROTOCOLS:
                method = request.match_info.route.method
                tally.request(method, resource.canonical, status, clock.monotonic() - began)
        return response

    return timed


def _is_near(request: web.Request, networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    if any(header in request.headers for header in FORWARDED):
        return False
    try:
        address = ipaddress.ip_address(request.remote or "")
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return any(address in network for network in networks)
