"""One offer in, one answer out: the SDP rules of `decisions` 4, as pure functions. An offer is considered once, and
answered with what belongs to the connection that it turns out to be of.

Owns what the relay accepts from a browser and how it says so. It has no state, no clock and no
randomness; credentials and SSRCs are handed in. What follows from what many browsers offer alike is decided once and
kept (`Plan`). A section that can't be served is refused with port 0, and the others
are answered. An offer that contradicts itself, or of which nothing can be served, ends in
`RelayError(INVALID_OFFER)` with a sentence.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from relay.errors import ErrorCode, RelayError
from relay.observe.ignored import Ignored, LineKind, Why
from relay.peer.answer import Draft, accept, announce, begin, offer_candidates, refuse, secure
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
from relay.peer.offer import Offer, OfferedCodec, Outline, Own, PassedOver, note, read
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


PLANS_KEPT = 64
"""As many as outlines of offers are: one longest unused is decided again."""


@dataclass(frozen=True, slots=True)
class Served:
    """A section that goes over the transport."""

    outline: Outline
    role: Role
    codecs: tuple[Codec, ...]
    extensions: tuple[tuple[int, str], ...]
    draft: Draft


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of an offer, as far as that is the same for all who offer the same."""

    begun: str
    """The answer up to its first section."""
    sections: tuple[Served | str, ...]
    """In the offer's order; one that is refused as the answer has it."""
    accepted: tuple[int, ...]
    """Where in `sections` those are that go over the transport, in the order of the BUNDLE."""
    refused: tuple[Role, ...]
    ignored: PassedOver


@dataclass(frozen=True, slots=True)
class Proposal:
    """An offer that was read and found good. It can be answered."""

    plan: Plan
    streams: Mapping[str, tuple[int | None, int | None]]
    fingerprints: tuple[Fingerprint, ...]
    """Of the browser's certificate."""
    remote: Credentials
    dtls_role: DtlsRole
    """Ours."""
    ignored: Ignored

    def answer(self, local_end: LocalEnd, ssrcs: Sequence[int]) -> Negotiated:
        """`ssrcs` are two for each slot: fresh random ones for a new connection, the same again where it goes on."""
        available = iter(ssrcs)
        own = Credentials(local_end.ufrag, local_end.password)
        end = secure(own, local_end.fingerprints, self.dtls_role)
        lines: list[NegotiatedLine] = []
        slots: list[NegotiatedSlot] = []
        written = [self.plan.begun]
        # The first of the BUNDLE speaks for all (RFC 9143 section 7.3.2).
        speaker = self.plan.accepted[0]
        for position, section in enumerate(self.plan.sections):
            if isinstance(section, str):
                written.append(section)
                continue
            mid, role = section.outline.mid, section.role
            written.append(section.draft.head)
            if role in SENT:
                ssrc, rtx_ssrc = self.streams[mid]
                lines.append(NegotiatedLine(mid, SENT[role], section.codecs, section.extensions, ssrc, rtx_ssrc))
            else:
                ours = next(available), next(available)
                slot = NegotiatedSlot(mid, RECEIVED[role], section.codecs, section.extensions, *ours)
                slots.append(slot)
                written.append(announce(slot))
            written.append(section.draft.tail)
            if position == speaker:
                written.append(offer_candidates(local_end.reach))
            written.append(end)
        return Negotiated(
            lines=tuple(lines),
            slots=tuple(slots),
            fingerprints=self.fingerprints,
            remote=self.remote,
            dtls_role=self.dtls_role,
            answer="".join(written),
            refused=self.plan.refused,
            ignored=self.ignored,
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
    plan = _plan(description.outlines, description.direction, description.bundles, tuple(roles.items()), terms)
    note(plan.ignored, description.ignored)
    fingerprints, remote, dtls_role = _check_security([description.own[position] for position in plan.accepted])
    return Proposal(
        plan=plan,
        streams=_streams(plan, description),
        fingerprints=fingerprints,
        remote=remote,
        dtls_role=dtls_role,
        ignored=description.ignored,
    )


@lru_cache(PLANS_KEPT)
def _plan(
    outlines: tuple[Outline, ...],
    direction: str,
    bundles: tuple[tuple[str, ...], ...],
    given: tuple[tuple[str, Role], ...],
    terms: Terms,
) -> Plan:
    """What becomes of these sections. `direction` is that of those that name none; `given` are the roles by mid.

    Raises:
        RelayError: INVALID_OFFER.
    """
    ignored = Ignored()
    roles = dict(given)
    _check_roles(outlines, roles)
    bundle = _bundle(outlines, direction, bundles, roles)
    codecs = {mid: _codecs(offered, roles[mid], terms, ignored) for mid, offered in bundle.items()}
    accepted = {mid: offered for mid, offered in bundle.items() if codecs[mid]}
    if not accepted:
        raise _invalid("The offer has no section with a profile and a codec that the relay knows.")
    extensions = _extensions(accepted, roles, terms, ignored)
    sections: list[Served | str] = []
    places = {}
    for position, offered in enumerate(outlines):
        mid = offered.mid
        if mid not in accepted:
            sections.append(refuse(offered))
            continue
        places[mid] = position
        role = roles[mid]
        draft = accept(offered, codecs[mid], extensions[mid], RECEIVED.get(role), terms.bitrate)
        sections.append(Served(offered, role, codecs[mid], extensions[mid], draft))
    return Plan(
        begun=begin(tuple(accepted) if bundles else None),
        sections=tuple(sections),
        accepted=tuple(places[mid] for mid in accepted),
        refused=tuple(role for mid, role in given if mid not in accepted),
        ignored=tuple(ignored.items()),
    )


def _invalid(sentence: str) -> RelayError:
    return RelayError(ErrorCode.INVALID_OFFER, sentence)


def _check_roles(outlines: Sequence[Outline], roles: Mapping[str, Role]) -> None:
    mids = [section.mid for section in outlines if section.mid]
    if len(set(mids)) != len(mids) or not roles.keys() <= set(mids):
        raise _invalid("Each mid in `lines` needs a section of the offer to itself.")
    if any(len(mid.encode()) > LONGEST_MID for mid in roles):
        raise _invalid("A mid of the offer is too long.")
    if len(set(roles.values())) != len(roles):
        raise _invalid("A role is given to more than one section.")


def _bundle(
    outlines: Sequence[Outline], direction: str, bundles: Sequence[tuple[str, ...]], roles: Mapping[str, Role]
) -> dict[str, Outline]:
    """The sections that go over one transport, by mid, in the order that the BUNDLE has them in. There is no other way
    to serve one."""
    live = {section.mid: section for section in outlines if section.mid in roles and not section.is_disabled}
    groups = bundles or ([tuple(live)] if len(live) == 1 else [])
    if len(groups) != 1:
        raise _invalid("All sections need to be in one BUNDLE.")
    bundle = {mid: live[mid] for mid in groups[0] if mid in live}
    for mid, section in bundle.items():
        role = roles[mid]
        medium = SENT[role] if role in SENT else RECEIVED[role]
        if section.kind != medium.kind:
            raise _invalid(f"The section for {role.value} is not {medium.kind}.")
        if (section.direction or direction) != _flow(role):
            raise _invalid(f"The section for {role.value} has the wrong direction.")
    return {mid: section for mid, section in bundle.items() if section.profile in PROFILES}


def _flow(role: Role) -> str:
    """The direction of its media, from where the offer stands."""
    return "sendonly" if role in SENT else "recvonly"


def _check_security(sections: Collection[Own]) -> tuple[tuple[Fingerprint, ...], Credentials, DtlsRole]:
    """The browser's certificate and ICE credentials, and our DTLS role. One section speaks for all, the first that says
    something (RFC 9143 section 7.1.3)."""
    said = [each.ends for each in sections]
    ends = next((each for each in said if each.is_complete), said[0])
    if not ends.rtcp_mux:
        raise _invalid("The offer needs rtcp-mux.")
    ours = {"actpass": DtlsRole.SERVER, "active": DtlsRole.SERVER, "passive": DtlsRole.CLIENT}.get(ends.setup or "")
    agree = all(
        each is ends
        or (
            set(each.fingerprints or ends.fingerprints) == set(ends.fingerprints)
            and (each.setup or ends.setup) == ends.setup
        )
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
    accepted: Mapping[str, Outline], roles: Mapping[str, Role], terms: Terms, ignored: Ignored
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


def _streams(plan: Plan, offer: Offer) -> dict[str, tuple[int | None, int | None]]:
    """The SSRCs that each line announces. Of two lines with the same, one has to show by its MID which it is."""
    taken: set[int] = set()
    announced: dict[str, tuple[int | None, int | None]] = {}
    for position in plan.accepted:
        section, own = plan.sections[position], offer.own[position]
        if isinstance(section, str) or section.role not in SENT:
            continue
        ssrcs = {ssrc for ssrc in (own.ssrc, own.rtx_ssrc) if ssrc is not None}
        if ssrcs & taken:
            offer.ignored[LineKind.SSRC, Why.UNUSABLE] += 1
            announced[section.outline.mid] = None, None
        else:
            taken |= ssrcs
            announced[section.outline.mid] = own.ssrc, own.rtx_ssrc
    return announced


def _codecs(section: Outline, role: Role, terms: Terms, ignored: Ignored) -> tuple[Codec, ...]:
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
