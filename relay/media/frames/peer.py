"""One peer of the frames engine: SRTP, and which stream belongs to which line or slot.

Owns the peer's one SRTP context. A packet is routed by the SSRC that the offer announced, or
learnt from its MID extension; anything else is dropped and counted.
"""

import asyncio
import struct
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

from aiortc.rtcrtpparameters import RTCRtpParameters
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_FIR,
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    AnyRtcpPacket,
    HeaderExtensionsMap,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSrPacket,
    RtpPacket,
    is_rtcp,
    unpack_remb_fci,
)

from relay import clock
from relay.ids import PeerId
from relay.media.frames.allowance import Allowance
from relay.media.frames.downlink import Downlink
from relay.media.frames.srtp import Guard, NoGuard, RejectedError, SrtpContext
from relay.media.frames.uplink import Source, Uplink
from relay.observe.drops import Drop, Drops
from relay.peer.lines import Medium, Negotiated, NegotiatedLine, SrtpKeys
from relay.peer.parameters import extension_parameters
from relay.tasks import Report, Tasks

LEARNT_SSRCS = 6
"""Streams that one peer may introduce by MID: each line's original and retransmissions."""

FEEDBACK_BACKLOG = 64
"""RTCP packets waiting to be acted upon."""

_MALFORMED = (ValueError, struct.error, IndexError)
"""What aiortc's RTP and RTCP parsers raise."""


@dataclass(slots=True)
class Traffic:
    """Media that passed, in packets and bytes as on the wire."""

    packets_received: int = 0
    packets_sent: int = 0
    bytes_received: int = 0
    bytes_sent: int = 0


class FramesPeer:
    """Everything the engine holds for one connection."""

    def __init__(
        self,
        peer: PeerId,
        negotiated: Negotiated,
        bitrate: int,
        send: Callable[[bytes], None],
        traffic: Traffic,
        drops: Drops,
        report: Report,
        workers: Executor | None = None,
    ) -> None:
        """`bitrate` is what the peer is told to keep to, in bits per second; `send` takes what it is to be sent.
        Pictures are decoded and encoded on `workers`, or the event loop's own."""
        self._allowance = Allowance(bitrate)
        self._send = send
        self._workers = workers
        self._traffic = traffic
        self._drops = drops
        self._tasks = Tasks(f"frames {peer}", report)
        self._guard: Guard | None = None
        self._lines = {line.medium: line for line in negotiated.lines}
        self._mids = {line.mid: line for line in negotiated.lines}
        self._streams = {
            ssrc: line for line in negotiated.lines for ssrc in (line.ssrc, line.rtx_ssrc) if ssrc is not None
        }
        self._learnt = 0
        self._extensions = HeaderExtensionsMap()
        sections = {line.extensions for line in negotiated.lines} | {slot.extensions for slot in negotiated.slots}
        for extensions in sections:
            self._extensions.configure(RTCRtpParameters(headerExtensions=extension_parameters(extensions)))
        self._uplinks: dict[Medium, Uplink] = {}
        self._downlinks = {
            slot.medium: Downlink(slot, self._protect, drops, self._tasks, workers) for slot in negotiated.slots
        }
        self._slots = {slot.ssrc: self._downlinks[slot.medium] for slot in negotiated.slots}
        self._reporter = next(iter(self._slots), 1)
        self._feedback: asyncio.Queue[tuple[Downlink, AnyRtcpPacket]] = asyncio.Queue(FEEDBACK_BACKLOG)
        self._tasks.start("feedback", self._act_on_feedback())

    def secure(self, keys: SrtpKeys) -> None:
        """Media may pass from now on."""
        self._guard = SrtpContext(keys)

    def trust(self) -> None:
        """Media may pass from now on, in the clear: it stays in the process."""
        self._guard = NoGuard()

    @property
    def encoded(self) -> int:
        """Pictures so far, of all slots."""
        return sum(downlink.encoded for downlink in self._downlinks.values())

    def watch(self, medium: Medium) -> Source | None:
        """Decode the line and subscribe to its frames; None if the peer does not send such a line."""
        line = self._lines.get(medium)
        if line is None:
            return None
        uplink = self._uplinks.get(medium)
        if uplink is None:
            uplink = Uplink(line, line.ssrc, self._reporter, self._send_rtcp, self._drops, self._tasks, self._workers)
            self._uplinks[medium] = uplink
        return uplink.subscribe()

    def unwatch(self, medium: Medium) -> None:
        """Nobody watches the line any more: stop decoding it. Idempotent."""
        uplink = self._uplinks.pop(medium, None)
        if uplink is not None:
            uplink.close()

    def show(self, medium: Medium, source: Source | None) -> None:
        """Show a source in the peer's slot, or nothing."""
        downlink = self._downlinks.get(medium)
        if downlink is not None:
            downlink.show(source)
        elif source is not None:
            source.track.stop()

    def receive(self, datagram: bytes) -> None:
        """Take one SRTP or SRTCP datagram from the peer's verified address."""
        if self._guard is None:
            self._drops.count(Drop.NOT_SECURE_YET)
            return
        self._traffic.packets_received += 1
        self._traffic.bytes_received += len(datagram)
        now = clock.monotonic()
        if self._allowance.is_used_up(now):
            self._drops.count(Drop.FLOODED)
            return
        try:
            of_control = is_rtcp(datagram)
            plain = self._guard.open_rtcp(datagram) if of_control else self._guard.open_rtp(datagram)
        except (RejectedError, IndexError):
            self._drops.count(Drop.SRTP_REJECTED)
            return
        # Only now: what somebody forges must not use up what the peer itself may send.
        if not self._allowance.take(len(plain), now):
            self._drops.count(Drop.FLOODED)
        elif of_control:
            self._receive_rtcp(plain)
        else:
            self._receive_rtp(plain)

    async def close(self) -> None:
        """Stop decoding and encoding. Idempotent."""
        for medium in list(self._uplinks):
            self.unwatch(medium)
        for downlink in self._downlinks.values():
            await downlink.close()
        await self._tasks.close()
        # They send by us: encoders and decoders are large, and nobody is to look for them.
        self._downlinks.clear()
        self._slots.clear()
        self._guard = None

    def _receive_rtp(self, plain: bytes) -> None:
        try:
            packet = RtpPacket.parse(plain, self._extensions)
        except _MALFORMED:
            self._drops.count(Drop.RTP_MALFORMED)
            return
        line = self._streams.get(packet.ssrc) or self._learn(packet)
        if line is None:
            self._drops.count(Drop.UNKNOWN_SSRC)
            return
        uplink = self._uplinks.get(line.medium)
        if uplink is None:
            self._drops.count(Drop.NOT_ROUTED)
        else:
            uplink.receive(packet)

    def _learn(self, packet: RtpPacket) -> NegotiatedLine | None:
        """Route an unannounced stream by its MID (RFC 8843 section 9.2)."""
        line = self._mids.get(packet.extensions.mid or "")
        if line is None or line.ssrc is not None or self._learnt >= LEARNT_SSRCS:
            return None
        self._learnt += 1
        self._streams[packet.ssrc] = line
        return line

    def _receive_rtcp(self, plain: bytes) -> None:
        try:
            packets = RtcpPacket.parse(plain)
        except _MALFORMED:
            self._drops.count(Drop.RTCP_MALFORMED)
            return
        for packet in packets:
            if isinstance(packet, RtcpSrPacket):
                line = self._streams.get(packet.ssrc)
                uplink = self._uplinks.get(line.medium) if line else None
                if uplink is not None:
                    uplink.receive_sender_report(packet)
            if isinstance(packet, RtcpSrPacket | RtcpRrPacket):
                for ssrc in {report.ssrc for report in packet.reports}:
                    self._pass_feedback(ssrc, packet)
            elif isinstance(packet, RtcpRtpfbPacket) and packet.fmt == RTCP_RTPFB_NACK:
                self._pass_feedback(packet.media_ssrc, packet)
            elif isinstance(packet, RtcpPsfbPacket):
                self._receive_picture_feedback(packet)

    def _receive_picture_feedback(self, packet: RtcpPsfbPacket) -> None:
        if packet.fmt in (RTCP_PSFB_PLI, RTCP_PSFB_FIR):
            # FIR names its stream in the FCI (RFC 5104 section 4.3.1).
            ssrc = packet.media_ssrc if packet.fmt == RTCP_PSFB_PLI else int.from_bytes(packet.fci[:4], "big")
            if (downlink := self._slots.get(ssrc)) is not None:
                downlink.request_keyframe()
        elif packet.fmt == RTCP_PSFB_APP:
            try:
                _, ssrcs = unpack_remb_fci(packet.fci)
            except _MALFORMED:
                self._drops.count(Drop.RTCP_MALFORMED)
                return
            for ssrc in set(ssrcs):
                self._pass_feedback(ssrc, packet)

    def _pass_feedback(self, ssrc: int, packet: AnyRtcpPacket) -> None:
        downlink = self._slots.get(ssrc)
        if downlink is None:
            return
        if self._feedback.full():
            self._drops.count(Drop.FEEDBACK_THROTTLED)
        else:
            self._feedback.put_nowait((downlink, packet))

    async def _act_on_feedback(self) -> None:
        while True:
            downlink, packet = await self._feedback.get()
            await downlink.handle_rtcp(packet)

    def _send_rtcp(self, packet: AnyRtcpPacket) -> None:
        self._protect(bytes(packet))

    def _protect(self, packet: bytes) -> None:
        """Send plain RTP or RTCP."""
        if self._guard is None:
            self._drops.count(Drop.NOT_SECURE_YET)
            return
        sealed = self._guard.seal_rtcp(packet) if is_rtcp(packet) else self._guard.seal_rtp(packet)
        self._traffic.packets_sent += 1
        self._traffic.bytes_sent += len(sealed)
        self._send(sealed)
