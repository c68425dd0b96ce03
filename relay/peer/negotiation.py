"""One offer in, one answer out: the SDP rules of `decisions` 4, as pure functions. An offer is considered once, and
answered with what belongs to the connection that it turns out to be of.

Owns what the relay accepts from a browser and how it says so. It has no state, no clock and no
randomness; credentials and SSRCs are handed in. A section that can't be served is refused with port 0, and the others
are answered. An offer that contradicts itself, or of which nothing can be served, ends in
`RelayError(INVALID_OFFER)` with a sentence.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from aiortc import sdp

from relay.errors import ErrorCode, RelayError
from relay.observe.ignored import Ignored, LineKind, Why
from relay.peer.answer import accept, announce, hint_start_bitrate, limit, offer_candidates, refuse, secure
from relay.peer.candidates import Reach
from relay.peer.lines import (
    RECEIVED,
    SENT,
    Codec,
    DtlsRole,
    Fingerprint,
    Negotiated,
    NegotiatedLine,
    NegotiatedSlot,
)
from relay.peer.offer import Offer, OfferedCodec, Section, read
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

PROFILES = frozenset(
    {
        *("RTP/AVP", "RTP/AVPF", "RTP/SAVP", "RTP/SAVPF"),
        *("TCP/DTLS/RTP/SAVP", "TCP/DTLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF"),
    }
)
"""To be accepted (RFC 9429 section 5.1.2). Whatever it says, media goes by DTLS-SRTP alone: it takes a fingerprint."""

DIGESTS = frozenset({"sha-256", "sha-384", "sha-512"})

LONGEST_MID = 16
"""Bytes: what fits into a header extension of the one-byte form (RFC 8285 section 4.2)."""

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
class LocalEnd:
    """Our side of one connection."""

    ufrag: str
    password: str
    fingerprints: tuple[Fingerprint, ...]
    reach: Reach


@dataclass(frozen=True, slots=True)
class Proposal:
    """An offer that was read and found good. It can be answered."""

    offer: Offer
    roles: Mapping[str, Role]
    terms: Terms
    accepted: Mapping[str, Section]
    """By mid, in the order of the BUNDLE. The others are refused."""
    codecs: Mapping[str, tuple[Codec, ...]]
    extensions: Mapping[str, tuple[tuple[int, str], ...]]
    streams: Mapping[str, tuple[int | None, int | None]]
    fingerprints: tuple[Fingerprint, ...]
    """Of the browser's certificate."""
    remote: Credentials
    dtls_role: DtlsRole
    """Ours."""

    def answer(self, local_end: LocalEnd, ssrcs: Sequence[int]) -> Negotiated:
        """`ssrcs` are two for each slot: fresh random ones for a new connection, the same again where it goes on."""
        available = iter(ssrcs)
        own = Credentials(local_end.ufrag, local_end.password)
        lines: list[NegotiatedLine] = []
        slots: list[NegotiatedSlot] = []
        answer = sdp.SessionDescription()
        answer.origin = "- 1 1 IN IP4 0.0.0.0"
        if self.offer.bundles:
            answer.group = [sdp.GroupDescription("BUNDLE", list(self.accepted))]
        answer.msid_semantic = [sdp.GroupDescription("WMS", ["*"])]
        for offered in self.offer.sections:
            mid = offered.mid
            if mid not in self.accepted:
                answer.media.append(refuse(offered))
                continue
            role, codecs, extensions = self.roles[mid], self.codecs[mid], self.extensions[mid]
            if role in SENT:
                lines.append(NegotiatedLine(mid, SENT[role], codecs, extensions, *self.streams[mid]))
                answered = accept(offered, codecs, extensions, "recvonly")
                hint_start_bitrate(answered)
            else:
                slot = NegotiatedSlot(mid, RECEIVED[role], codecs, extensions, next(available), next(available))
                slots.append(slot)
                answered = accept(offered, codecs, extensions, "sendonly")
                announce(answered, slot)
            secure(answered, own, local_end.fingerprints, self.dtls_role)
            if mid == next(iter(self.accepted)):
                # The first of the BUNDLE speaks for all (RFC 9143 section 7.3.2).
                offer_candidates(answered, local_end.reach)
            answer.media.append(answered)
        bitrate = self.terms.bitrate
        return Negotiated(
            lines=tuple(lines),
            slots=tuple(slots),
            fingerprints=self.fingerprints,
            remote=self.remote,
            dtls_role=self.dtls_role,
            answer=str(answer) if bitrate is None else limit(str(answer), bitrate),
            refused=tuple(role for mid, role in self.roles.items() if mid not in self.accepted),
            ignored=self.offer.ignored,
        )


def consider(offer: str, roles: Mapping[str, Role], terms: Terms) -> Proposal:
    """Read a browser's offer.

    Args:
        offer: SDP (RFC 8866, RFC 9429) with one BUNDLE of the sections in `roles`.
        roles: mid of each section to what it carries.

    Raises:
        RelayError: INVALID_OFFER.
    """
    description = read(offer)
    ignored = description.ignored
    _check_roles(description, roles)
    bundle = _bundle(description, roles)
    codecs = {mid: _codecs(offered, roles[mid], terms, ignored) for mid, offered in bundle.items()}
    accepted = {mid: offered for mid, offered in bundle.items() if codecs[mid]}
    if not accepted:
        raise _invalid("The offer has no section with a profile and a codec that the relay knows.")
    fingerprints, remote, dtls_role = _check_security(accepted.values())
    return Proposal(
        offer=description,
        roles=roles,
        terms=terms,
        accepted=accepted,
        codecs=codecs,
        extensions=_extensions(accepted, roles, terms, ignored),
        streams=_streams(accepted, roles, ignored),
        fingerprints=fingerprints,
        remote=remote,
        dtls_role=dtls_role,
    )


def _invalid(sentence: str) -> RelayError:
    return RelayError(ErrorCode.INVALID_OFFER, sentence)


def _check_roles(offer: Offer, roles: Mapping[str, Role]) -> None:
    mids = [section.mid for section in offer.sections if section.mid]
    if len(set(mids)) != len(mids) or not roles.keys() <= set(mids):
        raise _invalid("Each mid in `lines` needs a section of the offer to itself.")
    if any(len(mid.encode()) > LONGEST_MID for mid in roles):
        raise _invalid("A mid of the offer is too long.")
    if len(set(roles.values())) != len(roles):
        raise _invalid("A role is given to more than one section.")


def _bundle(offer: Offer, roles: Mapping[str, Role]) -> dict[str, Section]:
    """The sections that go over one transport, by mid, in the order that the BUNDLE has them in. There is no other way
    to serve one."""
    live = {section.mid: section for section in offer.sections if section.mid in roles and not section.is_disabled}
    groups = offer.bundles or ([tuple(live)] if len(live) == 1 else [])
    if len(groups) != 1:
        raise _invalid("All sections need to be in one BUNDLE.")
    bundle = {mid: live[mid] for mid in groups[0] if mid in live}
    for mid, section in bundle.items():
        role = roles[mid]
        medium = SENT[role] if role in SENT else RECEIVED[role]
        if section.kind != medium.kind:
            raise _invalid(f"The section for {role.value} is not {medium.kind}.")
        if section.direction != _flow(role):
            raise _invalid(f"The section for {role.value} has the wrong direction.")
    return {mid: section for mid, section in bundle.items() if section.profile in PROFILES}


def _flow(role: Role) -> str:
    """The direction of its media, from where the offer stands."""
    return "sendonly" if role in SENT else "recvonly"


def _check_security(sections: Collection[Section]) -> tuple[tuple[Fingerprint, ...], Credentials, DtlsRole]:
    """The browser's certificate and ICE credentials, and our DTLS role. One section speaks for all, the first that says
    something (RFC 9143 section 7.1.3)."""
    said = [each.ends for each in sections]
    ends = next((each for each in said if each.is_complete), said[0])
    if not ends.rtcp_mux:
        raise _invalid("The offer needs rtcp-mux.")
    ours = {"actpass": DtlsRole.SERVER, "active": DtlsRole.SERVER, "passive": DtlsRole.CLIENT}.get(ends.setup or "")
    agree = all(
        set(each.fingerprints or ends.fingerprints) == set(ends.fingerprints)
        and (each.setup or ends.setup) == ends.setup
        for each in said
    )
    if ours is None or not agree:
        raise _invalid("The sections do not agree on a DTLS role and certificate fingerprint.")
    known = tuple(item for item in ends.fingerprints if item.algorithm in DIGESTS)
    if not known:
        raise _invalid("The offer has no certificate fingerprint that can be checked.")
    ufrag, password = ends.ufrag or "", ends.password or ""
    for text, shortest in ((ufrag, 4), (password, 22)):
        if not shortest <= len(text) <= 256 or not _ICE_CHARACTERS.fullmatch(text):
            raise _invalid("The offer's ICE credentials are not well-formed.")
    return known, Credentials(ufrag, password), ours


def _extensions(
    accepted: Mapping[str, Section], roles: Mapping[str, Role], terms: Terms, ignored: Ignored
) -> dict[str, tuple[tuple[int, str], ...]]:
    """What each section has of those that we know. In one BUNDLE an id means one thing (RFC 9143 section 9.2)."""
    meanings: dict[int, str] = {}
    agreed = {}
    for mid, section in accepted.items():
        role = roles[mid]
        known = EXTENSIONS[section.kind] + (terms.line_extensions if role in SENT else terms.slot_extensions)
        taken = []
        for identifier, uri, direction in section.extensions:
            if uri not in known or direction not in ("sendrecv", _flow(role)):
                ignored[LineKind.EXTENSION, Why.UNKNOWN] += 1
            elif meanings.setdefault(identifier, uri) != uri:
                ignored[LineKind.EXTENSION, Why.UNUSABLE] += 1
            else:
                taken.append((identifier, uri))
        # Their order means nothing, and Chromium changes it from one offer to the next.
        agreed[mid] = tuple(sorted(taken))
    return agreed


def _streams(
    accepted: Mapping[str, Section], roles: Mapping[str, Role], ignored: Ignored
) -> dict[str, tuple[int | None, int | None]]:
    """The SSRCs that each line announces. Of two lines with the same, one has to show by its MID which it is."""
    taken: set[int] = set()
    announced: dict[str, tuple[int | None, int | None]] = {}
    for mid, section in accepted.items():
        if roles[mid] not in SENT:
            continue
        ssrcs = {ssrc for ssrc in (section.ssrc, section.rtx_ssrc) if ssrc is not None}
        if ssrcs & taken:
            ignored[LineKind.SSRC, Why.UNUSABLE] += 1
            announced[mid] = None, None
        else:
            taken |= ssrcs
            announced[mid] = section.ssrc, section.rtx_ssrc
    return announced


def _codecs(section: Section, role: Role, terms: Terms, ignored: Ignored) -> tuple[Codec, ...]:
    """What we take of a section, in our order of preference; empty if that is nothing."""
    offered = section.codecs.values()
    feedback = terms.line_feedback if role in SENT else terms.slot_feedback
    if section.kind == "audio":
        feedback = tuple(item for item in feedback if item == ("transport-cc", None))
    accepted = []
    for wanted in terms.audio if section.kind == "audio" else terms.video:
        found = next((codec for codec in offered if _fits(codec, wanted)), None)
        if found is None:
            continue
        accepted.append(
            Codec(
                name=found.name,
                payload_type=found.payload_type,
                clock_rate=found.clock_rate,
                channels=found.channels,
                parameters=tuple(found.parameters.items()),
                feedback=tuple(item for item in feedback if found.asks_for(item)),
                rtx_payload_type=next(
                    (
                        codec.payload_type
                        for codec in offered
                        if codec.name.lower() == "rtx" and codec.parameter("apt") == str(found.payload_type)
                    ),
                    None,
                ),
            )
        )
    used = len(accepted) + sum(codec.rtx_payload_type is not None for codec in accepted)
    ignored[LineKind.CODEC, Why.UNKNOWN] += len(offered) - used
    return tuple(accepted)


def _fits(codec: OfferedCodec, wanted: str) -> bool:
    if codec.name.lower() != wanted.lower():
        return False
    if codec.clock_rate != (48_000 if wanted == "opus" else 90_000):
        return False
    match wanted:
        case "opus":
            return codec.channels == 2
        case "H264":
            # Constrained baseline, non-interleaved: what every browser can do.
            profile = (codec.parameter("profile-level-id") or "").lower()
            return codec.parameter("packetization-mode") == "1" and profile.startswith("42e0")
        case "VP9":
            return codec.parameter("profile-id") in (None, "0")
        case "AV1":
            return codec.parameter("profile") in (None, "0")
        case _:
            return True
