"""The one table that says who receives what.

Owns which person uses which connection, and who is paired with whom; from both it derives the
routes and tells the engine the difference. Nothing here changes SDP: pairing, skipping and leaving
are changes of this table.
"""

from relay.ids import PeerId, UserId
from relay.media.engine import Engine
from relay.peer.lines import LineId, Medium, SlotId


class Switchboard:
    """Keeps the engine's routes true to the pairs. Synchronous: a change is in force on return."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._peers: dict[UserId, PeerId] = {}
        self._partners: dict[UserId, UserId] = {}

    def attach(self, user: UserId, peer: PeerId) -> None:
        """The person's media goes over this connection, replacing an earlier one."""
        self.detach(user)
        self._peers[user] = peer
        self._connect(user)

    def detach(self, user: UserId) -> None:
        """The person has no connection any more. Idempotent."""
        self._disconnect(user)
        self._peers.pop(user, None)

    def pair(self, one: UserId, other: UserId) -> None:
        """Show them to each other, as soon as both have connections."""
        for user in (one, other):
            self.part(user)
        self._partners[one], self._partners[other] = other, one
        self._connect(one)

    def part(self, user: UserId) -> None:
        """Stop both directions at once. Idempotent."""
        self._disconnect(user)
        partner = self._partners.pop(user, None)
        if partner is not None:
            del self._partners[partner]

    def _connect(self, user: UserId) -> None:
        self._route(user, connected=True)

    def _disconnect(self, user: UserId) -> None:
        self._route(user, connected=False)

    def _route(self, user: UserId, *, connected: bool) -> None:
        partner = self._partners.get(user)
        if partner is None or user not in self._peers or partner not in self._peers:
            return
        ends = (self._peers[user], self._peers[partner])
        for receiver, sender in (ends, ends[::-1]):
            for medium in Medium:
                self._engine.route(SlotId(receiver, medium), LineId(sender, medium) if connected else None)
