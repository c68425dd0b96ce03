"""The one table that says who receives what.

Owns which person uses which connection, and who is connected with whom; from both it derives the
routes and tells the engine the difference. Nothing here changes SDP: pairing, skipping and leaving
are changes of this table.

Each receiver has a seat for each of the others, and keeps it until one of the two leaves: who stays is not moved.
"""

from collections.abc import Collection

from relay.ids import PeerId, UserId
from relay.media.engine import Engine
from relay.peer.lines import LineId, Medium, SlotId

SEATS = 1
"""Others whom a connection has slots for: one partner."""


class Switchboard:
    """Keeps the engine's routes true to who is connected. Synchronous: a change is in force on return."""

    def __init__(self, engine: Engine, seats: int = SEATS) -> None:
        self._engine = engine
        self._most_seats = seats
        self._peers: dict[UserId, PeerId] = {}
        self._seats: dict[UserId, dict[UserId, int]] = {}
        """Of each receiver: whom they are shown, in which seat."""

    def attach(self, user: UserId, peer: PeerId) -> None:
        """The person's media goes over this connection, replacing an earlier one."""
        self.detach(user)
        self._peers[user] = peer
        self._route(user, connected=True)

    def detach(self, user: UserId) -> None:
        """The person has no connection any more. Idempotent."""
        self._route(user, connected=False)
        self._peers.pop(user, None)

    def connect(self, members: Collection[UserId]) -> None:
        """Show them to each other, each as soon as two of them have connections.

        Raises:
            ValueError: a connection has no slots for so many.
        """
        if len(members) - 1 > self._most_seats:
            raise ValueError(f"{len(members)} people need more seats than {self._most_seats}")
        for user in members:
            self.part(user)
        for user in members:
            others = (other for other in members if other != user)
            self._seats[user] = {other: seat for seat, other in enumerate(others)}
        for receiver in members:
            for sender in self._seats[receiver]:
                self._show(receiver, sender, connected=True)

    def part(self, user: UserId) -> None:
        """Stop the person's media in both directions at once; the others go on. Idempotent."""
        self._route(user, connected=False)
        for other in self._seats.pop(user, ()):
            del self._seats[other][user]

    def _route(self, user: UserId, *, connected: bool) -> None:
        for other in self._seats.get(user, ()):
            self._show(user, other, connected=connected)
            self._show(other, user, connected=connected)

    def _show(self, receiver: UserId, sender: UserId, *, connected: bool) -> None:
        """Show the receiver what the sender sends, or nothing; nothing changes while either has no connection."""
        if receiver not in self._peers or sender not in self._peers:
            return
        seat = self._seats[receiver][sender]
        for medium in Medium:
            line = LineId(self._peers[sender], medium) if connected else None
            self._engine.route(SlotId(self._peers[receiver], medium, seat), line)
