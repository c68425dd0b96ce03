"""Owns all rooms, who is in which, and what each person shares; carries out what rooms decide."""

from collections.abc import Collection, Iterable

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
    Typing,
)
from relay.room.effects import Connect, Disconnect, Effect, Tell
from relay.room.post import Post
from relay.room.room import Room, RoomState, together

SHARED_AT_FIRST = MediaState(microphone=True, camera=True)


class RoomHost:
    """A person is in one room at most."""

    def __init__(self, switchboard: Switchboard, post: Post, journal: Journal) -> None:
        self._switchboard = switchboard
        self._post = post
        self._journal = journal
        self._rooms: dict[RoomId, Room] = {}
        self._room_ids: dict[UserId, RoomId] = {}
        self._shared: dict[UserId, MediaState] = {}

    def __len__(self) -> int:
        return len(self._rooms)

    @property
    def people(self) -> int:
        """How many are in rooms."""
        return len(self._room_ids)

    def __contains__(self, user: UserId) -> bool:
        return user in self._room_ids

    def rooms(self) -> list[Room]:
        """All of them, the oldest first."""
        return list(self._rooms.values())

    def find(self, room_id: RoomId) -> Room | None:
        """The room, unless it has ended."""
        return self._rooms.get(room_id)

    def room_of(self, user: UserId) -> RoomId | None:
        """The conversation that the person is in."""
        return self._room_ids.get(user)

    def others_of(self, user: UserId) -> tuple[UserId, ...]:
        """Everybody with whom the person talks."""
        return self._room(user).others_of(user) if user in self else ()

    def shared_with(self, user: UserId) -> MediaState:
        """What those share with whom the person talks."""
        others = self.others_of(user)
        return together(map(self._shared_by, others)) if others else SHARED_AT_FIRST

    def never_came(self, user: UserId, heard_at: float) -> bool:
        """Whether nothing has come of the person, who was heard last at `heard_at`, since they were paired. False where
        they talk with nobody."""
        return user in self and self._room(user).never_came(user, heard_at)

    def open(self, members: Collection[UserId], mode: Mode, now: float) -> None:
        """Put people, who are in no room, into a new one."""
        if not self._room_ids.keys().isdisjoint(members):
            raise RuntimeError("a person can't be in two rooms")
        room = Room(new_room_id(), members, mode, now)
        self._rooms[room.room_id] = room
        self._room_ids.update(dict.fromkeys(room.members, room.room_id))
        self._journal.note(RoomOpened(room=room.room_id, mode=mode.value, users=room.members))
        self._carry_out(room.open({member: self._shared_by(member) for member in room.members}))

    def say(self, speaker: UserId, message: ChatMessage) -> None:
        """Pass a chat message to the others. KeyError if the speaker is in no room."""
        self._carry_out(self._room(speaker).say(speaker, message))

    def show_typing(self, user: UserId, typing: Typing) -> None:
        """Pass it to the others. KeyError if the person is in no room."""
        self._carry_out(self._room(user).show(user, typing))

    def share(self, user: UserId, shared: MediaState) -> None:
        """Remember what the person shares, and let those know with whom they talk."""
        self._shared[user] = shared
        if user in self:
            self._carry_out(self._room(user).show(user, shared))

    def lost(self, user: UserId) -> None:
        """The person can't be reached: let those know with whom they talk."""
        if user in self:
            self._carry_out(self._room(user).show(user, PartnerReconnecting()))

    def returned(self, user: UserId) -> None:
        """The person is back: let those know with whom they talk."""
        if user in self:
            self._carry_out(self._room(user).show(user, PartnerResumed()))

    def note_report(self, user: UserId, report: QualityReport | FirstFrame, now: float) -> None:
        """What the person's browser says of their conversation. It is kept with the room, and summed."""
        verdict = self._room(user).note(user, report, now) if user in self else Verdict.STALE
        self._journal.note(ReportJudged(verdict=verdict))
        if verdict is Verdict.TAKEN:
            self._journal.note(_happening(report))

    def leave(
        self, leaver: UserId, reason: PartingReason, now: float, searching: Collection[UserId]
    ) -> tuple[UserId, ...]:
        """Take the person out of their room; returns whose conversation is over by that. `searching` are those for whom
        the search goes on. KeyError if the leaver is in no room."""
        room = self._room(leaver)
        effects = room.leave(leaver, reason, searching)
        del self._room_ids[leaver]
        alone = self._close(room, reason, leaver, now) if room.state is RoomState.ENDED else ()
        self._carry_out(effects)
        return alone

    def end(self, room: Room, reason: PartingReason, now: float, searching: Collection[UserId]) -> None:
        """End an open room for all its members. `searching` are those for whom the search goes on."""
        effects = room.end(reason, searching)
        self._close(room, reason, room.members[0], now)
        self._carry_out(effects)

    def forget(self, user: UserId) -> None:
        """The person, who is in no room, is gone for good. Idempotent."""
        self._shared.pop(user, None)

    def strays(self, present: Iterable[UserId]) -> set[UserId]:
        """People in rooms who are not among those present."""
        return self._room_ids.keys() - set(present)

    def _room(self, user: UserId) -> Room:
        return self._rooms[self._room_ids[user]]

    def _shared_by(self, user: UserId) -> MediaState:
        return self._shared.get(user, SHARED_AT_FIRST)

    def _close(self, room: Room, reason: PartingReason, by: UserId, now: float) -> tuple[UserId, ...]:
        del self._rooms[room.room_id]
        inside = tuple(member for member in room.members if self._room_ids.pop(member, None) is not None)
        ended = RoomEnded(
            room=room.room_id, reason=reason.value, seconds=now - room.opened_at, users=room.members, by=by
        )
        self._journal.note(ended)
        return inside

    def _carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Connect(members):
                    self._switchboard.connect(members)
                case Disconnect(user):
                    self._switchboard.part(user)
                case Tell(to, message):
                    self._post.tell(to, message)


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
