"""The packets engine: the native core decrypts, rewrites and forwards; Python steers it.

Nothing here sees a packet. It turns what was negotiated into what the core wants to know, and the
core's counters into statistics.
"""

from collections.abc import Sequence
from dataclasses import replace

from relay.ids import PeerId
from relay.ledger.addresses import Group
from relay.media.engine import EngineListener, EngineStats, Mending, PeerStats, SocketBuffers, Way
from relay.media.taps import CONVERTIBLE, NUMBERS, Taps
from relay.observe.drops import Drop, Drops
from relay.peer.lines import Codec, Line, Negotiated, Slot, SrtpKeys
from relay.peer.negotiation import ABS_SEND_TIME, AUDIO_LEVEL, MID, PLAYOUT_DELAY, TRANSPORT_CC, Terms
from relay.tasks import Report
from relay.transport.native import NativePort

TERMS = Terms(
    audio=("opus",),
    video=("VP8", "H264", "VP9", "AV1"),
    line_feedback=(("transport-cc", None), ("nack", None), ("nack", "pli"), ("ccm", "fir")),
    slot_feedback=(("goog-remb", None), ("nack", None), ("nack", "pli"), ("ccm", "fir")),
    line_extensions=(TRANSPORT_CC,),
    slot_extensions=(PLAYOUT_DELAY,),
)
"""What the core can forward and tell a sender."""

_MEDIA = {number: medium for medium, number in NUMBERS.items()}


LOST = (Drop.UNDECODABLE, Drop.DECODER_BACKLOG, Drop.SLOT_BACKLOG, Drop.UNENCODABLE)
"""Why a tap drops a picture."""


class PacketsEngine:
    """An `Engine` in the core that `port` runs."""

    listener: EngineListener | None = None

    def __init__(self, port: NativePort, drops: Drops, bitrate: int, taps: int, report: Report) -> None:
        """`drops` counts what Python threw away; the core counts for itself. Nobody may send more than `bitrate`
        bits per second, and `taps` pictures may be converted at once."""
        self._port = port
        self._drops = drops
        self._terms = replace(TERMS, bitrate=bitrate)
        self._bitrate = bitrate
        self._peers: dict[PeerId, Negotiated] = {}
        self._groups: dict[PeerId, tuple[Group, ...]] = {}
        self._routes: dict[Slot, Line] = {}
        self._taps = Taps(port, taps, bitrate, drops, report, self.tap_taken)
        self._dark: set[Slot] = set()
        self._refused = 0
        port.taps = self

    @property
    def terms(self) -> Terms:
        return self._terms

    def open(self, peer: PeerId, negotiated: Negotiated, groups: tuple[Group, ...]) -> None:
        self._peers[peer] = negotiated
        self._groups[peer] = groups
        self._port.core.open(
            peer,
            [
                (NUMBERS[line.medium], line.mid, line.ssrc, line.rtx_ssrc, _codecs(line.codecs), _ids(line.extensions))
                for line in negotiated.lines
            ],
            [
                (NUMBERS[slot.medium], slot.mid, slot.ssrc, slot.rtx_ssrc, _codecs(slot.codecs), _ids(slot.extensions))
                for slot in negotiated.slots
            ],
            self._bitrate,
        )

    def secure(self, peer: PeerId, keys: SrtpKeys) -> None:
        if peer in self._peers:
            self._port.core.secure(peer, keys.profile.value, keys.receive, keys.send)

    def route(self, slot: Slot, source: Line | None) -> None:
        self._routes.pop(slot, None)
        self._dark.discard(slot)
        self._taps.end(slot)
        if slot.peer not in self._peers:
            return
        if source is not None and source.peer in self._peers:
            self._routes[slot] = source
            self._port.core.route((slot.peer, NUMBERS[slot.medium]), (source.peer, NUMBERS[source.medium]))
        else:
            self._port.core.route((slot.peer, NUMBERS[slot.medium]), None)

    def close(self, peer: PeerId) -> None:
        if peer in self._peers:
            del self._peers[peer], self._groups[peer]
            self._taps.end_of(peer)
            self._dark = {slot for slot in self._dark if slot.peer != peer}
            self._routes = {slot: line for slot, line in self._routes.items() if peer not in (slot.peer, line.peer)}
            self._port.core.close_peer(peer)

    def lacks_codec(self, peer: PeerId, medium: int) -> None:
        """From the core: convert what the slot is shown, or say that it stays dark."""
        slot = Slot(peer, _MEDIA[medium])
        if (fed := self._taps.slot_of(peer)) is not None:
            # What the tap itself was shown is of no codec that can be decoded.
            self._taps.end(fed)
            self._leave_dark(fed)
            return
        source = self._routes.get(slot)
        if source is None or slot in self._taps:
            return  # they parted meanwhile, or the word crossed with the remedy
        if self._can_decode(source) and self._taps.begin(slot, source, self._codecs_of(slot), self._groups[peer]):
            self._dark.discard(slot)
        else:
            self._leave_dark(slot)

    def tap_taken(self, slot: Slot) -> None:
        """Another address had fewer taps than this slot's."""
        if (source := self._routes.get(slot)) is not None:
            self._port.core.route((slot.peer, NUMBERS[slot.medium]), (source.peer, NUMBERS[source.medium]))
        self._leave_dark(slot)

    def tapped(self, peer: PeerId, packet: bytes) -> None:
        """From the core: a packet for a tap."""
        self._taps.receive(peer, packet)

    def _can_decode(self, source: Line) -> bool:
        lines = self._peers[source.peer].lines
        return any(codec.name in CONVERTIBLE for line in lines if line.medium is source.medium for codec in line.codecs)

    def _codecs_of(self, slot: Slot) -> Sequence[Codec]:
        return next((known.codecs for known in self._peers[slot.peer].slots if known.medium is slot.medium), ())

    def _leave_dark(self, slot: Slot) -> None:
        if slot not in self._dark:
            self._dark.add(slot)
            self._refused += 1
            if self.listener is not None:
                self.listener.stays_dark(slot)

    def stats(self) -> EngineStats:
        received, sent, drops, kept = self._port.core.totals()
        to_peers, from_peers = self._port.core.mending()
        reasons = self._drops.snapshot()
        for reason, amount in drops:
            reasons[reason] = reasons.get(reason, 0) + amount
        return EngineStats(
            peers=len(self._peers),
            routes=len(self._routes),
            packets_received=received[0],
            packets_sent=sent[0],
            bytes_received=received[1],
            bytes_sent=sent[1],
            drops=reasons,
            bytes_kept=kept,
            to_peers=Mending(*to_peers),
            from_peers=Mending(*from_peers),
            taps=len(self._taps),
            taps_refused=self._refused,
            pictures_converted=self._taps.encoded,
            pictures_lost=sum(self._drops[reason] for reason in LOST),
            buffers=tuple(SocketBuffers(*granted) for granted in self._port.core.granted()),
        )

    def peer_stats(self) -> dict[PeerId, PeerStats]:
        return {
            PeerId(number): PeerStats(
                packets_received=received[0],
                packets_sent=sent[0],
                bytes_received=received[1],
                bytes_sent=sent[1],
                bits_per_second_received=receive_rate,
                bits_per_second_sent=send_rate,
                keyframes=keyframes,
                keyframe_requests=requests,
                drops=dict(drops),
                round_trip=round_trip / 1_000 or None,
                to_peer=Way(
                    missed=to_it[0],
                    sent_again=to_it[1],
                    keyframes_wanted=to_it[2],
                    kept=to_it[3],
                    loss=to_it[4][0] / 256,
                    jitter=to_it[4][1] / 1_000_000,
                    expected=to_it[4][2],
                    lost=to_it[4][3],
                    estimate=to_it[5] or None,
                ),
                from_peer=Way(
                    missed=from_it[0],
                    sent_again=from_it[1],
                    keyframes_wanted=requests,
                    loss=from_it[2][0] / 256,
                    jitter=from_it[2][1] / 1_000_000,
                    expected=from_it[2][2],
                    lost=from_it[2][3],
                    cap=from_it[3] or None,
                ),
            )
            for (
                number,
                received,
                sent,
                receive_rate,
                send_rate,
                keyframes,
                requests,
                drops,
                round_trip,
                to_it,
                from_it,
            ) in self._port.core.peers()
        }

    async def stop(self) -> None:
        for peer in list(self._peers):
            self.close(peer)
        await self._taps.close()


def _codecs(codecs: Sequence[Codec]) -> list[tuple[str, int, int | None]]:
    return [(codec.name, codec.payload_type, codec.rtx_payload_type) for codec in codecs]


def _ids(extensions: Sequence[tuple[int, str]]) -> tuple[int, int, int, int, int]:
    ids = {uri: identifier for identifier, uri in extensions}
    return (
        ids.get(MID, 0),
        ids.get(AUDIO_LEVEL, 0),
        ids.get(ABS_SEND_TIME, 0),
        ids.get(TRANSPORT_CC, 0),
        ids.get(PLAYOUT_DELAY, 0),
    )
