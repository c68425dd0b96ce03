"""Decodes one line while somebody watches it.

Owns what belongs to one stretch of watching: jitter buffer, decoder, feedback to the sender (RR,
NACK, PLI, REMB) and the decoded track. It exists only while the line is routed, so nothing is
decoded for people who are not paired.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import NamedTuple

import av
from aiortc.codecs import is_rtx
from aiortc.contrib.media import MediaRelay
from aiortc.jitterbuffer import JitterFrame
from aiortc.mediastreams import MediaStreamTrack
from aiortc.rate import RemoteBitrateEstimator
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtcrtpreceiver import NackGenerator, StreamStatistics
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    AnyRtcpPacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSenderInfo,
    RtcpSrPacket,
    RtpPacket,
    pack_remb_fci,
    unwrap_rtx,
)

from relay import clock
from relay.media.frames.picture import is_too_large, is_too_long
from relay.media.frames.track import PushedTrack
from relay.observe.drops import Drop, Drops
from relay.peer.aiortc_bridge import FrameAssembler, make_decoder
from relay.peer.lines import NegotiatedLine
from relay.peer.parameters import codec_parameters
from relay.tasks import Tasks

_WRAP = 1 << 32

TICK = 0.1
"""Seconds between looks at what is missing."""

REPORT_INTERVAL = 1.0
"""Seconds between receiver reports."""

REQUEST_INTERVAL = 0.02
"""Seconds between requests for what is missing. Each packet may leave a new gap."""

LONGEST_GAP = 128
"""Packets that may be missing at once. A longer gap needs a keyframe, and aiortc counts through it one by one."""

KEYFRAME_INTERVALS = (0.3, 2.0)
"""Seconds between keyframe requests: at first, and at most after doubling."""

ENCODED_BACKLOG = 60
"""Frames waiting for the decoder: two seconds of video."""

DECODED_BACKLOG = {"audio": 25, "video": 2}
"""Frames waiting for the relay: half a second of sound; of pictures only the latest matter."""


class Source(NamedTuple):
    """What a slot may show."""

    track: MediaStreamTrack
    age: Callable[[int], float | None]
    """Seconds since what has this RTP timestamp was captured, once the sender's reports tell."""


class Uplink:
    """From RTP packets to decoded frames. `open` starts it, `close` ends it for good."""

    def __init__(
        self,
        line: NegotiatedLine,
        ssrc: int | None,
        reporter: int,
        send: Callable[[AnyRtcpPacket], None],
        drops: Drops,
        tasks: Tasks,
        workers: Executor | None = None,
    ) -> None:
        """Begin to decode, on `workers` or the event loop's own.

        Args:
            ssrc: of the stream, if it is known before its first packet.
            reporter: our own SSRC in reports about it.
            send: takes RTCP for the sender.
        """
        self._line = line
        self._ssrc = ssrc
        self._reporter = reporter
        self._send = send
        self._drops = drops
        self._workers = workers
        kind = line.medium.kind
        self._codecs = {codec.payloadType: codec for codec in codec_parameters(kind, line.codecs)}
        self._is_video = kind == "video"
        self._asks_again = any(("nack", None) in codec.feedback for codec in line.codecs)
        self._assembler = FrameAssembler(kind)
        self._missing = NackGenerator()
        self._requested_at = 0.0
        self._estimator = RemoteBitrateEstimator()
        self._statistics = StreamStatistics(line.codecs[0].clock_rate)
        self._encoded: asyncio.Queue[tuple[RTCRtpCodecParameters, JitterFrame]] = asyncio.Queue(ENCODED_BACKLOG)
        self._decoded = PushedTrack(kind, DECODED_BACKLOG[kind], drops)
        self._relay = MediaRelay()
        self._wants_keyframe = self._is_video
        self._keyframe_interval = KEYFRAME_INTERVALS[0]
        self._keyframe_due = 0.0
        self._reported_at = clock.monotonic()
        self._sender_report: tuple[RtcpSenderInfo, float] | None = None
        self._clock_rate = line.codecs[0].clock_rate
        self._work = [tasks.start("decode", self._decode()), tasks.start("feedback", self._give_feedback())]

    def subscribe(self) -> Source:
        """A track of the decoded frames for one more consumer, who must keep reading it."""
        return Source(self._relay.subscribe(self._decoded), self._age)

    def close(self) -> None:
        """Stop decoding; the subscribed tracks end. Idempotent."""
        for task in self._work:
            task.cancel()
        self._work.clear()  # a task that was cancelled keeps where it was, and so this
        self._decoded.stop()

    def receive(self, packet: RtpPacket) -> None:
        """Take one RTP packet of this line, original or retransmission."""
        codec = self._codecs.get(packet.payload_type)
        if codec is None:
            self._drops.count(Drop.UNKNOWN_PAYLOAD_TYPE)
            return
        if self._is_video:
            self._estimate(packet)
        if is_rtx(codec):
            if len(packet.payload) < 2:
                return  # padding, sent to probe the bandwidth
            original = int(codec.parameters["apt"] or 0)
            packet = unwrap_rtx(packet, payload_type=original, ssrc=self._ssrc or 0)
            codec = self._codecs[original]
        else:
            self._ssrc = packet.ssrc
            self._statistics.add(packet)
        if self._is_video and self._has_gap(packet):
            self._request_missing()
        try:
            picture_lost, frame = self._assembler.add(packet, codec)
        except ValueError:
            self._drops.count(Drop.RTP_MALFORMED)
            return
        if picture_lost:
            self._request_keyframe()
        if frame is not None:
            self._enqueue(codec, frame)

    def receive_sender_report(self, packet: RtcpSrPacket) -> None:
        """Remember it for the round trip time that the sender derives from our reports (RFC 3550 section 6.4), and
        for when pictures were captured."""
        self._sender_report = (packet.sender_info, clock.monotonic())

    def _age(self, timestamp: int) -> float | None:
        if self._sender_report is None:
            return None
        info, received_at = self._sender_report
        since = (info.rtp_timestamp - timestamp) % _WRAP
        behind = (since - _WRAP if since >= _WRAP // 2 else since) / self._clock_rate
        return clock.monotonic() - received_at + behind

    def _enqueue(self, codec: RTCRtpCodecParameters, frame: JitterFrame) -> None:
        if is_too_large(codec.name, frame.data):
            self._drops.count(Drop.PICTURE_TOO_LARGE)
            return
        if self._encoded.full():
            # The decoder can't keep up. What waits depends on each other: start anew at a keyframe.
            self._drops.count(Drop.DECODER_BACKLOG, self._encoded.qsize())
            while not self._encoded.empty():
                self._encoded.get_nowait()
            self._request_keyframe()
        self._encoded.put_nowait((codec, frame))

    async def _decode(self) -> None:
        loop = asyncio.get_running_loop()
        decoder, decodes = None, ""
        while True:
            codec, encoded = await self._encoded.get()
            if decoder is None or codec.name != decodes:
                decoder, decodes = make_decoder(codec), codec.name
            try:
                frames = await loop.run_in_executor(self._workers, decoder.decode, encoded)
            except (av.FFmpegError, ValueError):
                self._drops.count(Drop.UNDECODABLE)
                self._request_keyframe()
                continue
            for frame in frames:
                if is_too_long(frame):
                    self._drops.count(Drop.PICTURE_TOO_LARGE)
                    continue
                self._wants_keyframe = False
                self._decoded.push(frame)

    async def _give_feedback(self) -> None:
        while True:
            now = clock.monotonic()
            if self._wants_keyframe and self._ssrc is not None and now >= self._keyframe_due:
                self._send(RtcpPsfbPacket(fmt=RTCP_PSFB_PLI, ssrc=self._reporter, media_ssrc=self._ssrc))
                self._keyframe_due = now + self._keyframe_interval
                self._keyframe_interval = min(2 * self._keyframe_interval, KEYFRAME_INTERVALS[1])
            self._request_missing()
            if now - self._reported_at >= REPORT_INTERVAL and self._statistics.max_seq is not None:
                self._report(now)
            await asyncio.sleep(TICK)

    def _request_keyframe(self) -> None:
        """Ask at the next tick, and again until a picture comes."""
        if self._is_video and not self._wants_keyframe:
            self._wants_keyframe = True
            self._keyframe_interval = KEYFRAME_INTERVALS[0]

    def _has_gap(self, packet: RtpPacket) -> bool:
        """Whether others before it turned out to be missing."""
        latest = self._missing.max_seq
        if latest is not None and LONGEST_GAP < (packet.sequence_number - latest) % 0x1_0000 < 0x8000:
            self._missing = NackGenerator()
        return self._missing.add(packet)

    def _request_missing(self) -> None:
        now = clock.monotonic()
        if now - self._requested_at < REQUEST_INTERVAL:
            return  # the next tick will
        if self._missing.missing and self._asks_again and self._ssrc is not None:
            self._requested_at = now
            nack = RtcpRtpfbPacket(fmt=RTCP_RTPFB_NACK, ssrc=self._reporter, media_ssrc=self._ssrc)
            nack.lost = sorted(self._missing.missing)
            self._send(nack)

    def _estimate(self, packet: RtpPacket) -> None:
        if packet.extensions.abs_send_time is None:
            return
        estimate = self._estimator.add(
            abs_send_time=packet.extensions.abs_send_time,
            arrival_time_ms=int(clock.monotonic() * 1_000),
            payload_size=len(packet.payload) + packet.padding_size,
            ssrc=packet.ssrc,
        )
        if estimate is not None:
            self._send(
                RtcpPsfbPacket(fmt=RTCP_PSFB_APP, ssrc=self._reporter, media_ssrc=0, fci=pack_remb_fci(*estimate))
            )

    def _report(self, now: float) -> None:
        self._reported_at = now
        last_report, delay = 0, 0
        if self._sender_report is not None:
            info, received_at = self._sender_report
            last_report = (info.ntp_timestamp >> 16) & 0xFFFF_FFFF
            delay = min(int((now - received_at) * 65_536), 0xFFFF_FFFF)
        self._send(
            RtcpRrPacket(
                ssrc=self._reporter,
                reports=[
                    RtcpReceiverInfo(
                        ssrc=self._ssrc or 0,
                        fraction_lost=self._statistics.fraction_lost,
                        packets_lost=self._statistics.packets_lost,
                        # Both are the sender's to choose, and 32 bits is what there is.
                        highest_sequence=(self._statistics.cycles + (self._statistics.max_seq or 0)) % _WRAP,
                        jitter=min(self._statistics.jitter, _WRAP - 1),
                        lsr=last_report,
                        dlsr=delay,
                    )
                ],
            )
        )
