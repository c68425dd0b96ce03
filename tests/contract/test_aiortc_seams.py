"""What `relay/peer/aiortc_bridge.py` assumes of aiortc. A failure here means that aiortc changed."""

import asyncio
import contextlib
from fractions import Fraction

import pytest
from aiortc import RTCCertificate, VideoStreamTrack
from aiortc.codecs import depayload
from aiortc.codecs.h264 import H264Encoder
from aiortc.jitterbuffer import JitterFrame
from aiortc.rtcdtlstransport import SRTP_PROFILES
from aiortc.rtcrtpparameters import RTCRtpParameters
from aiortc.rtp import HeaderExtensionsMap, RtcpPsfbPacket, RtpPacket, is_rtcp
from av import FFmpegError, VideoFrame

from relay.peer.aiortc_bridge import FrameAssembler, SharedCertificate, SlotSender, make_decoder
from relay.peer.dtls import SIZES
from relay.peer.lines import Codec, Medium, NegotiatedSlot
from relay.peer.parameters import codec_parameters, extension_parameters
from tests.kit.pictures import encoded_pictures

VP8 = Codec("VP8", 96, 90_000, None, (), (), 97)
SLOT = NegotiatedSlot("4", Medium.CAMERA, (VP8,), ((4, "urn:ietf:params:rtp-hdrext:sdes:mid"),), 1_234, 5_678)


def test_the_tls_context_is_made_once() -> None:
    certificate = SharedCertificate()._certificate
    assert isinstance(certificate, RTCCertificate)
    assert certificate._create_ssl_context(SRTP_PROFILES) is certificate._create_ssl_context(SRTP_PROFILES)


def test_it_agrees_on_the_profiles_that_keys_can_be_taken_of() -> None:
    names = {profile.openssl_profile.decode(): (profile.key_length, profile.salt_length) for profile in SRTP_PROFILES}
    assert names == {profile.value: sizes for profile, sizes in SIZES.items()}


async def test_a_slot_sender_sends_plain_rtp_with_our_ssrc_and_mid() -> None:
    sent: asyncio.Queue[bytes] = asyncio.Queue()
    sender = SlotSender(SLOT, VideoStreamTrack(), sent.put_nowait)
    await sender.start("relay")
    extensions = HeaderExtensionsMap()
    extensions.configure(RTCRtpParameters(headerExtensions=extension_parameters(SLOT.extensions)))
    async with asyncio.timeout(10):
        while is_rtcp(packet := await sent.get()):
            pass
    parsed = RtpPacket.parse(packet, extensions)
    assert (parsed.ssrc, parsed.payload_type, parsed.extensions.mid) == (1_234, 96, "4")
    await sender.handle_rtcp(RtcpPsfbPacket(fmt=1, ssrc=1, media_ssrc=1_234))
    await sender.stop()


def test_assembled_frames_decode() -> None:
    (codec, _rtx), assembler = codec_parameters("video", (VP8,)), FrameAssembler("video")
    decoder, decoded, sequence = make_decoder(codec), 0, 0
    for number, payloads in enumerate(encoded_pictures(4)):
        for position, payload in enumerate(payloads):
            packet = RtpPacket(96, sequence_number=sequence, timestamp=number * 3_000)
            packet.payload, packet.marker = payload, int(position == len(payloads) - 1)
            sequence += 1
            lost, frame = assembler.add(packet, codec)
            assert not lost
            if frame is not None:
                decoded += len(decoder.decode(frame))
    # The last picture is complete only when the next one begins.
    assert decoded == 3


def test_a_broken_payload_is_a_value_error() -> None:
    packet = RtpPacket(96)
    packet.payload = b"\x80"
    with pytest.raises(ValueError, match="truncated"):
        FrameAssembler("video").add(packet, codec_parameters("video", (VP8,))[0])


@pytest.mark.parametrize(("side", "decodes"), [(640, True), (2_048, False)])
def test_the_h264_decoder_takes_no_picture_over_the_limit(side: int, decodes: bool) -> None:
    frame = VideoFrame(side, side, "yuv420p")
    frame.pts, frame.time_base = 0, Fraction(1, 90_000)
    payloads, _ = H264Encoder().encode(frame, force_keyframe=True)
    h264 = codec_parameters("video", (Codec("H264", 108, 90_000, None, (), (), None),))[0]
    encoded = JitterFrame(b"".join(depayload(h264, payload) for payload in payloads), 0)
    decoder = make_decoder(h264)
    frames = 0
    with contextlib.suppress(FFmpegError):
        frames = len(decoder.decode(encoded)) + len(decoder.codec.decode(None))  # type: ignore[attr-defined]
    assert frames == int(decodes)
