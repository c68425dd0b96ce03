"""Owns all rooms, who is in which, and what each person shares; carries out what rooms decide."""

from collections.abc import Callable, Iterable

from relay.ids import RoomId, UserId, new_room_id
from relay.media.switchboard import Switchboard
from relay.observe.happenings import PartnerFirstSeen, QualityReported, ReportJudged, RoomEnded, RoomOpened
from relay.observe.journal import Journal
from relay.observe.verdict import Verdict
from relay.protocol.messages import (
    ChatMessage,
    FirstFrame,
    MediaState,
    Mode,
    PartingReason,
    PartnerReconnecting,
    PartnerResumed,
    QualityReport,
    ServerMessage,
    Typing,
)
from relay.room.effects import Effect, Link, Tell, Unlink
from relay.room.room import Room

SHARED_AT_FIRST = MediaState(microphone=True, camera=True)


class RoomHost:
    """A person is in one room at most. `tell` delivers a message to a person."""

    def __init__(
        self, switchboard: Switchboard, tell: Callable[[UserId, ServerMessage], None], journal: Journal
    ) -> None:
        self._switchboard = switchboard
        self._tell = tell
        self._journal = journal
        self._rooms: dict[UserId, Room] = {}
        self._shared: dict[UserId, MediaState] = {}

    def __len__(self) -> int:
        return len(self._rooms) // 2

    @property
    def people(self) -> int:
        """How many are in rooms."""
        return len(self._rooms)

    def __contains__(self, user: UserId) -> bool:
        return user in self._rooms

    def rooms(self) -> list[Room]:
        """Every room once."""
        return [room for user, room in self._rooms.items() if user == room.members[0]]

    def room_of(self, user: UserId) -> RoomId | None:
        """The conversation that the person is in."""
        room = self._rooms.get(user)
        return room.room_id if room else None

    def shared_by(self, user: UserId) -> MediaState:
        """What the person shares."""
        return self._shared.get(user, SHARED_AT_FIRST)

    def partner_of(self, user: UserId) -> UserId | None:
        """Whom the person talks with, if they talk."""
        room = self._rooms.get(user)
        return room.partner_of(user) if room else None

    def never_came(self, user: UserId, heard_at: float) -> bool:
        """Whether nothing has come of the person, who was heard last at `heard_at`, since they were paired. False where
        they talk with nobody."""
        room = self._rooms.get(user)
        return room is not None and room.never_came(user, heard_at)

    def open(self, one: UserId, other: UserId, mode: Mode, now: float) -> None:
        """Put two people, who are in no room, into a new one."""
        if one in self._rooms or other in self._rooms:
            raise RuntimeError("a person can't be in two rooms")
        room = Room(new_room_id(), one, other, mode, now)
        self._rooms[one] = self._rooms[other] = room
        self._journal.note(RoomOpened(room=room.room_id, mode=mode.value, users=room.members))
        self._carry_out(room.open({member: self.shared_by(member) for member in room.members}))

    def say(self, speaker: UserId, message: ChatMessage) -> None:
        """Pass a chat message to the speaker's partner. KeyError if the speaker is in no room."""
        self._carry_out(self._rooms[speaker].say(speaker, message))

    def show_typing(self, user: UserId, typing: Typing) -> None:
        """Pass it to the partner. KeyError if the person is in no room."""
        self._carry_out(self._rooms[user].show(user, typing))

    def share(self, user: UserId, shared: MediaState) -> None:
        """Remember what the person shares, and let their partner know if there is one."""
        self._shared[user] = shared
        if user in self._rooms:
            self._carry_out(self._rooms[user].show(user, shared))

    def lost(self, user: UserId) -> None:
        """The person can't be reached: let their partner know, if there is one."""
        if user in self._rooms:
            self._carry_out(self._rooms[user].show(user, PartnerReconnecting()))

    def returned(self, user: UserId) -> None:
        """The person is back: let their partner know, if there is one."""
        if user in self._rooms:
            self._carry_out(self._rooms[user].show(user, PartnerResumed()))

    def note_report(self, user: UserId, report: QualityReport | FirstFrame, now: float) -> None:
        """What the person's browser says of their conversation. It is kept with the room, and summed."""
        room = self._rooms.get(user)
        verdict = room.hear(user, report, now) if room else Verdict.STALE
        self._journal.note(ReportJudged(verdict=verdict))
        if verdict is Verdict.TAKEN:
            self._journal.note(_happening(report))

    def end(self, leaver: UserId, reason: PartingReason, now: float, *, searching: bool) -> None:
        """End the leaver's room. KeyError if they are in none."""
        room = self._rooms[leaver]
        for member in room.members:
            del self._rooms[member]
        ended = RoomEnded(
            room=room.room_id, reason=reason.value, seconds=now - room.opened_at, users=room.members, by=leaver
        )
        self._journal.note(ended)
        self._carry_out(room.end(leaver, reason, searching=searching))

    def forget(self, user: UserId) -> None:
        """The person, who is in no room, is gone for good. Idempotent."""
        self._shared.pop(user, None)

    def strays(self, present: Iterable[UserId]) -> set[UserId]:
        """People in rooms who are not among those present."""
        return set(self._rooms) - set(present)

    def _carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Link(one, other):
                    self._switchboard.pair(one, other)
                case Unlink(user):
                    self._switchboard.part(user)
                case Tell(to, message):
                    self._tell(to, message)


def _happening(report: QualityReport | FirstFrame) -> PartnerFirstSeen | QualityReported:
    if isinstance(report, FirstFrame):
        return PartnerFirstSeen(medium=report.medium.value, seconds=report.seconds)
    return QualityReported(
        seconds=report.seconds,
        freezes=report.freezes,
        frozen_seconds=report.frozen_seconds,
        frames_per_second=report.frames_per_second,
        height=report.height,
        loss=report.loss,
        round_trip=report.round_trip,
    )
