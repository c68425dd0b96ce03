"""Encodes what one slot shows.

Owns the slot's one RTP stream: its sender lives as long as the connection, however often the
source changes, so that the browser sees a single continuous stream.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from fractions import Fraction

from aiortc.mediastreams import MediaStreamError
from aiortc.rtp import (
    RTCP_PSFB_APP,
    AnyRtcpPacket,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpRtpfbPacket,
    RtcpSrPacket,
    is_rtcp,
    unpack_remb_fci,
)
from av.frame import Frame

from relay import clock
from relay.media.frames.timeline import Timeline
from relay.media.frames.track import EncodedTrack, PushedTrack
from relay.media.frames.uplink import Source
from relay.observe.drops import Drop, Drops
from relay.peer.aiortc_bridge import SlotSender
from relay.peer.answer import CNAME
from relay.peer.lines import NegotiatedSlot
from relay.tasks import Tasks

CLOCK_RATES = {"audio": 48_000, "video": 90_000}
"""Units per second of RTP timestamps: Opus (RFC 7587) and all video codecs."""

ENCODER_BACKLOG = {"audio": 10, "video": 1}
"""Frames waiting for the encoder: 200 ms of sound; of pictures only the latest matters."""

KEYFRAME_INTERVAL = 0.5
"""Seconds between keyframes that the receiver can ask for."""

OLDEST = 2.0
"""Seconds since its capture that a frame is believed to have; more is a mistake in its sender's reports."""

RETRANSMISSIONS_PER_SECOND = 100
"""Packets that the receiver can ask for again, so that its NACKs don't fill its own link."""


class Downlink:
    """From decoded frames of the person shown to RTP packets for the receiver."""

    def __init__(
        self,
        slot: NegotiatedSlot,
        send: Callable[[bytes], None],
        drops: Drops,
        tasks: Tasks,
        workers: Executor | None = None,
    ) -> None:
        """`send` takes plain RTP and RTCP. Pictures are encoded on `workers`, or the event loop's own."""
        kind = slot.medium.kind
        self._drops = drops
        self._tasks = tasks
        self._clock_rate = CLOCK_RATES[kind]
        self._timeline = Timeline(self._clock_rate)
        self._track = PushedTrack(kind, ENCODER_BACKLOG[kind], drops)
        self._pictures = EncodedTrack(self._track, slot.codecs[0].name, workers, drops) if kind == "video" else None
        self._sender = SlotSender(slot, self._pictures or self._track, self._pass_on)
        self._send = send
        self._age = 0.0
        self._started = False
        self._showing: asyncio.Task[None] | None = None
        self._keyframe_at = 0.0
        self._budget = float(RETRANSMISSIONS_PER_SECOND)
        self._budget_at = clock.monotonic()

    @property
    def encoded(self) -> int:
        """Pictures so far."""
        return self._pictures.encoded if self._pictures else 0

    @property
    def bitrate(self) -> int:
        """Bits per second that its pictures may take; 0 for sound."""
        return self._pictures.bitrate if self._pictures else 0

    def show(self, source: Source | None) -> None:
        """Show another source from now on, or nothing. What the old one had left is dropped at once."""
        if self._showing is not None:
            self._showing.cancel()
            self._showing = None
        self._track.clear()
        self._timeline.cut()
        self._age = 0.0
        if source is not None:
            self._begin_picture()
            self._showing = self._tasks.start("show", self._show(source))

    async def handle_rtcp(self, packet: AnyRtcpPacket) -> None:
        """Reports, REMB and NACK about this slot, the latter within the budget."""
        if isinstance(packet, RtcpRtpfbPacket):
            affordable = self._afford(len(packet.lost))
            if affordable < len(packet.lost):
                self._drops.count(Drop.FEEDBACK_THROTTLED, len(packet.lost) - affordable)
                packet.lost = packet.lost[:affordable]
        elif self._pictures and isinstance(packet, RtcpPsfbPacket) and packet.fmt == RTCP_PSFB_APP:
            self._pictures.bitrate, _ = unpack_remb_fci(packet.fci)
            return
        await self._sender.handle_rtcp(packet)

    def request_keyframe(self) -> None:
        """The receiver lost the picture (PLI, FIR)."""
        now = clock.monotonic()
        if now - self._keyframe_at < KEYFRAME_INTERVAL:
            self._drops.count(Drop.FEEDBACK_THROTTLED)
            return
        self._keyframe_at = now
        self._begin_picture()

    async def close(self) -> None:
        """Stop encoding. Idempotent."""
        self.show(None)
        (self._pictures or self._track).stop()
        await self._sender.stop()

    def _begin_picture(self) -> None:
        if self._pictures:
            self._pictures.request_keyframe()

    def _pass_on(self, packet: bytes) -> None:
        """aiortc's reports say that what is sent was captured just now; a partner's lips would lag by what we took."""
        if self._age and is_rtcp(packet):
            reports = RtcpPacket.parse(packet)
            for report in reports:
                if isinstance(report, RtcpSrPacket):
                    report.sender_info.ntp_timestamp -= int(self._age * (1 << 32))
            packet = b"".join(bytes(report) for report in reports)
        self._send(packet)

    async def _show(self, source: Source) -> None:
        if not self._started:
            self._started = True
            await self._sender.start(CNAME)
        try:
            while True:
                frame = await source.track.recv()
                if not isinstance(frame, Frame) or frame.pts is None:
                    continue
                if (age := source.age(frame.pts)) is not None:
                    self._age = min(max(age, 0.0), OLDEST)
                # The relay hands the same frame to every consumer: none may rely on its timestamp.
                frame.pts = self._timeline.place(frame.pts, clock.monotonic())
                frame.time_base = Fraction(1, self._clock_rate)
                self._track.push(frame)
        except MediaStreamError:
            return
        finally:
            source.track.stop()

    def _afford(self, wanted: int) -> int:
        now = clock.monotonic()
        self._budget = min(
            RETRANSMISSIONS_PER_SECOND, self._budget + (now - self._budget_at) * RETRANSMISSIONS_PER_SECOND
        )
        self._budget_at = now
        granted = min(wanted, int(self._budget))
        self._budget -= granted
        return granted
