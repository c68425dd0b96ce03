"""The frames engine: everything is decoded, relayed as frames, and encoded again.

For partners with no codec in common, for anything that must look at the picture, and as the whole
engine where the native core is not built. A line is decoded only while a slot shows it.
"""

from relay.ids import PeerId
from relay.ledger.addresses import Group
from relay.media.engine import EngineStats, PeerStats
from relay.media.frames.peer import FramesPeer, Traffic
from relay.media.terms import FRAMES
from relay.observe.drops import Drop, Drops
from relay.peer.lines import LineId, Negotiated, SlotId, SrtpKeys
from relay.peer.negotiation import Terms
from relay.tasks import Report, Tasks
from relay.transport.port import SrtpPort


class FramesEngine:
    """An `Engine` on aiortc's codecs and `MediaRelay`."""

    def __init__(self, port: SrtpPort, drops: Drops, bitrate: int, report: Report) -> None:
        """`bitrate` is what each person should send at most, in bits per second."""
        self._port = port
        self._bitrate = bitrate
        self._drops = drops
        self._report = report
        self._peers: dict[PeerId, FramesPeer] = {}
        self._routes: dict[SlotId, LineId] = {}
        self._traffic = Traffic()
        self._tasks = Tasks("frames engine", report)

    @property
    def terms(self) -> Terms:
        return FRAMES

    def open(self, peer: PeerId, negotiated: Negotiated, groups: tuple[Group, ...]) -> None:
        self._peers[peer] = FramesPeer(
            peer,
            negotiated,
            self._bitrate,
            lambda datagram: self._port.send_srtp(peer, datagram),
            self._traffic,
            self._drops,
            self._report,
        )

    def secure(self, peer: PeerId, keys: SrtpKeys) -> None:
        if peer in self._peers:
            self._peers[peer].secure(keys)

    def route(self, slot: SlotId, source: LineId | None) -> None:
        receiver = self._peers.get(slot.peer)
        sender = self._peers.get(source.peer) if source else None
        previous = self._routes.pop(slot, None)
        if receiver is not None:
            watched = sender.watch(source.medium) if source and sender else None
            receiver.show(slot.medium, watched)
            if source and watched:
                self._routes[slot] = source
        if previous is not None and previous not in self._routes.values():
            self._peers[previous.peer].unwatch(previous.medium)

    def close(self, peer: PeerId) -> None:
        for slot, source in list(self._routes.items()):
            if peer in (slot.peer, source.peer):
                self.route(slot, None)
        closing = self._peers.pop(peer, None)
        if closing is not None:
            self._tasks.start(f"close {peer}", closing.close())

    def receive(self, peer: PeerId, datagram: bytes) -> None:
        """SRTP or SRTCP from the port."""
        if (found := self._peers.get(peer)) is not None:
            found.receive(datagram)
        else:
            self._drops.count(Drop.NOT_SECURE_YET)

    def stats(self) -> EngineStats:
        return EngineStats(
            peers=len(self._peers),
            routes=len(self._routes),
            packets_received=self._traffic.packets_received,
            packets_sent=self._traffic.packets_sent,
            bytes_received=self._traffic.bytes_received,
            bytes_sent=self._traffic.bytes_sent,
            drops=self._drops.snapshot(),
        )

    def peer_stats(self) -> dict[PeerId, PeerStats]:
        """Nothing: frames are counted in total only."""
        return {}

    async def stop(self) -> None:
        for peer in list(self._peers):
            self.close(peer)
        await self._tasks.finish()
