"""Writes the sections of an answer, in the form that `aiortc.sdp` prints. Pure."""

import re
from collections.abc import Sequence

from aiortc import sdp
from aiortc.rtcdtlstransport import RTCDtlsFingerprint, RTCDtlsParameters
from aiortc.rtcicetransport import RTCIceParameters
from aiortc.rtcrtpparameters import RTCRtpParameters

from relay.peer.candidates import Reach, candidates
from relay.peer.lines import Codec, DtlsRole, Fingerprint, Medium, NegotiatedSlot
from relay.peer.offer import Section
from relay.peer.parameters import codec_parameters, extension_parameters
from relay.transport.port import Credentials

START_BITRATE_KBPS = 800
"""Hint to Chromium's encoder: without it half of the pairings begin at 320x240 for ten seconds."""

PARTNER_STREAM = "partner"
CNAME = "relay"
"""The same for everybody: it says nothing about anyone (RFC 7022)."""

_VIDEO_CONNECTION = re.compile(r"^m=video 9 [^\r\n]*\r\nc=[^\r\n]*\r\n", re.MULTILINE)


def refuse(offered: Section) -> sdp.MediaDescription:
    """One that is not: port 0, and nothing else that means anything (RFC 3264 section 6)."""
    section = sdp.MediaDescription(offered.kind, 0, offered.profile, [offered.formats[0]])
    section.host = "0.0.0.0"  # noqa: S104 - "no default candidate", RFC 8840 section 4.2.1
    section.direction = "inactive"
    section.rtp = RTCRtpParameters(muxId=offered.mid)
    section.ice = RTCIceParameters()
    return section


def accept(
    offered: Section, codecs: Sequence[Codec], extensions: Sequence[tuple[int, str]], direction: str
) -> sdp.MediaDescription:
    """One that is served."""
    parameters = codec_parameters(offered.kind, codecs)
    section = sdp.MediaDescription(offered.kind, 9, offered.profile, [item.payloadType for item in parameters])
    section.host = "0.0.0.0"  # noqa: S104 - as above
    section.direction = direction
    section.rtp = RTCRtpParameters(
        codecs=parameters,
        headerExtensions=extension_parameters(extensions),
        muxId=offered.mid,
    )
    section.rtcp_port = 9
    section.rtcp_host = "0.0.0.0"  # noqa: S104 - as above
    section.rtcp_mux = True
    return section


def hint_start_bitrate(section: sdp.MediaDescription) -> None:
    """For video."""
    if section.kind == "video":
        for codec in section.rtp.codecs:
            if codec.name.lower() != "rtx":
                codec.parameters["x-google-start-bitrate"] = START_BITRATE_KBPS


def limit(answer: str, bitrate: int) -> str:
    """Bound each video line in bits per second (RFC 3890); `aiortc.sdp` has no words for it."""
    return _VIDEO_CONNECTION.sub(rf"\g<0>b=TIAS:{bitrate}\r\n", answer)


def announce(section: sdp.MediaDescription, slot: NegotiatedSlot) -> None:
    """What the slot will be sent with."""
    # The screen is a stream of its own: it must not be held back to fit the voice.
    stream = PARTNER_STREAM if slot.medium is not Medium.SCREEN else f"{PARTNER_STREAM}-screen"
    section.msid = f"{stream} {stream}-{slot.medium.value}"
    section.ssrc = [sdp.SsrcDescription(ssrc=slot.ssrc, cname=CNAME)]
    if any(codec.rtx_payload_type is not None for codec in slot.codecs):
        section.ssrc.append(sdp.SsrcDescription(ssrc=slot.rtx_ssrc, cname=CNAME))
        section.ssrc_group = [sdp.GroupDescription("FID", [slot.ssrc, slot.rtx_ssrc])]


def secure(
    section: sdp.MediaDescription, own: Credentials, fingerprints: Sequence[Fingerprint], dtls_role: DtlsRole
) -> None:
    """Our side of ICE and DTLS. Every section has it: older browsers look for it in each."""
    section.ice = RTCIceParameters(usernameFragment=own.ufrag, password=own.password, iceLite=True)
    section.dtls = RTCDtlsParameters(
        fingerprints=[RTCDtlsFingerprint(item.algorithm, item.value) for item in fingerprints],
        role=dtls_role.value,
    )


def offer_candidates(section: sdp.MediaDescription, reach: Reach) -> None:
    """In the section that speaks for the BUNDLE: nobody looks for them elsewhere."""
    section.ice_candidates = candidates(reach)
    section.ice_candidates_complete = True
