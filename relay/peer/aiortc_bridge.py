"""The only file that touches semi-private members of aiortc: one class for each seam.

`tests/contract/test_aiortc_seams.py` guards each of them, and `pyproject.toml` pins the minor version.
Nothing here decides anything; it makes aiortc's parts usable without `RTCPeerConnection`, on a port
and with a certificate that all peers share.
"""

from collections.abc import Callable
from typing import cast

from aiortc import MediaStreamTrack, RTCCertificate
from aiortc.codecs import depayload, get_decoder
from aiortc.codecs.base import Decoder
from aiortc.jitterbuffer import JitterBuffer, JitterFrame
from aiortc.rtcdtlstransport import SRTP_PROFILES, RTCDtlsTransport, SRTPProtectionProfile
from aiortc.rtcrtpparameters import RTCRtcpParameters, RTCRtpCodecParameters, RTCRtpSendParameters
from aiortc.rtcrtpsender import RTCRtpSender
from aiortc.rtp import AnyRtcpPacket, RtpPacket
from OpenSSL import SSL

from relay.peer.dtls import Dtls, DtlsListener
from relay.peer.lines import DtlsRole, Fingerprint, NegotiatedSlot
from relay.peer.parameters import codec_parameters, extension_parameters
from relay.transport.suites import SUITES

LARGEST_PICTURE = 1_920 * 1_920
"""Pixels: 1080p in either orientation, with room. A VP8 keyframe of ten bytes can ask for 268 million."""


class SharedCertificate:
    """One certificate and one TLS context for all connections of the process."""

    def __init__(self) -> None:
        self._certificate = _CertificateWithContext.generateCertificate()
        self.fingerprints = tuple(
            Fingerprint(item.algorithm, item.value)
            for item in self._certificate.getFingerprints()
            if item.algorithm == "sha-256"
        )
        """SHA-256 only: every browser knows it, and each further one makes the answer longer."""

    def begin(
        self,
        send: Callable[[bytes], None],
        role: DtlsRole,
        fingerprints: tuple[Fingerprint, ...],
        listener: DtlsListener,
    ) -> Dtls:
        """A DTLS association that is ready to start, with who has a certificate of these fingerprints."""
        return Dtls(self._certificate._create_ssl_context(SRTP_PROFILES), send, role, fingerprints, listener)


class SlotSender:
    """aiortc's RTCRtpSender on its own: encodes a track, if it is not encoded yet, and hands over plain RTP.

    `send` gets plain RTP and RTCP packets; protecting them is the caller's business.
    """

    def __init__(self, slot: NegotiatedSlot, track: MediaStreamTrack, send: Callable[[bytes], None]) -> None:
        self._slot = slot
        self._transport = _SenderTransport(send)
        self._sender = RTCRtpSender(track, cast("RTCDtlsTransport", self._transport))
        self._sender._ssrc = slot.ssrc
        self._sender._rtx_ssrc = slot.rtx_ssrc

    async def start(self, cname: str) -> None:
        """Begin to encode, in the first codec that was negotiated."""
        await self._sender.send(
            RTCRtpSendParameters(
                codecs=codec_parameters(self._slot.medium.kind, self._slot.codecs[:1]),
                headerExtensions=extension_parameters(self._slot.extensions),
                muxId=self._slot.mid,
                rtcp=RTCRtcpParameters(cname=cname, ssrc=self._slot.ssrc),
            )
        )

    async def handle_rtcp(self, packet: AnyRtcpPacket) -> None:
        """Reports and NACK about this slot."""
        await self._sender._handle_rtcp_packet(packet)

    async def stop(self) -> None:
        """Idempotent."""
        await self._sender.stop()
        self._transport.close()


class FrameAssembler:
    """aiortc's jitter buffer and depayloaders: RTP packets in, encoded frames out."""

    def __init__(self, kind: str) -> None:
        self._buffer = JitterBuffer(capacity=512, is_video=True) if kind == "video" else JitterBuffer(16, prefetch=4)

    def add(self, packet: RtpPacket, codec: RTCRtpCodecParameters) -> tuple[bool, JitterFrame | None]:
        """Take one packet; returns whether the picture was lost, and a frame if one is complete.

        Raises:
            ValueError: the payload does not fit the codec.
        """
        packet._data = depayload(codec, packet.payload) if packet.payload else b""  # type: ignore[attr-defined]
        return self._buffer.add(packet)


def make_decoder(codec: RTCRtpCodecParameters) -> Decoder:
    """aiortc's decoder, told not to allocate pictures larger than `LARGEST_PICTURE` pixels."""
    decoder = get_decoder(codec)
    if codec.mimeType.startswith("video/"):
        decoder.codec.options = {"max_pixels": str(LARGEST_PICTURE)}  # type: ignore[attr-defined]
    return decoder


class _CertificateWithContext(RTCCertificate):
    """Makes the TLS context once instead of 0.3 ms per handshake, and stricter than aiortc's."""

    _context: SSL.Context | None = None

    def _create_ssl_context(self, srtp_profiles: list[SRTPProtectionProfile]) -> SSL.Context:
        if self._context is None:
            self._context = super()._create_ssl_context(srtp_profiles)
            self._context.set_options(SSL.OP_NO_RENEGOTIATION)
            self._context.set_cipher_list(SUITES.encode())
        return self._context


def _nowhere(packet: bytes) -> None:
    """Where packets go after the end."""


class _SenderTransport:
    """What RTCRtpSender needs of an RTCDtlsTransport."""

    state = "connected"
    _stats_id = "slot"

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send = send

    def close(self) -> None:
        self._send = _nowhere

    async def _send_rtp(self, packet: bytes) -> None:
        self._send(packet)

    def _register_rtp_sender(self, sender: RTCRtpSender, parameters: RTCRtpSendParameters) -> None:
        """Routing RTCP to senders is the engine's business."""

    def _unregister_rtp_sender(self, sender: RTCRtpSender) -> None:
        """As above."""
