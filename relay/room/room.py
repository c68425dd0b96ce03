"""One conversation of two people. Pure: it returns effects and carries none out."""

from enum import Enum

from relay.ids import RoomId, UserId
from relay.protocol.messages import ChatMessage, PartingReason, PartnerDisconnected, PartnerFound
from relay.room.effects import Effect, Link, Tell, Unlink


class RoomState(Enum):
    """A room opens once and ends once."""

    NEW = "new"
    OPEN = "open"
    ENDED = "ended"


class Room:
    """Two people, from pairing until one of them goes. `opened_at` is in seconds of the caller's clock."""

    def __init__(self, room_id: RoomId, one: UserId, other: UserId, now: float) -> None:
        if one == other:
            raise ValueError("nobody talks with themselves")
        self.room_id = room_id
        self.members = (one, other)
        self.opened_at = now
        self._state = RoomState.NEW

    @property
    def state(self) -> RoomState:
        return self._state

    def partner_of(self, user: UserId) -> UserId:
        """The other one. KeyError if the person is not in this room."""
        one, other = self.members
        return {one: other, other: one}[user]

    def open(self) -> list[Effect]:
        """Route their media, then tell both: whoever hears of it may send at once."""
        self._move(RoomState.NEW, RoomState.OPEN)
        found = PartnerFound(room_id=self.room_id)
        return [Link(*self.members), *(Tell(member, found) for member in self.members)]

    def say(self, speaker: UserId, text: str) -> list[Effect]:
        """Pass a chat message on."""
        return [Tell(self.partner_of(speaker), ChatMessage(text=text))]

    def leave(self, user: UserId, reason: PartingReason) -> list[Effect]:
        """End the room: media stops first, then the one who stays is told why."""
        partner = self.partner_of(user)
        self._move(RoomState.OPEN, RoomState.ENDED)
        return [Unlink(user), Tell(partner, PartnerDisconnected(reason=reason))]

    def _move(self, expected: RoomState, state: RoomState) -> None:
        if self._state is not expected:
            raise RuntimeError(f"room {self.room_id} is {self._state.value}, not {expected.value}")
        self._state = state
