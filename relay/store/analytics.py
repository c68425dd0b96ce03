"""What sums by the hour say of people: how many came and came back, how long they waited and talked, and whether media
came about. Pure.

Hours and days are those of UTC.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum

import msgspec

from relay.protocol.messages import Mode, PartingReason

MOST_DAYS = 730
"""That are asked for at once. There are more of them than rows that come of it."""
MOST_DAYS_BY_HOUR = 62
"""Beyond that there is one row for each day."""

SUMS = (
    "sessions",
    "waits",
    "waited_seconds",
    *(f"rooms_{mode.value}" for mode in Mode),
    *(f"ended_{reason.value}" for reason in PartingReason),
    "room_seconds",
    "visits",
    "visited_seconds",
    "media_connected",
    "media_failed",
    "visitors_new",
    "visitors_returned",
)
"""Names that are asked for. `Chronicle` adds to them."""

Sums = Mapping[str, float]
"""By name; what is not there is 0."""


class Step(IntEnum):
    """Seconds that one row stands for."""

    HOUR = 3_600
    DAY = 86_400


@dataclass(frozen=True, slots=True)
class Window:
    """Which time is asked for: whole steps, from `begins` on and before `ends`, in seconds since 1970."""

    begins: int
    ends: int
    step: Step


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """An hour or a day, as far as it is over. Means are in seconds; None: there was nothing to take one of."""

    at: int
    """When it began, in seconds since 1970."""
    people: int
    """Visits that began."""
    waits: int
    """People who were given a partner."""
    mean_wait: float | None
    rooms_video: int
    """Conversations that began, by mode."""
    rooms_audio: int
    rooms_text: int
    ended_next: int
    """Conversations that ended, by the reason that a partner is told."""
    ended_left: int
    ended_disconnected: int
    ended_operator: int
    ended_server_stopping: int
    mean_room: float | None
    """Of conversations that ended."""
    mean_visit: float | None
    """Of visits that ended."""
    connected: int
    """Media connections that came about."""
    failed: int
    """Those that did not."""
    success: float | None
    """The share that came about, 0 to 1."""
    new_visitors: int
    """Who agreed to the rules for the first time."""
    returned_visitors: int
    """Who agreed on an earlier day, each once a day."""
    retention: float | None
    """The share of those who came back among them all, 0 to 1."""


class Analytics(msgspec.Struct, frozen=True, kw_only=True):
    """Periods without a gap, the oldest first; `total` is all of them as one."""

    step: int
    """Seconds of a period."""
    periods: tuple[Period, ...]
    total: Period


def window(days: int, step: Step, now: float) -> Window:
    """The latest so many days, with the hour or the day that goes on now; at least 1 and at most `MOST_DAYS`. Hours
    become days where there are too many of them."""
    days = min(max(days, 1), MOST_DAYS)
    step = step if days <= MOST_DAYS_BY_HOUR else Step.DAY
    ends = (int(now) // step + 1) * step
    return Window(ends - days * Step.DAY, ends, step)


def analytics(shown: Window, sums: Mapping[int, Sums]) -> Analytics:
    """From the sums of each step that has any."""
    begins = range(shown.begins, shown.ends, shown.step)
    periods = tuple(_period(at, sums.get(at, {})) for at in begins)
    return Analytics(step=int(shown.step), periods=periods, total=_period(shown.begins, _added(sums.values())))


def _added(all_sums: Iterable[Sums]) -> Sums:
    added = dict.fromkeys(SUMS, 0.0)
    for sums in all_sums:
        for name, value in sums.items():
            added[name] += value
    return added


def _period(at: int, sums: Sums) -> Period:
    def whole(name: str) -> int:
        return round(sums.get(name, 0.0))

    ended = {f"ended_{reason.value}": whole(f"ended_{reason.value}") for reason in PartingReason}
    connected, failed = whole("media_connected"), whole("media_failed")
    new, returned = whole("visitors_new"), whole("visitors_returned")
    return Period(
        at=at,
        people=whole("sessions"),
        waits=whole("waits"),
        mean_wait=_mean(sums.get("waited_seconds", 0.0), whole("waits")),
        rooms_video=whole("rooms_video"),
        rooms_audio=whole("rooms_audio"),
        rooms_text=whole("rooms_text"),
        **ended,
        mean_room=_mean(sums.get("room_seconds", 0.0), sum(ended.values())),
        mean_visit=_mean(sums.get("visited_seconds", 0.0), whole("visits")),
        connected=connected,
        failed=failed,
        success=_share(connected, failed),
        new_visitors=new,
        returned_visitors=returned,
        retention=_share(returned, new),
    )


def _mean(amount: float, count: int) -> float | None:
    return round(amount / count, 2) if count else None


def _share(some: int, others: int) -> float | None:
    return round(some / (some + others), 4) if some + others else None
