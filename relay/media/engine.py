"""What moves the media: the interface that both engines implement.

The switchboard steers an engine and nobody else does. Calls come in the order open, then route and
secure in any order, then close; route and close may follow each other at any time.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Protocol

from relay.ids import PeerId
from relay.ledger.addresses import Group
from relay.peer.lines import LineId, Negotiated, SlotId, SrtpKeys
from relay.peer.negotiation import Terms


@dataclass(frozen=True, slots=True)
class SocketBuffers:
    """What the system granted one media socket, in bytes."""

    host: str
    receive: int
    send: int


@dataclass(frozen=True, slots=True)
class PeerStats:
    """Of one peer, since it was opened; bytes as on the wire without IP and UDP headers."""

    packets_received: int
    packets_sent: int
    bytes_received: int
    bytes_sent: int
    bits_per_second_received: int
    bits_per_second_sent: int
    keyframes: int
    """That it sent on lines somebody watches."""
    keyframe_requests: int
    """That we sent to it."""
    drops: dict[str, int]
    round_trip: float | None = None
    """Seconds there and back; None until a report told."""
    to_peer: "LinkQuality | None" = None
    from_peer: "LinkQuality | None" = None


@dataclass(frozen=True, slots=True)
class LinkQuality:
    """One direction between the relay and a peer. Counts since the peer was opened; loss and jitter of the picture
    by the latest report."""

    missed: int
    """Packets asked for by NACK, each time."""
    retransmitted: int
    """As retransmissions; of what a peer sent, those that filled a gap."""
    keyframes_wanted: int
    loss: float
    """Of the packets, 0 to 1."""
    jitter: float
    """Seconds."""
    expected: int = 0
    """Packets of picture and sound that should have come."""
    lost: int = 0
    """Those that did not, at first: some were retransmitted."""
    kept: int = 0
    """Bytes that are kept for retransmission."""
    estimate: int | None = None
    """Bits per second that the receiver estimates it can have."""
    cap: int | None = None
    """Bits per second that the sender was told, because its partner's link takes no more."""


@dataclass(frozen=True, slots=True)
class LossRecovery:
    """One direction between the relay and all peers, since start."""

    missed: int = 0
    """Packets asked for by NACK, each time."""
    retransmitted: int = 0
    keyframes: int = 0
    """Requests for one."""
    expected: int = 0
    """Packets that should have come."""
    lost: int = 0
    """Those that did not, at first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """The links between the relay and those who send or receive now, one figure each: no telling whose."""

    loss_in: list[float]
    """Of the picture's packets, by the latest report, 0 to 1."""
    loss_out: list[float]
    jitter_in: list[float]
    """Seconds."""
    jitter_out: list[float]
    round_trips: list[float]
    """Seconds there and back."""
    estimates: list[float]
    """Bits per second that receivers estimate they can have."""
    caps: list[float]
    """Bits per second that senders were told, because their partner's link takes no more."""


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
    bytes_kept: int = 0
    """Of sent packets, kept for retransmission."""
    packets_unkept: int = 0
    """Sent packets that were not kept, or not for as long as they should, since all that may be kept was in use."""
    to_peers: LossRecovery = field(default_factory=LossRecovery)
    from_peers: LossRecovery = field(default_factory=LossRecovery)
    transcoders: int = 0
    """Pictures that are converted now."""
    transcoders_refused: int = 0
    """Slots that were left dark, since there were too many transcoders or none could help."""
    pictures_converted: int = 0
    pictures_lost: int = 0
    """That were to be converted, and were not: the machine had no time for them, or they made no sense."""
    turn_allocations: int = 0
    """Of TURN inside the media port, now."""
    waited: float = 0.0
    """Seconds for which media threads waited for each other, all together."""
    buffers: tuple[SocketBuffers, ...] = ()
    """Where the engine owns the sockets."""


def links(stats: Collection[PeerStats]) -> Links:
    """How those do who send or receive now; who merely waits has old figures only."""
    senders = [of.from_peer for of in stats if of.from_peer and of.bits_per_second_received]
    receivers = [of.to_peer for of in stats if of.to_peer and of.bits_per_second_sent]
    return Links(
        loss_in=[way.loss for way in senders],
        loss_out=[way.loss for way in receivers],
        jitter_in=[way.jitter for way in senders],
        jitter_out=[way.jitter for way in receivers],
        round_trips=[of.round_trip for of in stats if of.round_trip is not None],
        estimates=[way.estimate for way in receivers if way.estimate is not None],
        caps=[way.cap for way in senders if way.cap is not None],
    )


class EngineListener(Protocol):
    """What an engine reports upward. Called on the event loop, never concurrently; must not raise."""

    def stays_dark(self, slot: SlotId) -> None:
        """What the slot is shown now can't be shown there: no codec in common, and no transcoder is free. Told once."""


class Engine(Protocol):
    """Receives what browsers send and sends it to whom the switchboard says."""

    @property
    def terms(self) -> Terms:
        """What negotiation may agree on."""

    def open(self, peer: PeerId, negotiated: Negotiated, groups: tuple[Group, ...]) -> None:
        """A connection was negotiated, from an address in these groups; its media may come once `secure` was called."""

    def secure(self, peer: PeerId, keys: SrtpKeys) -> None:
        """The handshake is done. Called once per peer."""

    def route(self, slot: SlotId, source: LineId | None) -> None:
        """From now on `slot` shows `source`, or nothing. Unknown peers are ignored: they have just left."""

    def close(self, peer: PeerId) -> None:
        """Forget the peer and everything routed from it or to it. Idempotent."""

    def stats(self) -> EngineStats: ...

    def peer_stats(self) -> dict[PeerId, PeerStats]:
        """Of each open peer, where the engine counts by peer."""

    async def stop(self) -> None:
        """Close all peers and wait for what they left running. Idempotent."""
