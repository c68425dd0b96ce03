"""`/videochat/`: health, statistics, and what only the operator may see and do."""

from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec
from aiohttp import web

from relay.config.settings import Settings
from relay.web.callers import Callers


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the server takes people; all that strangers are told."""

    ready: bool


class Health(Ready, frozen=True, kw_only=True):
    """What the operator is told besides: what runs here is of use to who looks for its faults."""

    version: str
    engine: str


class Stats(msgspec.Struct, frozen=True, kw_only=True):
    """Totals since start, but for the first five, which are now."""

    capacity_used: float
    people: int
    waiting: int
    rooms: int
    media_connections: int
    connections: int
    resumes: int
    matches: int
    waits: int
    waited_seconds: float
    setups_succeeded: int
    setups_failed: dict[str, int]
    paths: dict[str, int]
    connections_lost: dict[str, int]
    refusals: dict[str, int]
    packets_received: int
    packets_sent: int
    bytes_received: int
    bytes_sent: int
    drops: dict[str, int]


class RoomStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One conversation, for the operator."""

    room_id: str
    mode: str
    seconds: float
    members: tuple[str, ...]


class Cleanup(msgspec.Struct, frozen=True, kw_only=True):
    """What a clean-up removed."""

    people: int


class Status(Protocol):
    """What the server knows about itself."""

    def health(self) -> Health: ...

    def stats(self) -> Stats: ...

    def rooms(self) -> tuple[RoomStatus, ...]: ...

    def cleanup(self) -> Cleanup: ...


def add_routes(app: web.Application, status: Status, callers: Callers, settings: Settings) -> None:
    """All of `/videochat/`."""

    async def live(request: web.Request) -> web.Response:
        return _json({"alive": True})

    async def health(request: web.Request) -> web.Response:
        current: Ready = status.health()
        if "Authorization" in request.headers:
            callers.admit(request)
        else:
            current = Ready(ready=current.ready)
        return _json(current, 200 if current.ready else 503)

    async def stats(request: web.Request) -> web.Response:
        return _json(status.stats())

    async def rooms(request: web.Request) -> web.Response:
        callers.admit(request)
        return _json(status.rooms())

    async def cleanup(request: web.Request) -> web.Response:
        callers.admit(request)
        return _json(status.cleanup())

    app.router.add_get("/videochat/health", health)
    app.router.add_get("/videochat/health/live", live)
    app.router.add_get("/videochat/stats", stats)
    app.router.add_get("/videochat/rooms", rooms)
    app.router.add_post("/videochat/cleanup", cleanup)
    app.router.add_route("OPTIONS", "/videochat/{rest:.*}", _preflight)
    app.on_response_prepare.append(_share_with(frozenset(settings.site.allowed_origins)))


def _json(content: object, status: int = 200) -> web.Response:
    body = msgspec.json.encode(content)
    return web.Response(
        body=body, status=status, content_type="application/json", headers={"Cache-Control": "no-store"}
    )


async def _preflight(request: web.Request) -> web.Response:
    return web.Response(status=204)


def _share_with(origins: frozenset[str]) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """CORS for the configured origins and for no other (Fetch standard, section 3.3), refusals included. What is
    answered here is of this moment and for who asked: no cache keeps it."""

    async def share(request: web.Request, answer: web.StreamResponse) -> None:
        if not request.path.startswith("/videochat/"):
            return
        answer.headers.setdefault("Cache-Control", "no-store")
        answer.headers["Vary"] = "Origin, Authorization"
        origin = request.headers.get("Origin", "")
        if origin in origins:
            answer.headers["Access-Control-Allow-Origin"] = origin
            answer.headers["Access-Control-Allow-Headers"] = "Authorization"
            answer.headers["Access-Control-Allow-Methods"] = "GET, POST"

    return share
