"""One offer in, one answer out: the SDP rules of `decisions` 4 as a pure function.

Owns what the relay accepts from a browser and how it says so. It has no state, no clock and no
randomness; credentials and SSRCs are handed in. Every way in which an offer can be wrong ends in
`RelayError(INVALID_OFFER)` with a sentence.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiortc import sdp
from aiortc.rtcdtlstransport import RTCDtlsFingerprint, RTCDtlsParameters
from aiortc.rtcicetransport import RTCIceParameters
from aiortc.rtcrtpparameters import RTCRtpCodecParameters, RTCRtpParameters

from relay.errors import ErrorCode, RelayError
from relay.peer.candidates import Reach, candidates
from relay.peer.lines import (
    RECEIVED,
    SENT,
    Codec,
    DtlsRole,
    Fingerprint,
    Medium,
    Negotiated,
    NegotiatedLine,
    NegotiatedSlot,
)
from relay.peer.parameters import codec_parameters, extension_parameters
from relay.protocol.messages import Role
from relay.transport.port import Credentials

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
AUDIO_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
PLAYOUT_DELAY = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"

EXTENSIONS = {"audio": (MID, AUDIO_LEVEL, ABS_SEND_TIME), "video": (MID, ABS_SEND_TIME)}
"""Accepted per kind. Orientation is not, so that rotation is in the picture; the rest costs or leaks a
sender's state across a switch."""

DIGESTS = frozenset({"sha-256", "sha-384", "sha-512"})
START_BITRATE_KBPS = 800
"""Hint to Chromium's encoder: without it half of the pairings begin at 320x240 for ten seconds."""

HIGHEST_PAYLOAD_TYPE = 127
HIGHEST_SSRC = 0xFFFF_FFFF
LONGEST_MID = 16
"""Bytes: what fits into a header extension of the one-byte form (RFC 8285 section 4.2)."""
PARTNER_STREAM = "partner"
CNAME = "relay"
"""The same for everybody: it says nothing about anyone (RFC 7022)."""

_VIDEO_CONNECTION = re.compile(r"^m=video [^\r\n]*\r\nc=[^\r\n]*\r\n", re.MULTILINE)
_ICE_CHARACTERS = re.compile(r"[A-Za-z0-9+/]+")


@dataclass(frozen=True, slots=True)
class Terms:
    """What the running engine can do. Codec names in order of preference."""

    audio: tuple[str, ...]
    video: tuple[str, ...]
    line_feedback: tuple[tuple[str, str | None], ...]
    """RTCP feedback that we send for video lines that we receive; for audio, transport-cc alone."""
    slot_feedback: tuple[tuple[str, str | None], ...]
    """RTCP feedback that we understand for video slots that we send."""
    line_extensions: tuple[str, ...] = ()
    """Header extensions accepted on lines besides those that all sections have."""
    slot_extensions: tuple[str, ...] = ()
    """Likewise on slots."""
    bitrate: int | None = None
    """Bits per second that a line with video may take; None: as much as the browser likes."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Our side of one connection."""

    ufrag: str
    password: str
    fingerprints: tuple[Fingerprint, ...]
    reach: Reach


def negotiate(
    offer: str, roles: Mapping[str, Role], terms: Terms, identity: Identity, ssrcs: Sequence[int]
) -> Negotiated:
    """Answer a browser's offer.

    Args:
        offer: SDP (RFC 8866, RFC 9429) with one BUNDLE of the sections in `roles`.
        roles: mid of each section to what it carries.
        ssrcs: fresh random SSRCs, two for each slot.

    Raises:
        RelayError: INVALID_OFFER.
    """
    description = _parse(offer)
    _check_bundle(description, roles)
    fingerprints, remote, dtls_role = _check_security(description.media)
    available = iter(ssrcs)
    lines: list[NegotiatedLine] = []
    slots: list[NegotiatedSlot] = []
    answer = sdp.SessionDescription()
    answer.origin = "- 1 1 IN IP4 0.0.0.0"
    answer.group = description.group
    answer.msid_semantic = [sdp.GroupDescription("WMS", ["*"])]
    for media in description.media:
        role = roles[media.rtp.muxId]
        extensions = _extensions(media, terms.line_extensions if role in SENT else terms.slot_extensions)
        if role in SENT:
            medium = SENT[role]
            line = NegotiatedLine(
                media.rtp.muxId, medium, _codecs(media, terms, terms.line_feedback), extensions, *_announced(media)
            )
            lines.append(line)
            section = _section(media, line.codecs, extensions, "recvonly")
            _hint_start_bitrate(section)
        else:
            medium = RECEIVED[role]
            slot = NegotiatedSlot(
                media.rtp.muxId,
                medium,
                _codecs(media, terms, terms.slot_feedback),
                extensions,
                next(available),
                next(available),
            )
            slots.append(slot)
            section = _section(media, slot.codecs, extensions, "sendonly")
            _announce(section, slot)
        _secure(section, identity, dtls_role)
        answer.media.append(section)
    _check_streams(lines)
    return Negotiated(tuple(lines), tuple(slots), fingerprints, remote, dtls_role, _limit(str(answer), terms))


def _invalid(sentence: str) -> RelayError:
    return RelayError(ErrorCode.INVALID_OFFER, sentence)


def _parse(offer: str) -> sdp.SessionDescription:
    try:
        return sdp.SessionDescription.parse(offer)
    except Exception as cause:
        # aiortc's parser has no error of its own: what a stranger writes makes it raise half of
        # Python's built-in exceptions.
        raise _invalid("The offer is not readable as SDP.") from cause


def _check_bundle(description: sdp.SessionDescription, roles: Mapping[str, Role]) -> None:
    mids = [media.rtp.muxId for media in description.media]
    if not mids:
        raise _invalid("The offer has no media.")
    if len(set(mids)) != len(mids) or set(mids) != set(roles):
        raise _invalid("Each section of the offer needs a mid of its own that `lines` gives a role.")
    if any(len(mid.encode()) > LONGEST_MID for mid in mids):
        raise _invalid("A mid of the offer is too long.")
    if len(set(roles.values())) != len(roles):
        raise _invalid("A role is given to more than one section.")
    bundles = [group for group in description.group if group.semantic == "BUNDLE"]
    if len(bundles) != 1 or [str(item) for item in bundles[0].items] != mids:
        raise _invalid("All sections need to be in one BUNDLE, in order.")
    if len(description.group) != 1:
        raise _invalid("The offer has groups other than BUNDLE.")
    for media in description.media:
        role = roles[media.rtp.muxId]
        sent = role in SENT
        medium = SENT[role] if sent else RECEIVED[role]
        if media.kind != medium.kind:
            raise _invalid(f"The section for {role.value} is not {medium.kind}.")
        if media.direction != ("sendonly" if sent else "recvonly"):
            raise _invalid(f"The section for {role.value} has the wrong direction.")
        if media.profile != "UDP/TLS/RTP/SAVPF" or not media.rtcp_mux:
            raise _invalid("Each section needs UDP/TLS/RTP/SAVPF and rtcp-mux.")


def _check_security(sections: Sequence[sdp.MediaDescription]) -> tuple[tuple[Fingerprint, ...], Credentials, DtlsRole]:
    """The browser's certificate and ICE credentials, and our DTLS role."""
    dtls, ice = sections[0].dtls, sections[0].ice
    if dtls is None or ice is None or any(media.dtls != dtls for media in sections):
        raise _invalid("The sections do not agree on a DTLS role and certificate fingerprint.")
    ours = {"auto": DtlsRole.SERVER, "client": DtlsRole.SERVER, "server": DtlsRole.CLIENT}[dtls.role]
    known = tuple(
        Fingerprint(item.algorithm.lower(), item.value.upper())
        for item in dtls.fingerprints
        if item.algorithm.lower() in DIGESTS
    )
    if not known:
        raise _invalid("The offer has no certificate fingerprint that can be checked.")
    for text, shortest in ((ice.usernameFragment, 4), (ice.password, 22)):
        if text is None or not shortest <= len(text) <= 256 or not _ICE_CHARACTERS.fullmatch(text):
            raise _invalid("The offer's ICE credentials are not well-formed.")
    return known, Credentials(ice.usernameFragment or "", ice.password or ""), ours


def _extensions(media: sdp.MediaDescription, further: tuple[str, ...]) -> tuple[tuple[int, str], ...]:
    known = EXTENSIONS[media.kind] + further
    # Their order means nothing, and Chromium changes it from one offer to the next.
    accepted = tuple(sorted((item.id, item.uri) for item in media.rtp.headerExtensions if item.uri in known))
    identifiers = [identifier for identifier, _ in accepted]
    # One-byte form (RFC 8285 section 4.2).
    if len(set(identifiers)) != len(identifiers) or not all(1 <= identifier <= 14 for identifier in identifiers):
        raise _invalid("The offer's header extension ids are not usable.")
    return accepted


def _codecs(
    media: sdp.MediaDescription, terms: Terms, feedback: tuple[tuple[str, str | None], ...]
) -> tuple[Codec, ...]:
    accepted = []
    if media.kind == "audio":
        feedback = tuple(item for item in feedback if item == ("transport-cc", None))
    for wanted in terms.audio if media.kind == "audio" else terms.video:
        offered = next((codec for codec in media.rtp.codecs if _fits(codec, wanted)), None)
        if offered is None or offered.payloadType is None:
            continue
        asked = {(item.type, item.parameter) for item in offered.rtcpFeedback}
        accepted.append(
            Codec(
                name=offered.name,
                payload_type=offered.payloadType,
                clock_rate=offered.clockRate,
                channels=offered.channels,
                parameters=tuple(offered.parameters.items()),
                feedback=tuple(item for item in feedback if item in asked),
                rtx_payload_type=next(
                    (
                        codec.payloadType
                        for codec in media.rtp.codecs
                        if codec.name.lower() == "rtx" and codec.parameters.get("apt") == offered.payloadType
                    ),
                    None,
                ),
            )
        )
    if not accepted:
        raise _invalid(f"The offer has no {media.kind} codec that the relay knows.")
    numbers = [codec.payload_type for codec in accepted]
    numbers += [codec.rtx_payload_type for codec in accepted if codec.rtx_payload_type is not None]
    if len(set(numbers)) != len(numbers) or not all(0 <= number <= HIGHEST_PAYLOAD_TYPE for number in numbers):
        raise _invalid("The offer's payload types are not usable.")
    return tuple(accepted)


def _fits(codec: RTCRtpCodecParameters, wanted: str) -> bool:
    if codec.name.lower() != wanted.lower():
        return False
    if codec.clockRate != (48_000 if wanted == "opus" else 90_000):
        return False
    match wanted:
        case "opus":
            return bool(codec.channels == 2)
        case "H264":
            # Constrained baseline, non-interleaved: what every browser can do.
            profile = str(codec.parameters.get("profile-level-id", "")).lower()
            return codec.parameters.get("packetization-mode") == "1" and profile.startswith("42e0")
        case "VP9":
            return codec.parameters.get("profile-id", "0") == "0"
        case "AV1":
            return codec.parameters.get("profile", "0") == "0"
        case _:
            return True


def _announced(media: sdp.MediaDescription) -> tuple[int | None, int | None]:
    """The SSRC that the browser will send with, and that of its retransmissions."""
    for group in media.ssrc_group:
        if group.semantic == "FID" and len(group.items) == 2:
            return int(group.items[0]), int(group.items[1])
    return (media.ssrc[0].ssrc, None) if media.ssrc else (None, None)


def _check_streams(lines: Sequence[NegotiatedLine]) -> None:
    announced = [ssrc for line in lines for ssrc in (line.ssrc, line.rtx_ssrc) if ssrc is not None]
    if len(set(announced)) != len(announced) or not all(0 <= ssrc <= HIGHEST_SSRC for ssrc in announced):
        raise _invalid("The offer's SSRCs are not usable.")


def _section(
    media: sdp.MediaDescription, codecs: Sequence[Codec], extensions: Sequence[tuple[int, str]], direction: str
) -> sdp.MediaDescription:
    parameters = codec_parameters(media.kind, codecs)
    section = sdp.MediaDescription(media.kind, 9, media.profile, [item.payloadType for item in parameters])
    section.host = "0.0.0.0"  # noqa: S104 - "no default candidate", RFC 8840 section 4.2.1
    section.direction = direction
    section.rtp = RTCRtpParameters(
        codecs=parameters,
        headerExtensions=extension_parameters(extensions),
        muxId=media.rtp.muxId,
    )
    section.rtcp_port = 9
    section.rtcp_host = "0.0.0.0"  # noqa: S104 - as above
    section.rtcp_mux = True
    return section


def _hint_start_bitrate(section: sdp.MediaDescription) -> None:
    if section.kind == "video":
        for codec in section.rtp.codecs:
            if codec.name.lower() != "rtx":
                codec.parameters["x-google-start-bitrate"] = START_BITRATE_KBPS


def _limit(answer: str, terms: Terms) -> str:
    """Bound each video line (RFC 3890); `aiortc.sdp` has no words for it."""
    if terms.bitrate is None:
        return answer
    return _VIDEO_CONNECTION.sub(rf"\g<0>b=TIAS:{terms.bitrate}\r\n", answer)


def _announce(section: sdp.MediaDescription, slot: NegotiatedSlot) -> None:
    # The screen is a stream of its own: it must not be held back to fit the voice.
    stream = PARTNER_STREAM if slot.medium is not Medium.SCREEN else f"{PARTNER_STREAM}-screen"
    section.msid = f"{stream} {stream}-{slot.medium.value}"
    section.ssrc = [sdp.SsrcDescription(ssrc=slot.ssrc, cname=CNAME)]
    if any(codec.rtx_payload_type is not None for codec in slot.codecs):
        section.ssrc.append(sdp.SsrcDescription(ssrc=slot.rtx_ssrc, cname=CNAME))
        section.ssrc_group = [sdp.GroupDescription("FID", [slot.ssrc, slot.rtx_ssrc])]


def _secure(section: sdp.MediaDescription, identity: Identity, dtls_role: DtlsRole) -> None:
    section.ice = RTCIceParameters(usernameFragment=identity.ufrag, password=identity.password, iceLite=True)
    section.ice_candidates = candidates(identity.reach)
    section.ice_candidates_complete = True
    section.dtls = RTCDtlsParameters(
        fingerprints=[RTCDtlsFingerprint(item.algorithm, item.value) for item in identity.fingerprints],
        role=dtls_role.value,
    )
