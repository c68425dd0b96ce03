"""Pairs people: asks the queue, opens the room."""

from collections.abc import Callable

from relay.ids import UserId
from relay.matchmaking.queue import WaitingQueue
from relay.protocol.messages import ServerMessage, WaitingForPartner
from relay.room.host import RoomHost


class Matchmaker:
    """Owns the queue. A person is in the queue or in a room, never in both."""

    def __init__(self, rooms: RoomHost, tell: Callable[[UserId, ServerMessage], None]) -> None:
        self._rooms = rooms
        self._tell = tell
        self._queue = WaitingQueue()

    def __len__(self) -> int:
        return len(self._queue)

    def __contains__(self, user: UserId) -> bool:
        return user in self._queue

    def find(self, user: UserId, now: float) -> None:
        """Pair the person, who is in no room, with whoever waits longest; else let them wait."""
        if user in self._queue:
            self._tell(user, WaitingForPartner())
            return
        partner = self._queue.match_or_wait(user, now)
        if partner is None:
            self._tell(user, WaitingForPartner())
        else:
            self._rooms.open(partner, user, now)

    def withdraw(self, user: UserId) -> None:
        """Stop looking for a partner. Idempotent."""
        self._queue.withdraw(user)
