"""Owns all rooms and who is in which; carries out what they decide."""

from collections.abc import Callable

from relay.ids import UserId, new_room_id
from relay.media.switchboard import Switchboard
from relay.observe.logging import get_logger
from relay.protocol.messages import PartingReason, ServerMessage
from relay.room.effects import Effect, Link, Tell, Unlink
from relay.room.room import Room

log = get_logger("room")


class RoomHost:
    """A person is in one room at most. `tell` delivers a message to a person."""

    def __init__(self, switchboard: Switchboard, tell: Callable[[UserId, ServerMessage], None]) -> None:
        self._switchboard = switchboard
        self._tell = tell
        self._rooms: dict[UserId, Room] = {}

    def __len__(self) -> int:
        return len(self._rooms) // 2

    def __contains__(self, user: UserId) -> bool:
        return user in self._rooms

    def open(self, one: UserId, other: UserId, now: float) -> None:
        """Put two people, who are in no room, into a new one."""
        if one in self._rooms or other in self._rooms:
            raise RuntimeError("a person can't be in two rooms")
        room = Room(new_room_id(), one, other, now)
        self._rooms[one] = self._rooms[other] = room
        log.info("room_opened", room=room.room_id)
        self._carry_out(room.open())

    def say(self, speaker: UserId, text: str) -> None:
        """Pass a chat message to the speaker's partner. KeyError if the speaker is in no room."""
        self._carry_out(self._rooms[speaker].say(speaker, text))

    def leave(self, user: UserId, reason: PartingReason, now: float) -> None:
        """End the person's room, if they are in one."""
        room = self._rooms.get(user)
        if room is None:
            return
        for member in room.members:
            del self._rooms[member]
        log.info("room_ended", room=room.room_id, reason=reason.value, seconds=round(now - room.opened_at, 1))
        self._carry_out(room.leave(user, reason))

    def _carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Link(one, other):
                    self._switchboard.pair(one, other)
                case Unlink(user):
                    self._switchboard.part(user)
                case Tell(to, message):
                    self._tell(to, message)
