"""`GET /videochat/health`: whether the server takes people."""

from collections.abc import Callable

import msgspec
from aiohttp import web


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """What the health check says. Counts only: nothing about anyone."""

    status: str
    version: str
    engine: str
    people: int
    waiting: int
    rooms: int


def add_routes(app: web.Application, health: Callable[[], Health]) -> None:
    """Answer 200 with the current `Health`."""

    async def respond(request: web.Request) -> web.Response:
        return web.Response(body=msgspec.json.encode(health()), content_type="application/json")

    app.router.add_get("/videochat/health", respond)
