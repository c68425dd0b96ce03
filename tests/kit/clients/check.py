"""Whether an answer is a sane one to its offer.

Reads both by itself: what the relay reads with is what is to be checked.
"""

import re
from collections import Counter
from dataclasses import dataclass

from tests.kit.clients.shape import Shape

REVERSED = {"sendonly": "recvonly", "recvonly": "sendonly"}
SETUPS = {"actpass": {"active", "passive"}, "active": {"passive"}, "passive": {"active"}}
LONGEST = 16_384
"""Bytes that an answer with two addresses has at most."""


@dataclass(frozen=True)
class _Section:
    kind: str
    port: int
    profile: str
    formats: tuple[str, ...]
    lines: tuple[str, ...]

    def all(self, name: str) -> list[str]:
        return [line.partition(":")[2].strip() for line in self.lines if re.match(rf"a={name}(:|$)", line)]

    def one(self, name: str) -> str:
        found = self.all(name)
        assert len(found) == 1, (name, found)
        return found[0]

    @property
    def mid(self) -> str:
        return self.one("mid")

    @property
    def direction(self) -> str:
        (found,) = (line[2:] for line in self.lines if line in ("a=sendonly", "a=recvonly", "a=sendrecv", "a=inactive"))
        return found

    def codecs(self) -> dict[str, str]:
        """Name and clock in lower case, by payload type; the first line about one counts."""
        found: dict[str, str] = {}
        for value in self.all("rtpmap"):
            number, _, codec = value.partition(" ")
            found.setdefault(number, codec.lower())
        return found

    def parameters(self, payload_type: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for value in self.all("fmtp"):
            number, _, rest = value.partition(" ")
            if number == payload_type:
                parts = [part.partition("=") for part in rest.split(";") if part.strip()]
                found |= {name.strip().lower(): content.strip().lower() for name, _, content in parts}
        return found


def _parsed(text: str) -> tuple[list[str], list[_Section]]:
    session, *rest = re.split(r"(?m)^m=", text)
    sections = []
    for part in rest:
        first, *lines = (line.rstrip() for line in part.splitlines() if line.strip())
        kind, port, profile, *formats = first.split()
        sections.append(_Section(kind, int(port), profile, tuple(formats), tuple(lines)))
    return [line.strip() for line in session.splitlines()], sections


def _bundle(session: list[str]) -> list[str]:
    found = [line.split()[1:] for line in session if line.startswith("a=group:BUNDLE")]
    assert len(found) <= 1
    return found[0] if found else []


def check(shape: Shape, answer: str) -> None:
    """Every rule, on every section."""
    assert len(answer) <= LONGEST
    assert re.fullmatch(r"([a-z]=[^\r\n\x00-\x08]*\r\n)+", answer)
    asked, offered = _parsed(shape.offer)
    said, answered = _parsed(answer)
    assert [line[:2] for line in said if line][:4] == ["v=", "o=", "s=", "t="]
    assert "a=ice-lite" in said
    assert [(each.kind, each.profile, each.mid) for each in answered] == [
        (each.kind, each.profile, each.mid) for each in offered
    ]
    refused = {each.mid for each in answered if each.port == 0}
    assert refused == set(shape.refused)
    served = [pair for pair in zip(offered, answered, strict=True) if pair[1].mid not in refused]
    mids = {theirs.mid for theirs, _ in served}
    bundle = _bundle(said)
    assert bundle == [mid for mid in _bundle(asked) if mid in mids]
    tagged = bundle[0] if bundle else served[0][0].mid
    setup = (
        next(value for theirs in offered for value in theirs.all("setup"))
        if any(theirs.all("setup") for theirs in offered)
        else next(line[8:] for line in asked if line.startswith("a=setup:"))
    )
    meanings: dict[str, str] = {}
    for theirs, ours in served:
        _check_ends(ours, setup, is_tagged=ours.mid == tagged)
        assert ours.direction == REVERSED[theirs.direction]
        _check_codecs(theirs, ours)
        _check_extensions(theirs, ours, meanings)
        names = {number: codec.split("/")[0] for number, codec in ours.codecs().items()}
        rtx = {ours.parameters(number)["apt"] for number, name in names.items() if name == "rtx"}
        if ours.kind == "video":
            told = [name.upper() + "+" * (number in rtx) for number, name in names.items() if name != "rtx"]
            assert " ".join(told) == shape.video
        else:
            assert list(names.values()) == ["opus"]
    _check_streams([ours for _, ours in served])
    for ours in answered:
        if ours.port == 0:
            assert ours.direction == "inactive"
            assert not any(ours.all(name) for name in ("rtpmap", "candidate", "ssrc", "extmap", "ice-ufrag"))
    amount = sum(len(ours.all("extmap")) for _, ours in served)
    assert amount > 0 if shape.extensions is None else amount == shape.extensions


def _check_ends(ours: _Section, setup: str, *, is_tagged: bool) -> None:
    assert ours.port > 0
    assert len(ours.one("ice-ufrag")) >= 4
    assert len(ours.one("ice-pwd")) >= 22
    assert ours.one("fingerprint").startswith("sha-256 ")
    assert ours.one("setup") in SETUPS[setup]
    assert "a=rtcp-mux" in ours.lines
    assert bool(ours.all("candidate")) == is_tagged == ("a=end-of-candidates" in ours.lines)


def _check_codecs(theirs: _Section, ours: _Section) -> None:
    known = theirs.codecs()
    assert set(ours.formats) <= set(theirs.formats)
    assert set(ours.formats) == set(ours.codecs())
    assert max(Counter(ours.formats).values()) == 1
    for number, codec in ours.codecs().items():
        assert known[number] == codec
        parameters = ours.parameters(number)
        assert {key: value for key, value in parameters.items() if not key.startswith("x-google")}.items() <= (
            theirs.parameters(number).items()
        )
        if codec.startswith("rtx"):
            assert parameters["apt"] in ours.formats
        if codec.startswith("h264"):
            assert parameters["packetization-mode"] == "1"
            assert parameters["profile-level-id"].startswith("42e0")
    wanted = set(theirs.all("rtcp-fb"))
    for feedback in ours.all("rtcp-fb"):
        _, _, kind = feedback.partition(" ")
        assert {feedback, f"* {kind}"} & wanted


def _check_extensions(theirs: _Section, ours: _Section, meanings: dict[str, str]) -> None:
    wanted = {}
    for value in theirs.all("extmap"):
        number, *rest = value.split()
        if rest:
            wanted[number.partition("/")[0], rest[0]] = number.partition("/")[2]
    numbers = []
    for value in ours.all("extmap"):
        number, uri = value.split()
        assert wanted[number, uri] in ("", "sendrecv", theirs.direction)
        assert 1 <= int(number) <= 14
        assert meanings.setdefault(number, uri) == uri
        numbers.append(number)
    assert len(set(numbers)) == len(numbers)


def _check_streams(served: list[_Section]) -> None:
    numbers = []
    for ours in served:
        own = {value.split()[0] for value in ours.all("ssrc")}
        assert bool(own) == (ours.direction == "sendonly") == bool(ours.all("msid"))
        grouped = {number for value in ours.all("ssrc-group") for number in value.split()[1:]}
        assert grouped <= own
        numbers += sorted(own)
    assert len(set(numbers)) == len(numbers)
