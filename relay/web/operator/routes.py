"""What the operator's console shows and does. All of it wants the token or somebody of the staff; the page
itself holds no data."""

from collections.abc import Sequence
from typing import Protocol

import msgspec
from aiohttp import web

from relay.auth.scopes import Principal, Scope
from relay.errors import ErrorCode, RelayError
from relay.store.analytics import Analytics, Step
from relay.store.chain import Entry
from relay.web.callers import Callers
from relay.web.operator import analytics, audit
from relay.web.pages import Pages


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One person's end of a conversation. None where there is no media connection, or it is not counted by peer."""

    user: str
    path: str | None
    received: int | None
    """Bits per second, from this person."""
    sent: int | None
    """Bits per second, to this person."""
    keyframe_requests: int | None
    dropped: int | None
    """Packets from or for this person."""
    loss_in: float | None = None
    """Of the packets from this person, lately, 0 to 1."""
    loss_out: float | None = None
    """Of those to this person."""
    round_trip: float | None = None
    """Seconds from the relay to this person and back."""
    cap: int | None = None
    """Bits per second that this person's browser was told, because the partner's link takes no more."""
    frames_per_second: float | None = None
    """What this person saw lately, by their browser, as the rest."""
    height: int | None = None
    frozen: float | None = None
    """Of the time that the latest report covers, 0 to 1."""
    first_frame: float | None = None
    """Seconds until the partner was seen or heard."""


class RoomView(msgspec.Struct, frozen=True, kw_only=True):
    """One conversation."""

    room_id: str
    mode: str
    seconds: float
    sides: tuple[Side, ...]


class TroubleView(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of warning or error; `at` is when it last came, in seconds since 1970."""

    at: float
    level: str
    source: str
    event: str
    detail: str
    times: int


class RefusalView(msgspec.Struct, frozen=True, kw_only=True):
    """One reason for which somebody was kept out; `at` is when last, in seconds since 1970."""

    reason: str
    at: float
    times: int
    cause: str
    remedy: str


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """Everything at a glance. `series` has one list for each field of `relay.figures.history.Sample`."""

    now: float
    version: str
    engine: str
    ready: bool
    uptime: float
    people: int
    capacity: int
    bound: str
    """What limits the capacity."""
    certificate_ends: float | None
    """In seconds since 1970; None without TLS."""
    used: float
    waiting: int
    talking: int
    media_connections: int
    matches: int
    cores: float
    memory: int
    memory_limit: int
    interval: float
    series: dict[str, list[float | None]]
    rooms: tuple[RoomView, ...]
    rooms_in_all: int
    refused: tuple[RefusalView, ...]
    troubles: tuple[TroubleView, ...]


class Console(Protocol):
    """What stands behind the endpoints."""

    async def signed_in(self, who: Principal, address: str) -> None:
        """Note it, if it is for the first time from there."""

    def overview(self, since: float) -> Overview: ...

    async def end_room(self, room_id: str, who: str) -> bool:
        """False if there is no such room.

        Raises:
            RelayError: it can't be noted who did it, so it is not done.
        """

    async def drain(self, who: str) -> None:
        """
        Raises:
            RelayError: it can't be noted who did it, so it is not done.
        """

    async def analytics(self, days: int, step: Step) -> Analytics:
        """Of the latest so many days.

        Raises:
            RelayError: nothing is kept, or it can't be read now.
        """

    async def audited(self, before: int | None, most: int) -> Sequence[Entry]:
        """What staff did, the latest first.

        Raises:
            RelayError: nothing is kept, or it can't be read now.
        """


def add_routes(app: web.Application, console: Console, callers: Callers, pages: Pages) -> None:
    """The page at /operator, and its endpoints."""

    async def overview(request: web.Request) -> web.Response:
        principal = await callers.admit(request, Scope.MODERATE)
        await console.signed_in(principal, callers.come_from(request))
        try:
            since = float(request.query.get("since", "0"))
        except ValueError:
            since = 0.0
        return _json(console.overview(since))

    async def end_room(request: web.Request) -> web.Response:
        who = (await callers.admit(request, Scope.MODERATE)).name
        if not await console.end_room(request.match_info["room"], who):
            raise RelayError(ErrorCode.NOT_FOUND, "There is no such room any more.")
        return _json({"ended": True})

    async def drain(request: web.Request) -> web.Response:
        await console.drain((await callers.admit(request, is_grave=True)).name)
        return _json({"draining": True})

    app.router.add_get("/operator", pages.page("operator.html", {"X-Robots-Tag": "noindex"}))
    app.router.add_get("/videochat/overview", overview)
    app.router.add_post("/videochat/rooms/{room}/end", end_room)
    app.router.add_post("/videochat/drain", drain)
    analytics.add_routes(app, console.analytics, callers)
    audit.add_routes(app, console.audited, callers)


def _json(content: object) -> web.Response:
    headers = {"Cache-Control": "no-store"}
    return web.Response(body=msgspec.json.encode(content), content_type="application/json", headers=headers)
