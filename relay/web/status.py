"""`/videochat/`: health, statistics, and what only the operator may see and do."""

from collections.abc import Awaitable, Callable
from enum import StrEnum

import msgspec
from aiohttp import web

from relay import clock
from relay.auth.audit import Audit
from relay.auth.scopes import Scope
from relay.config.settings import SiteSettings
from relay.figures.figures import Figures
from relay.figures.stats import Stats, stats_of
from relay.observe.tally import Tally
from relay.room.host import RoomHost
from relay.store.store import StoreState
from relay.web.callers import Callers


class Condition(StrEnum):
    """How the server is, in a word."""

    OK = "ok"
    DEGRADED = "degraded"
    """It takes people and their calls go on, but what lasts can't be written now: the database is away."""
    CLOSED = "closed"
    """It takes nobody."""


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the server takes people; all that strangers are told."""

    ready: bool
    status: Condition


class Health(Ready, frozen=True, kw_only=True):
    """What the operator is told besides: what runs here is of use to who looks for its faults."""

    version: str
    engine: str
    store: str
    """Whether what lasts can be written: `open`, `away` or `off`. People notice nothing of it."""


class RoomStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One conversation, for the operator."""

    room_id: str
    mode: str
    seconds: float
    members: tuple[str, ...]


class Cleanup(msgspec.Struct, frozen=True, kw_only=True):
    """What a clean-up removed."""

    people: int


class Status:
    """What the server knows about itself."""

    def __init__(
        self,
        *,
        figures: Callable[[], Figures],
        tally: Tally,
        rooms: RoomHost,
        sweep: Callable[[], int],
    ) -> None:
        """`sweep` cleans up after people who vanished, and returns how many there were."""
        self._figures = figures
        self._tally = tally
        self._rooms = rooms
        self._sweep = sweep

    def health(self) -> Health:
        figures = self._figures()
        return Health(
            ready=figures.ready,
            status=_condition(figures),
            version=figures.version,
            engine=figures.engine,
            store=figures.store.state.value,
        )

    def stats(self) -> Stats:
        return stats_of(self._figures(), self._tally)

    def rooms(self) -> tuple[RoomStatus, ...]:
        now = clock.monotonic()
        return tuple(
            RoomStatus(
                room_id=room.room_id,
                mode=room.mode.value,
                seconds=round(now - room.opened_at, 1),
                members=room.members,
            )
            for room in self._rooms.rooms()
        )

    def cleanup(self) -> Cleanup:
        return Cleanup(people=self._sweep())


def add_routes(app: web.Application, status: Status, callers: Callers, audit: Audit, site: SiteSettings) -> None:
    """All of `/videochat/`."""

    async def live(request: web.Request) -> web.Response:
        return _json({"alive": True})

    async def health(request: web.Request) -> web.Response:
        current: Ready = status.health()
        if "Authorization" in request.headers:
            await callers.admit(request)
        else:
            current = Ready(ready=current.ready, status=current.status)
        # Also 200 while degraded: a load balancer that took the server out would end calls that go on without it.
        return _json(current, 200 if current.ready else 503)

    async def stats(request: web.Request) -> web.Response:
        return _json(status.stats())

    async def rooms(request: web.Request) -> web.Response:
        await callers.admit(request, Scope.MODERATE)
        return _json(status.rooms())

    async def cleanup(request: web.Request) -> web.Response:
        principal = await callers.admit(request)
        await audit.note(principal.name, "cleanup")
        return _json(status.cleanup())

    app.router.add_get("/videochat/health", health)
    app.router.add_get("/videochat/health/live", live)
    app.router.add_get("/videochat/stats", stats)
    app.router.add_get("/videochat/rooms", rooms)
    app.router.add_post("/videochat/cleanup", cleanup)
    app.router.add_route("OPTIONS", "/videochat/{rest:.*}", _preflight)
    app.on_response_prepare.append(_share_with(frozenset(site.allowed_origins)))


def _condition(figures: Figures) -> Condition:
    if not figures.ready:
        return Condition.CLOSED
    return Condition.DEGRADED if figures.store.state is StoreState.AWAY else Condition.OK


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
