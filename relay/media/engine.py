"""What moves the media: the interface that both engines implement.

The switchboard steers an engine and nobody else does. Calls come in the order open, then route and
secure in any order, then close; route and close may follow each other at any time.
"""

from dataclasses import dataclass, field
from typing import Protocol

from relay.ids import PeerId
from relay.peer.lines import Line, Negotiated, Slot, SrtpKeys
from relay.peer.negotiation import Terms


@dataclass(frozen=True, slots=True)
class EngineStats:
    """Totals since start."""

    peers: int = 0
    routes: int = 0
    packets_received: int = 0
    packets_sent: int = 0
    bytes_received: int = 0
    bytes_sent: int = 0
    drops: dict[str, int] = field(default_factory=dict)


class Engine(Protocol):
    """Receives what browsers send and sends it to whom the switchboard says."""

    @property
    def terms(self) -> Terms:
        """What negotiation may agree on."""

    def open(self, peer: PeerId, negotiated: Negotiated) -> None:
        """A connection was negotiated; its media may come once `secure` was called."""

    def secure(self, peer: PeerId, keys: SrtpKeys) -> None:
        """The handshake is done. Called once per peer."""

    def route(self, slot: Slot, source: Line | None) -> None:
        """From now on `slot` shows `source`, or nothing. Unknown peers are ignored: they have just left."""

    def close(self, peer: PeerId) -> None:
        """Forget the peer and everything routed from it or to it. Idempotent."""

    def stats(self) -> EngineStats: ...

    async def stop(self) -> None:
        """Close all peers and wait for what they left running. Idempotent."""
