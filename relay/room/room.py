"""One conversation of two people. Pure: it returns effects and carries none out."""

from collections.abc import Mapping
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
    Typing,
)
from relay.room.effects import Effect, Link, Tell, Unlink
from relay.room.impression import Impression


class RoomState(Enum):
    """A room opens once and ends once."""

    NEW = "new"
    OPEN = "open"
    ENDED = "ended"


class Room:
    """Two people, from pairing until one of them goes. `opened_at` is in seconds of the caller's clock."""

    def __init__(self, room_id: RoomId, one: UserId, other: UserId, mode: Mode, now: float) -> None:
        if one == other:
            raise ValueError("nobody talks with themselves")
        self.room_id = room_id
        self.members = (one, other)
        self.mode = mode
        self.opened_at = now
        self.impressions = {member: Impression() for member in self.members}
        self._state = RoomState.NEW

    @property
    def state(self) -> RoomState:
        return self._state

    def partner_of(self, user: UserId) -> UserId:
        """The other one. KeyError if the person is not in this room."""
        one, other = self.members
        return {one: other, other: one}[user]

    def open(self, shared: Mapping[UserId, MediaState]) -> list[Effect]:
        """Route their media, then tell both, with what the partner shares: whoever hears of it may send at once."""
        self._move(RoomState.NEW, RoomState.OPEN)
        effects: list[Effect] = [Link(*self.members)] if self.mode is not Mode.TEXT else []
        for member in self.members:
            theirs = shared[self.partner_of(member)]
            found = PartnerFound(room_id=self.room_id, microphone=theirs.microphone, camera=theirs.camera)
            effects.append(Tell(member, found))
        return effects

    def say(self, speaker: UserId, message: ChatMessage) -> list[Effect]:
        """Pass a chat message on, and confirm it to its writer."""
        return [Tell(self.partner_of(speaker), message), Tell(speaker, MessageDelivered(id=message.id))]

    def show(self, user: UserId, message: Typing | MediaState | PartnerReconnecting | PartnerResumed) -> list[Effect]:
        """Let the partner know what the person is doing, or what happened to them."""
        return [Tell(self.partner_of(user), message)]

    def hear(self, user: UserId, report: QualityReport | FirstFrame, now: float) -> Verdict:
        """Take what one side's browser says of the conversation; nobody is told."""
        if report.room_id != self.room_id:
            return Verdict.STALE
        return self.impressions[user].hear(report, now - self.opened_at)

    def never_came(self, user: UserId, heard_at: float) -> bool:
        """Whether nothing of the person, who was heard last at `heard_at`, has come into this room: not a word of
        their page, and neither sight nor sound of them to the other one."""
        return heard_at <= self.opened_at and self.impressions[self.partner_of(user)].first_frame is None

    def end(self, leaver: UserId, reason: PartingReason, *, searching: bool) -> list[Effect]:
        """Media stops first, then the one who stays is told why and whether the search goes on."""
        partner = self.partner_of(leaver)
        self._move(RoomState.OPEN, RoomState.ENDED)
        return [Unlink(leaver), Tell(partner, PartnerDisconnected(reason=reason, searching=searching))]

    def _move(self, expected: RoomState, state: RoomState) -> None:
        if self._state is not expected:
            raise RuntimeError(f"room {self.room_id} is {self._state.value}, not {expected.value}")
        self._state = state
