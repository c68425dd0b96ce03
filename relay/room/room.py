"""One conversation of two people or more. Pure: it returns effects and carries none out.

How many meet is for the one who opens the room to say. What this protocol version can say of the others is less: that
there is a partner, and that the conversation is over.
"""

from collections.abc import Collection, Iterable, Mapping
from enum import Enum

from relay.ids import RoomId, UserId
from relay.observe.verdict import Verdict
from relay.protocol.messages import (
    ChatMessage,
    FirstFrame,
    MediaState,
    MessageDelivered,
    Mode,
    PartingReason,
    PartnerDisconnected,
    PartnerFound,
    PartnerReconnecting,
    PartnerResumed,
    QualityReport,
    ServerMessage,
    Typing,
)
from relay.room.effects import Connect, Disconnect, Effect, Tell
from relay.room.impression import Impression

FEWEST = 2
"""Members of a conversation: with fewer it is over."""


class RoomState(Enum):
    """A room opens once and ends once."""

    NEW = "new"
    OPEN = "open"
    ENDED = "ended"


class Room:
    """Its members, from pairing until too few are left. `opened_at` is in seconds of the caller's clock."""

    def __init__(self, room_id: RoomId, members: Iterable[UserId], mode: Mode, now: float) -> None:
        self.room_id = room_id
        self.members = tuple(members)
        """Those of the end, once it has ended."""
        if len(set(self.members)) != len(self.members):
            raise ValueError("nobody talks with themselves")
        if len(self.members) < FEWEST:
            raise ValueError("a conversation takes others")
        self.mode = mode
        self.opened_at = now
        self.impressions = {member: Impression() for member in self.members}
        self._state = RoomState.NEW

    @property
    def state(self) -> RoomState:
        return self._state

    def others_of(self, user: UserId) -> tuple[UserId, ...]:
        """Everybody but the person. KeyError if they are not in this room."""
        if user not in self.members:
            raise KeyError(user)
        return tuple(member for member in self.members if member != user)

    def open(self, shared: Mapping[UserId, MediaState]) -> list[Effect]:
        """Route their media, then tell each, with what the others share: anyone who is told may send at once."""
        self._move(RoomState.NEW, RoomState.OPEN)
        effects: list[Effect] = [Connect(self.members)] if self.mode is not Mode.TEXT else []
        for member in self.members:
            theirs = together(shared[other] for other in self.others_of(member))
            found = PartnerFound(room_id=self.room_id, microphone=theirs.microphone, camera=theirs.camera)
            effects.append(Tell(member, found))
        return effects

    def say(self, speaker: UserId, message: ChatMessage) -> list[Effect]:
        """Pass a chat message on, and confirm it to its writer."""
        return [*self._tell_others(speaker, message), Tell(speaker, MessageDelivered(id=message.id))]

    def show(self, user: UserId, message: Typing | MediaState | PartnerReconnecting | PartnerResumed) -> list[Effect]:
        """Let the others know what the person is doing, or what happened to them."""
        return self._tell_others(user, message)

    def note(self, user: UserId, report: QualityReport | FirstFrame, now: float) -> Verdict:
        """Take what one side's browser says of the conversation; nobody is told."""
        if report.room_id != self.room_id:
            return Verdict.STALE
        return self.impressions[user].note(report, now - self.opened_at)

    def never_came(self, user: UserId, heard_at: float) -> bool:
        """Whether nothing of the person, who was heard last at `heard_at`, has come into this room: not a word of
        their page, and neither sight nor sound of anybody to the others."""
        seen = any(self.impressions[other].first_frame for other in self.others_of(user))
        return heard_at <= self.opened_at and not seen

    def leave(self, leaver: UserId, reason: PartingReason, searching: Collection[UserId]) -> list[Effect]:
        """Media stops first. Where too few are left the room has ended: they are told why, and whether each of them is
        among those for whom the search goes on. Of one who leaves several the protocol has nothing to say yet."""
        left = self.others_of(leaver)
        if len(left) < FEWEST:
            self._move(RoomState.OPEN, RoomState.ENDED)
            return [Disconnect(leaver), *_farewells(left, reason, searching)]
        self._move(RoomState.OPEN, RoomState.OPEN)
        self.members = left
        del self.impressions[leaver]
        return [Disconnect(leaver)]

    def end(self, reason: PartingReason, searching: Collection[UserId]) -> list[Effect]:
        """End it for everybody at once. Media stops first, then each is told why."""
        self._move(RoomState.OPEN, RoomState.ENDED)
        return [*map(Disconnect, self.members), *_farewells(self.members, reason, searching)]

    def _tell_others(self, user: UserId, message: ServerMessage) -> list[Effect]:
        return [Tell(other, message) for other in self.others_of(user)]

    def _move(self, expected: RoomState, state: RoomState) -> None:
        if self._state is not expected:
            raise RuntimeError(f"room {self.room_id} is {self._state.value}, not {expected.value}")
        self._state = state


def together(shared: Iterable[MediaState]) -> MediaState:
    """What several people share, as one is told who knows of one partner: on where it is on with any of them."""
    states = list(shared)
    return MediaState(
        microphone=any(state.microphone for state in states), camera=any(state.camera for state in states)
    )


def _farewells(members: Iterable[UserId], reason: PartingReason, searching: Collection[UserId]) -> list[Effect]:
    return [Tell(member, PartnerDisconnected(reason=reason, searching=member in searching)) for member in members]
