"""Reads an offer: from SDP (RFC 8866) to what negotiation needs of it. Pure.

Owns which lines are read. One that nobody needs, or that can't be read, is passed over and counted: it never costs the
call. Only sections have to be found. Whether what they say is enough, negotiation decides.

Browsers of one version say the same but for a few lines: credentials, fingerprints, SSRCs and candidates. What is the
same for all is read once and kept (`Outline`); what is somebody's own is read each time, and kept for nobody.

The time is linear in the length of the offer, which the protocol's limits bound.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

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

OUTLINES_KEPT = 64
"""Kinds of offers: one for each browser, version and codec of the hardware. The one longest unused is forgotten, so who
invents many costs others what reading takes."""

LONGEST_OUTLINE = 32 * 1024
"""Characters of one that is kept; the longest of browsers have 18,000. All that are kept take 20 MiB at most."""

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

PassedOver = tuple[tuple[tuple[LineKind, Why], int], ...]
"""Kinds of lines, and how many of each."""


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


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """One m= line and what follows, without what is somebody's own. Shared by all who offer the same; one is equal to
    nothing but itself."""

    kind: str
    port: int
    profile: str
    formats: tuple[str, ...]
    mid: str
    """Empty if it has none."""
    direction: str | None
    """None: as the session has it."""
    bundle_only: bool
    setup: str | None
    rtcp_mux: bool
    codecs: dict[int, OfferedCodec]
    """By payload type, in the offer's order of preference."""
    extensions: tuple[tuple[int, str, str], ...]
    """(id, URI, direction) of each header extension whose id can be used."""

    @property
    def is_disabled(self) -> bool:
        """Whether the offer itself has no use for it (RFC 9429 section 5.2.2)."""
        return self.port == 0 and not self.bundle_only


@dataclass(frozen=True, slots=True)
class Own:
    """What somebody's section says of them alone."""

    ends: Ends
    ssrc: int | None
    rtx_ssrc: int | None


@dataclass(frozen=True, slots=True)
class Offer:
    outlines: tuple[Outline, ...]
    own: tuple[Own, ...]
    """Of each section, in the same order."""
    direction: str
    """Of the sections that name none."""
    bundles: tuple[tuple[str, ...], ...]
    """The mids of each BUNDLE group."""
    ignored: Ignored


class _Attributes:
    """The a= lines of the session or of one section."""

    def __init__(self, lines: list[str]) -> None:
        self._values: dict[str, list[str]] = {}
        for line in lines:
            if line.startswith("a="):
                name, _, value = line[2:].rstrip().partition(":")
                self._values.setdefault(name, []).append(value.strip())

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def all(self, name: str) -> list[str]:
        return self._values.get(name, [])

    def last(self, name: str) -> str | None:
        return self._values[name][-1] if name in self._values else None

    def direction(self) -> str | None:
        return next((name for name in _DIRECTIONS if name in self._values), None)


_Words = dict[str, list[str]]
"""Values of somebody's own lines, by attribute."""

_OWN = frozenset({"a=ice-ufrag", "a=ice-pwd", "a=fingerprint", "a=ssrc", "a=ssrc-group", "a=candidate"})
_OWN_BEGINNINGS = frozenset(each[:6] for each in _OWN)
_USUAL_BEGINNINGS = frozenset({"a=rtpm", "a=rtcp", "a=fmtp", "a=extm"})
"""Of four lines in five, which are nobody's own."""
_UNREAD_BEGINNINGS = frozenset({"a=msid", "c=IN I"})
"""Of lines that differ from person to person, and are not read."""


def read(text: str) -> Offer:
    """Read an offer.

    Raises:
        RelayError: INVALID_OFFER; its sections can't be made out.
    """
    ignored = Ignored()
    first, common, words = _told_apart(text)
    if not words:
        raise _unreadable("The offer has no media.")
    if len(words) > MOST_SECTIONS:
        raise _unreadable("The offer has too many sections.")
    session = _Attributes(first)
    bundles = []
    for value in session.all("group"):
        semantics, *mids = value.split() or [""]
        if semantics == "BUNDLE":
            bundles.append(tuple(mids))
        else:
            ignored[LineKind.GROUP, Why.UNKNOWN if semantics else Why.MALFORMED] += 1
    outlines, passed_over = (_outlines if len(common) <= LONGEST_OUTLINE else _outlines.__wrapped__)(common)
    note(passed_over, ignored)
    own = _own(outlines, words, session, ignored)
    return Offer(outlines, own, session.direction() or "sendrecv", tuple(bundles), ignored)


def note(counts: PassedOver, ignored: Ignored) -> None:
    """Add to what was passed over."""
    for line, count in counts:
        ignored[line] += count


def _told_apart(text: str) -> tuple[list[str], str, list[_Words]]:
    """The session's lines; those of all sections that are not somebody's own; and what each section's own say."""
    session: list[str] = []
    sections: list[str] = []
    own: _Words = {}
    words: list[_Words] = []
    keep = session.append
    for line in text.splitlines():
        beginning = line[:6]
        if beginning in _USUAL_BEGINNINGS:
            keep(line)
        elif beginning[:2] == "m=":
            own = {}
            words.append(own)
            keep = sections.append
            keep(line)
        elif beginning in _OWN_BEGINNINGS and words:
            name, _, value = line.rstrip().partition(":")
            if name in _OWN:
                own.setdefault(name, []).append(value.strip())
        elif beginning not in _UNREAD_BEGINNINGS:
            keep(line)
    return session, "\n".join(sections), words


@lru_cache(OUTLINES_KEPT)
def _outlines(common: str) -> tuple[tuple[Outline, ...], PassedOver]:
    """Of each section, and what of them all was passed over."""
    parts: list[list[str]] = []
    for line in common.split("\n"):
        if line.startswith("m="):
            parts.append([])
        parts[-1].append(line)
    ignored = Ignored()
    outlines = tuple(_outline(lines, ignored) for lines in parts)
    return outlines, tuple(ignored.items())


def _unreadable(sentence: str) -> RelayError:
    return RelayError(ErrorCode.INVALID_OFFER, sentence)


def _outline(lines: list[str], ignored: Ignored) -> Outline:
    kind, port, profile, *rest = [*lines[0].removeprefix("m=").split(), "", "", ""]
    formats = [each for each in rest if _TOKEN.fullmatch(each)]
    number = _PORT.fullmatch(port)
    if not (_TOKEN.fullmatch(kind) and number and _PROFILE.fullmatch(profile) and formats):
        raise _unreadable("The offer is not readable as SDP: an m= line is malformed.")
    said = _Attributes(lines[1:])
    return Outline(
        kind=kind,
        port=int(number[1]),
        profile=profile,
        formats=tuple(formats),
        mid=said.last("mid") or "",
        direction=said.direction(),
        bundle_only="bundle-only" in said,
        setup=said.last("setup"),
        rtcp_mux="rtcp-mux" in said or "rtcp-mux-only" in said,
        codecs=_codecs(kind, formats, said, ignored) if kind in ("audio", "video") else {},
        extensions=_extensions(said, ignored),
    )


def _own(
    outlines: Sequence[Outline], words: Sequence[_Words], session: _Attributes, ignored: Ignored
) -> tuple[Own, ...]:
    of_session, malformed = _fingerprints(session.all("fingerprint"))
    default = Ends(
        ufrag=session.last("ice-ufrag"),
        password=session.last("ice-pwd"),
        fingerprints=of_session,
        setup=session.last("setup"),
        rtcp_mux=False,
    )
    ends, said = default, None
    found = []
    for outline, own in zip(outlines, words, strict=True):
        says = own.get("a=ice-ufrag"), own.get("a=ice-pwd"), own.get("a=fingerprint"), outline.setup, outline.rtcp_mux
        if says != said:
            # Most say the same in each section.
            said = says
            ends, spoiled = _ends(own, outline, default)
        malformed += spoiled
        for value in own.get("a=candidate", ()):
            # An ICE-lite agent has no use for them (RFC 8445 section 2.5).
            if not _CANDIDATE.fullmatch(value):
                ignored[LineKind.CANDIDATE, Why.MALFORMED] += 1
        found.append(Own(ends, *_streams(own, ignored)))
    if malformed:
        ignored[LineKind.FINGERPRINT, Why.MALFORMED] += malformed
    return tuple(found)


def _ends(own: _Words, outline: Outline, session: Ends) -> tuple[Ends, int]:
    """A section's own word counts, and the session's where it has none (RFC 8839 section 5.4, RFC 8122 section 5). And
    how many fingerprints can't be read."""
    fingerprints, malformed = _fingerprints(own.get("a=fingerprint", ()))
    ends = Ends(
        ufrag=own.get("a=ice-ufrag", ("",))[-1] or session.ufrag,
        password=own.get("a=ice-pwd", ("",))[-1] or session.password,
        fingerprints=fingerprints or session.fingerprints,
        setup=outline.setup or session.setup,
        rtcp_mux=outline.rtcp_mux,
    )
    return ends, malformed


def _fingerprints(written: Sequence[str]) -> tuple[tuple[Fingerprint, ...], int]:
    """Those that can be read, and how many can't."""
    found = [match for match in map(_FINGERPRINT.fullmatch, written) if match]
    return tuple(Fingerprint(each[1].lower(), each[2].upper()) for each in found), len(written) - len(found)


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


def _streams(own: _Words, ignored: Ignored) -> tuple[int | None, int | None]:
    """The SSRC that will be sent with, and that of its retransmissions."""
    announced: list[int] = []
    for value in own.get("a=ssrc", ()):
        found = _SSRC.fullmatch(value)
        if found is None or int(found[1]) > HIGHEST_SSRC:
            ignored[LineKind.SSRC, Why.MALFORMED] += 1
        else:
            announced.append(int(found[1]))
    for value in own.get("a=ssrc-group", ()):
        semantics, *rest = value.split() or [""]
        numbers = [int(each) for each in rest if _NUMBER.fullmatch(each)]
        if semantics and semantics != "FID":
            ignored[LineKind.SSRC, Why.UNKNOWN] += 1
        elif len(numbers) == len(rest) == len(set(numbers)) == 2 and max(numbers) <= HIGHEST_SSRC:
            return numbers[0], numbers[1]
        else:
            ignored[LineKind.SSRC, Why.MALFORMED] += 1
    return (announced[0] if announced else None), None
