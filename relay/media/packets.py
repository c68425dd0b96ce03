"""The packets engine: the native core decrypts, rewrites and forwards; Python steers it.

Nothing here sees a packet. It turns what was negotiated into what the core wants to know, and the
core's counters into statistics.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from relay.ids import PeerId
from relay.ledger.addresses import Group
from relay.media.engine import EngineListener, EngineStats, LinkQuality, LossRecovery, PeerStats, SocketBuffers
from relay.media.terms import PACKETS
from relay.media.transcoder import CONVERTIBLE, Transcoders
from relay.observe.drops import Drop, Drops
from relay.peer.lines import Codec, LineId, Medium, Negotiated, SlotId, SrtpKeys
from relay.peer.negotiation import Terms
from relay.tasks import Report
from relay.transport.native import NativePort

if TYPE_CHECKING:
    from relay.native._core import LinkFigures, Recovery

LOST = (Drop.UNDECODABLE, Drop.DECODER_BACKLOG, Drop.SLOT_BACKLOG, Drop.UNENCODABLE)
"""Why a transcoder drops a picture."""


class PacketsEngine:
    """An `Engine` in the core that `port` runs."""

    listener: EngineListener | None = None

    def __init__(self, port: NativePort, drops: Drops, bitrate: int, transcoders: int, report: Report) -> None:
        """`drops` counts what Python threw away; the core counts for itself. Nobody may send more than `bitrate`
        bits per second, and `transcoders` pictures may be converted at once."""
        self._port = port
        self._drops = drops
        self._terms = replace(PACKETS, bitrate=bitrate)
        self._bitrate = bitrate
        self._peers: dict[PeerId, Negotiated] = {}
        self._groups: dict[PeerId, tuple[Group, ...]] = {}
        self._routes: dict[SlotId, LineId] = {}
        self._transcoders = Transcoders(port, transcoders, bitrate, drops, report, self.transcoder_taken)
        self._dark: set[SlotId] = set()
        self._refused = 0
        port.transcoders = self

    @property
    def terms(self) -> Terms:
        return self._terms

    def open(self, peer: PeerId, negotiated: Negotiated, groups: tuple[Group, ...]) -> None:
        self._peers[peer] = negotiated
        self._groups[peer] = groups
        self._port.core.open(peer, negotiated.lines, negotiated.slots, self._bitrate)

    def secure(self, peer: PeerId, keys: SrtpKeys) -> None:
        if peer in self._peers:
            self._port.core.secure(peer, keys.profile.value, keys.receive, keys.send)

    def route(self, slot: SlotId, source: LineId | None) -> None:
        self._routes.pop(slot, None)
        self._dark.discard(slot)
        self._transcoders.end(slot)
        if slot.peer not in self._peers:
            return
        if source is not None and source.peer in self._peers:
            self._routes[slot] = source
            self._port.core.route(slot, source)
        else:
            self._port.core.route(slot, None)

    def close(self, peer: PeerId) -> None:
        if peer in self._peers:
            del self._peers[peer], self._groups[peer]
            self._transcoders.end_of(peer)
            self._dark = {slot for slot in self._dark if slot.peer != peer}
            self._routes = {slot: line for slot, line in self._routes.items() if peer not in (slot.peer, line.peer)}
            self._port.core.close_peer(peer)

    def lacks_codec(self, peer: PeerId, medium: str, seat: int) -> None:
        """From the core: convert what the slot is shown, or say that it stays dark."""
        slot = SlotId(peer, Medium(medium), seat)
        if (fed := self._transcoders.slot_of(peer)) is not None:
            # What the transcoder itself was shown is of no codec that can be decoded.
            self._transcoders.end(fed)
            self._leave_dark(fed)
            return
        source = self._routes.get(slot)
        if source is None or slot in self._transcoders:
            return  # they parted meanwhile, or the word crossed with the remedy
        if self._can_decode(source) and self._transcoders.begin(
            slot, source, self._codecs_of(slot), self._groups[peer]
        ):
            self._dark.discard(slot)
        else:
            self._leave_dark(slot)

    def transcoder_taken(self, slot: SlotId) -> None:
        """Another address had fewer transcoders than this slot's."""
        if (source := self._routes.get(slot)) is not None:
            self._port.core.route(slot, source)
        self._leave_dark(slot)

    def for_transcoder(self, peer: PeerId, packet: bytes) -> None:
        """From the core: a packet for a transcoder."""
        self._transcoders.receive(peer, packet)

    def _can_decode(self, source: LineId) -> bool:
        lines = self._peers[source.peer].lines
        return any(codec.name in CONVERTIBLE for line in lines if line.medium is source.medium for codec in line.codecs)

    def _codecs_of(self, slot: SlotId) -> Sequence[Codec]:
        slots = self._peers[slot.peer].slots
        return next((known.codecs for known in slots if (known.medium, known.seat) == (slot.medium, slot.seat)), ())

    def _leave_dark(self, slot: SlotId) -> None:
        if slot not in self._dark:
            self._dark.add(slot)
            self._refused += 1
            if self.listener is not None:
                self.listener.stays_dark(slot)

    def stats(self) -> EngineStats:
        totals = self._port.core.totals()
        reasons = self._drops.snapshot()
        for reason, amount in totals.drops.items():
            reasons[reason] = reasons.get(reason, 0) + amount
        return EngineStats(
            peers=len(self._peers),
            routes=len(self._routes),
            packets_received=totals.packets_received,
            packets_sent=totals.packets_sent,
            bytes_received=totals.bytes_received,
            bytes_sent=totals.bytes_sent,
            drops=reasons,
            bytes_kept=totals.bytes_kept,
            packets_unkept=totals.packets_unkept,
            to_peers=_loss_recovery(totals.to_peers),
            from_peers=_loss_recovery(totals.from_peers),
            transcoders=len(self._transcoders),
            transcoders_refused=self._refused,
            pictures_converted=self._transcoders.encoded,
            pictures_lost=sum(self._drops[reason] for reason in LOST),
            turn_allocations=totals.turn_allocations,
            waited=totals.waited,
            buffers=tuple(SocketBuffers(of.host, of.receive, of.send) for of in self._port.core.granted()),
        )

    def peer_stats(self) -> dict[PeerId, PeerStats]:
        return {
            PeerId(of.peer): PeerStats(
                packets_received=of.packets_received,
                packets_sent=of.packets_sent,
                bytes_received=of.bytes_received,
                bytes_sent=of.bytes_sent,
                bits_per_second_received=of.bits_per_second_received,
                bits_per_second_sent=of.bits_per_second_sent,
                keyframes=of.keyframes,
                keyframe_requests=of.keyframe_requests,
                drops=dict(of.drops),
                round_trip=of.round_trip,
                to_peer=_link_quality(of.to_peer),
                from_peer=_link_quality(of.from_peer),
            )
            for of in self._port.core.peers()
        }

    async def stop(self) -> None:
        for peer in list(self._peers):
            self.close(peer)
        await self._transcoders.close()


def _link_quality(of: "LinkFigures") -> LinkQuality:
    return LinkQuality(
        missed=of.missed,
        retransmitted=of.retransmitted,
        keyframes_wanted=of.keyframes_wanted,
        loss=of.loss,
        jitter=of.jitter,
        expected=of.expected,
        lost=of.lost,
        kept=of.kept,
        estimate=of.estimate,
        cap=of.cap,
    )


def _loss_recovery(of: "Recovery") -> LossRecovery:
    return LossRecovery(of.missed, of.retransmitted, of.keyframes, of.expected, of.lost)
