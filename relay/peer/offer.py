"""Reads an offer: from SDP (RFC 8866) to what negotiation needs of it. Pure.

Owns which lines are read. One that nobody needs, or that can't be read, is passed over and counted: it never costs the
call. Only sections have to be found. Whether what they say is enough, negotiation decides.

The time is linear in the length of the offer, which the protocol's limits bound.
"""

import re
from dataclasses import dataclass, field

from relay.errors import ErrorCode, RelayError
from relay.observe.ignored import Ignored, LineKind, Why
from relay.peer.lines import Fingerprint

HIGHEST_PAYLOAD_TYPE = 127
RTCP_PACKET_TYPES = range(72, 77)
"""As payload types: on one port RTCP could not be told from them (RFC 5761 section 4)."""
HIGHEST_SSRC = 0xFFFF_FFFF
HIGHEST_EXTENSION_ID = 14
"""Of the one-byte form (RFC 8285 section 4.2), which is the one that we write."""

MOST_SECTIONS = 64
"""Six are of use; a client that recycles none adds to them with each offer."""

_TOKEN = re.compile(r"[\w!#$%&'*+.^`{|}~-]+", re.ASCII)
_PROFILE = re.compile(r"[\w/-]+", re.ASCII)
_PORT = re.compile(r"([0-9]{1,5})(?:/[0-9]{1,5})?")
_FINGERPRINT = re.compile(r"(\S+)[ \t]+([0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2})*)")
_EXTMAP = re.compile(r"([0-9]{1,5})(?:/(sendonly|recvonly|sendrecv|inactive))?[ \t]+(\S+)(?:[ \t].*)?")
_RTPMAP = re.compile(r"([0-9]{1,5})[ \t]+([^\s/]+)/([0-9]{1,9})(?:/([0-9]{1,3}))?")
_FMTP = re.compile(r"([0-9]{1,5})[ \t]+(.+)")
_FEEDBACK = re.compile(r"(\*|[0-9]{1,5})[ \t]+(\S+)(?:[ \t]+(.+))?")
_SSRC = re.compile(r"([0-9]{1,10})[ \t]+\S.*")
_NUMBER = re.compile(r"[0-9]{1,10}")
_PAYLOAD_TYPE = re.compile(r"[0-9]{1,3}")
_CANDIDATE = re.compile(r"\S+[ \t]+[0-9]+[ \t]+\S+[ \t]+[0-9]+[ \t]+\S+[ \t]+[0-9]+[ \t]+typ[ \t]+\S.*")

_DIRECTIONS = ("sendonly", "recvonly", "sendrecv", "inactive")

Feedback = tuple[str, str | None]


@dataclass(slots=True)
class OfferedCodec:
    """One payload type of a section."""

    payload_type: int
    name: str
    clock_rate: int
    channels: int | None
    """None for video."""
    parameters: dict[str, str | None] = field(default_factory=dict)
    feedback: set[Feedback] = field(default_factory=set)
    of_all: set[Feedback] = field(default_factory=set)
    """Feedback that the section asks for whatever its payload types."""

    def asks_for(self, feedback: Feedback) -> bool:
        return feedback in self.feedback or feedback in self.of_all

    def parameter(self, name: str) -> str | None:
        """Its value; names are written in either case (RFC 4855 section 3)."""
        return next((value for key, value in self.parameters.items() if key.lower() == name), None)


@dataclass(frozen=True, slots=True)
class Ends:
    """Where and by which keys a section's media goes: ICE and DTLS. In a BUNDLE only the first section needs to say so
    (RFC 9143 section 7.1.3)."""

    ufrag: str | None
    password: str | None
    fingerprints: tuple[Fingerprint, ...]
    setup: str | None
    rtcp_mux: bool

    @property
    def is_complete(self) -> bool:
        return bool(self.ufrag and self.password and self.fingerprints and self.setup)


_UNSAID = Ends(ufrag=None, password=None, fingerprints=(), setup=None, rtcp_mux=False)


@dataclass(slots=True)
class Section:
    """One m= line and what follows."""

    kind: str
    port: int
    profile: str
    formats: tuple[str, ...]
    mid: str
    """Empty if it has none."""
    direction: str
    bundle_only: bool
    ends: Ends
    codecs: dict[int, OfferedCodec]
    """By payload type, in the offer's order of preference."""
    extensions: tuple[tuple[int, str, str], ...]
    """(id, URI, direction) of each header extension whose id can be used."""
    ssrc: int | None
    rtx_ssrc: int | None

    @property
    def is_disabled(self) -> bool:
        """Whether the offer itself has no use for it (RFC 9429 section 5.2.2)."""
        return self.port == 0 and not self.bundle_only


@dataclass(frozen=True, slots=True)
class Offer:
    sections: tuple[Section, ...]
    bundles: tuple[tuple[str, ...], ...]
    """The mids of each BUNDLE group."""
    ignored: Ignored


class _Attributes:
    """The a= lines of the session or of one section."""

    def __init__(self, lines: list[str]) -> None:
        self._values: dict[str, list[str]] = {}
        for line in lines:
            if line.startswith("a="):
                name, _, value = line[2:].partition(":")
                self._values.setdefault(name, []).append(value.strip())

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def all(self, name: str) -> list[str]:
        return self._values.get(name, [])

    def last(self, name: str) -> str | None:
        return self._values[name][-1] if name in self._values else None

    def direction(self) -> str | None:
        return next((name for name in _DIRECTIONS if name in self._values), None)


def read(text: str) -> Offer:
    """Read an offer.

    Raises:
        RelayError: INVALID_OFFER; its sections can't be made out.
    """
    ignored = Ignored()
    first, *parts = _parts(text)
    if not parts:
        raise _unreadable("The offer has no media.")
    if len(parts) > MOST_SECTIONS:
        raise _unreadable("The offer has too many sections.")
    session = _Attributes(first)
    ends = _ends(session, _UNSAID, ignored)
    bundles = []
    for value in session.all("group"):
        semantics, *mids = value.split() or [""]
        if semantics == "BUNDLE":
            bundles.append(tuple(mids))
        else:
            ignored[LineKind.GROUP, Why.UNKNOWN if semantics else Why.MALFORMED] += 1
    sections = tuple(_section(lines, ends, session.direction(), ignored) for lines in parts)
    return Offer(sections, tuple(bundles), ignored)


def _parts(text: str) -> list[list[str]]:
    """The session's lines, then those of each section."""
    parts: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.startswith("m="):
            parts.append([])
        parts[-1].append(line.rstrip())
    return parts


def _unreadable(sentence: str) -> RelayError:
    return RelayError(ErrorCode.INVALID_OFFER, sentence)


def _section(lines: list[str], session: Ends, direction: str | None, ignored: Ignored) -> Section:
    kind, port, profile, *rest = [*lines[0].removeprefix("m=").split(), "", "", ""]
    formats = [each for each in rest if _TOKEN.fullmatch(each)]
    number = _PORT.fullmatch(port)
    if not (_TOKEN.fullmatch(kind) and number and _PROFILE.fullmatch(profile) and formats):
        raise _unreadable("The offer is not readable as SDP: an m= line is malformed.")
    own = _Attributes(lines[1:])
    codecs = _codecs(kind, formats, own, ignored) if kind in ("audio", "video") else {}
    ssrc, rtx_ssrc = _streams(own, ignored)
    for value in own.all("candidate"):
        # An ICE-lite agent has no use for them (RFC 8445 section 2.5).
        if not _CANDIDATE.fullmatch(value):
            ignored[LineKind.CANDIDATE, Why.MALFORMED] += 1
    return Section(
        kind=kind,
        port=int(number[1]),
        profile=profile,
        formats=tuple(formats),
        mid=own.last("mid") or "",
        direction=own.direction() or direction or "sendrecv",
        bundle_only="bundle-only" in own,
        ends=_ends(own, session, ignored),
        codecs=codecs,
        extensions=_extensions(own, ignored),
        ssrc=ssrc,
        rtx_ssrc=rtx_ssrc,
    )


def _ends(own: _Attributes, session: Ends, ignored: Ignored) -> Ends:
    """A section's own word counts, and the session's where it has none (RFC 8839 section 5.4, RFC 8122 section 5)."""
    fingerprints = []
    for value in own.all("fingerprint"):
        if found := _FINGERPRINT.fullmatch(value):
            fingerprints.append(Fingerprint(found[1].lower(), found[2].upper()))
        else:
            ignored[LineKind.FINGERPRINT, Why.MALFORMED] += 1
    return Ends(
        ufrag=own.last("ice-ufrag") or session.ufrag,
        password=own.last("ice-pwd") or session.password,
        fingerprints=tuple(fingerprints) or session.fingerprints,
        setup=own.last("setup") or session.setup,
        rtcp_mux="rtcp-mux" in own or "rtcp-mux-only" in own,
    )


def _extensions(own: _Attributes, ignored: Ignored) -> tuple[tuple[int, str, str], ...]:
    """Each URI once. An id that stands for two of them says nothing."""
    meanings: dict[int, set[str]] = {}
    offered: dict[str, tuple[int, str, str]] = {}
    for value in own.all("extmap"):
        found = _EXTMAP.fullmatch(value)
        if found is None:
            ignored[LineKind.EXTENSION, Why.MALFORMED] += 1
            continue
        identifier, uri = int(found[1]), found[3]
        meanings.setdefault(identifier, set()).add(uri)
        if uri in offered or not 1 <= identifier <= HIGHEST_EXTENSION_ID:
            ignored[LineKind.EXTENSION, Why.UNUSABLE] += 1
        else:
            offered[uri] = identifier, uri, found[2] or "sendrecv"
    clear = tuple(item for item in offered.values() if len(meanings[item[0]]) == 1)
    ignored[LineKind.EXTENSION, Why.UNUSABLE] += len(offered) - len(clear)
    return clear


def _codecs(kind: str, formats: list[str], own: _Attributes, ignored: Ignored) -> dict[int, OfferedCodec]:
    described: dict[int, OfferedCodec] = {}
    for value in own.all("rtpmap"):
        found = _RTPMAP.fullmatch(value)
        if found is None:
            ignored[LineKind.CODEC, Why.MALFORMED] += 1
            continue
        number = int(found[1])
        if number > HIGHEST_PAYLOAD_TYPE or number in RTCP_PACKET_TYPES or number in described:
            ignored[LineKind.CODEC, Why.UNUSABLE] += 1
            continue
        channels = int(found[4] or 1) if kind == "audio" else None
        described[number] = OfferedCodec(number, found[2], int(found[3]), channels)
    named = [int(each) for each in formats if _PAYLOAD_TYPE.fullmatch(each)]
    codecs = {number: described[number] for number in named if number in described}
    ignored[LineKind.CODEC, Why.UNUSABLE] += len(described) - len(codecs)
    _describe(codecs, own, ignored)
    _add_feedback(codecs, own, ignored)
    return codecs


def _describe(codecs: dict[int, OfferedCodec], own: _Attributes, ignored: Ignored) -> None:
    # Firefox writes these lines before the codecs that they are about.
    for value in own.all("fmtp"):
        found = _FMTP.fullmatch(value)
        codec = codecs.get(int(found[1])) if found else None
        if found is None or codec is None:
            ignored[LineKind.FMTP, Why.UNUSABLE if found else Why.MALFORMED] += 1
            continue
        for part in found[2].split(";"):
            name, separator, content = part.partition("=")
            if name.strip():
                codec.parameters[name.strip()] = content.strip() if separator else None


def _add_feedback(codecs: dict[int, OfferedCodec], own: _Attributes, ignored: Ignored) -> None:
    of_all: set[Feedback] = set()
    for value in own.all("rtcp-fb"):
        found = _FEEDBACK.fullmatch(value)
        if found is None:
            ignored[LineKind.FEEDBACK, Why.MALFORMED] += 1
        elif found[1] == "*":
            of_all.add((found[2], found[3]))
        elif (codec := codecs.get(int(found[1]))) is not None:
            codec.feedback.add((found[2], found[3]))
        else:
            ignored[LineKind.FEEDBACK, Why.UNUSABLE] += 1
    for codec in codecs.values():
        codec.of_all = of_all


def _streams(own: _Attributes, ignored: Ignored) -> tuple[int | None, int | None]:
    """The SSRC that will be sent with, and that of its retransmissions."""
    announced: list[int] = []
    for value in own.all("ssrc"):
        found = _SSRC.fullmatch(value)
        if found is None or int(found[1]) > HIGHEST_SSRC:
            ignored[LineKind.SSRC, Why.MALFORMED] += 1
        else:
            announced.append(int(found[1]))
    for value in own.all("ssrc-group"):
        semantics, *rest = value.split() or [""]
        numbers = [int(each) for each in rest if _NUMBER.fullmatch(each)]
        if semantics and semantics != "FID":
            ignored[LineKind.SSRC, Why.UNKNOWN] += 1
        elif len(numbers) == len(rest) == len(set(numbers)) == 2 and max(numbers) <= HIGHEST_SSRC:
            return numbers[0], numbers[1]
        else:
            ignored[LineKind.SSRC, Why.MALFORMED] += 1
    return (announced[0] if announced else None), None
