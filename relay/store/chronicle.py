"""Reads the journal and makes facts of it: what is known of a visit or a conversation becomes one when it has ended.

It knows people by their session, and what it notes of them has other names: from the database nobody finds a page's.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from relay.ids import RoomId, UserId
from relay.observe.happenings import (
    Happening,
    Matched,
    MediaConnected,
    MediaFailed,
    RoomEnded,
    RoomOpened,
    SessionClosed,
    SessionOpened,
    VisitorCame,
)
from relay.store.facts import Fact, RoomFact, SessionFact, SumFact, new_key

HOUR = 3_600

READ = frozenset(
    {SessionOpened, SessionClosed, VisitorCame, RoomOpened, RoomEnded, Matched, MediaConnected, MediaFailed}
)


@dataclass(slots=True)
class _Visit:
    key: str
    started_at: int
    browser: str
    path: str | None = None
    rooms: int = 0


@dataclass(frozen=True, slots=True)
class _Conversation:
    key: str
    mode: str
    opened_at: int
    sessions: tuple[str, ...]


class Chronicle:
    """A `Reader` of the journal. As many visits and conversations are kept as there are now."""

    def __init__(self, note: Callable[[Fact], None], now: Callable[[], float]) -> None:
        """`now` gives seconds since 1970."""
        self._note = note
        self._now = now
        self._visits: dict[UserId, _Visit] = {}
        self._conversations: dict[RoomId, _Conversation] = {}
        self._hour = int(now()) // HOUR * HOUR
        self._sums: defaultdict[str, float] = defaultdict(float)
        self._changed: set[str] = set()
        """Names of sums that were not noted since they changed."""

    def reads(self, kind: type[Happening]) -> bool:
        return kind in READ

    def note(self, happening: Happening) -> None:
        now = int(self._now())
        self._turn_to(now)
        match happening:
            case SessionOpened():
                self._visits[happening.user] = _Visit(new_key(), now, happening.browser.family)
                self._add("sessions", 1)
            case SessionClosed():
                self._close(happening, now)
            case VisitorCame():
                self._add("visitors_returned" if happening.has_returned else "visitors_new", 1)
            case RoomOpened():
                self._open_room(happening, now)
            case RoomEnded():
                self._end_room(happening, now)
            case Matched():
                self._add("waits", len(happening.waited))
                self._add("waited_seconds", sum(happening.waited))
            case MediaConnected():
                if visit := self._visits.get(happening.user):
                    visit.path = happening.path
                self._add("media_connected", 1)
            case MediaFailed() if not happening.was_connected:
                self._add("media_failed", 1)

    def sum_up(self) -> None:
        """Note what has changed of this hour's sums."""
        self._turn_to(int(self._now()))
        self._note_sums()

    def _turn_to(self, now: int) -> None:
        hour = now // HOUR * HOUR
        if hour != self._hour:
            self._note_sums()
            self._hour = hour
            self._sums.clear()

    def _note_sums(self) -> None:
        for name in sorted(self._changed):
            self._note(SumFact(hour=self._hour, name=name, value=self._sums[name]))
        self._changed.clear()

    def _add(self, name: str, amount: float) -> None:
        self._sums[name] += amount
        self._changed.add(name)

    def _close(self, closed: SessionClosed, now: int) -> None:
        visit = self._visits.pop(closed.user, None)
        if visit is None:
            return
        self._add("visits", 1)
        self._add("visited_seconds", now - visit.started_at)
        self._note(
            SessionFact(
                key=visit.key,
                started_at=visit.started_at,
                ended_at=now,
                reason=closed.reason,
                browser=visit.browser,
                path=visit.path,
                rooms=visit.rooms,
            )
        )

    def _open_room(self, opened: RoomOpened, now: int) -> None:
        visits = [visit for user in opened.users if (visit := self._visits.get(user)) is not None]
        for visit in visits:
            visit.rooms += 1
        keys = tuple(visit.key for visit in visits)
        self._conversations[opened.room] = _Conversation(new_key(), opened.mode, now, keys)
        self._add(f"rooms_{opened.mode}", 1)

    def _end_room(self, ended: RoomEnded, now: int) -> None:
        conversation = self._conversations.pop(ended.room, None)
        if conversation is None:
            return
        self._add(f"ended_{ended.reason}", 1)
        self._add("room_seconds", ended.seconds)
        self._add("talked_seconds", ended.seconds * len(conversation.sessions))
        self._note(
            RoomFact(
                key=conversation.key,
                mode=conversation.mode,
                opened_at=conversation.opened_at,
                ended_at=now,
                reason=ended.reason,
                sessions=conversation.sessions,
            )
        )
