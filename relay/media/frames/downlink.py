"""Encodes what one slot shows.

Owns the slot's one RTP stream: its sender lives as long as the connection, however often the
source changes, so that the browser sees a single continuous stream.
"""

import asyncio
from collections.abc import Callable
from fractions import Fraction

from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from aiortc.rtp import AnyRtcpPacket, RtcpRtpfbPacket
from av.frame import Frame

from relay import clock
from relay.media.frames.timeline import Timeline
from relay.media.frames.track import PushedTrack
from relay.observe.drops import Drop, Drops
from relay.peer.aiortc_bridge import SlotSender
from relay.peer.lines import NegotiatedSlot
from relay.peer.negotiation import CNAME
from relay.tasks import Tasks

CLOCK_RATES = {"audio": 48_000, "video": 90_000}
"""Units per second of RTP timestamps: Opus (RFC 7587) and all video codecs."""

ENCODER_BACKLOG = {"audio": 10, "video": 1}
"""Frames waiting for the encoder: 200 ms of sound; of pictures only the latest matters."""

KEYFRAME_INTERVAL = 0.5
"""Seconds between keyframes that the receiver can ask for."""

RETRANSMISSIONS_PER_SECOND = 100
"""Packets that the receiver can ask for again, so that its NACKs don't fill its own link."""


class Downlink:
    """From decoded frames of whoever is shown to RTP packets for the receiver."""

    def __init__(self, slot: NegotiatedSlot, send: Callable[[bytes], None], drops: Drops, tasks: Tasks) -> None:
        kind = slot.medium.kind
        self._drops = drops
        self._tasks = tasks
        self._clock_rate = CLOCK_RATES[kind]
        self._timeline = Timeline(self._clock_rate)
        self._track = PushedTrack(kind, ENCODER_BACKLOG[kind], drops)
        self._sender = SlotSender(slot, self._track, send)
        self._started = False
        self._showing: asyncio.Task[None] | None = None
        self._keyframe_at = 0.0
        self._budget = float(RETRANSMISSIONS_PER_SECOND)
        self._budget_at = clock.monotonic()

    def show(self, source: MediaStreamTrack | None) -> None:
        """Show another source from now on, or nothing. What the old one had left is dropped at once."""
        if self._showing is not None:
            self._showing.cancel()
            self._showing = None
        self._track.clear()
        self._timeline.cut()
        if source is not None:
            self._sender.request_keyframe()
            self._showing = self._tasks.start("show", self._show(source))

    async def handle_rtcp(self, packet: AnyRtcpPacket) -> None:
        """Reports, REMB and NACK about this slot, the latter within the budget."""
        if isinstance(packet, RtcpRtpfbPacket):
            affordable = self._afford(len(packet.lost))
            if affordable < len(packet.lost):
                self._drops.count(Drop.FEEDBACK_THROTTLED, len(packet.lost) - affordable)
                packet.lost = packet.lost[:affordable]
        await self._sender.handle_rtcp(packet)

    def request_keyframe(self) -> None:
        """The receiver lost the picture (PLI, FIR)."""
        now = clock.monotonic()
        if now - self._keyframe_at < KEYFRAME_INTERVAL:
            self._drops.count(Drop.FEEDBACK_THROTTLED)
            return
        self._keyframe_at = now
        self._sender.request_keyframe()

    async def close(self) -> None:
        """Stop encoding. Idempotent."""
        self.show(None)
        self._track.stop()
        if self._started:
            await self._sender.stop()

    async def _show(self, source: MediaStreamTrack) -> None:
        if not self._started:
            self._started = True
            await self._sender.start(CNAME)
        try:
            while True:
                frame = await source.recv()
                if not isinstance(frame, Frame) or frame.pts is None:
                    continue
                # The relay hands the same frame to every consumer: none may rely on its timestamp.
                frame.pts = self._timeline.place(frame.pts, clock.monotonic())
                frame.time_base = Fraction(1, self._clock_rate)
                self._track.push(frame)
        except MediaStreamError:
            return
        finally:
            source.stop()

    def _afford(self, wanted: int) -> int:
        now = clock.monotonic()
        self._budget = min(
            RETRANSMISSIONS_PER_SECOND, self._budget + (now - self._budget_at) * RETRANSMISSIONS_PER_SECOND
        )
        self._budget_at = now
        granted = min(wanted, int(self._budget))
        self._budget -= granted
        return granted
