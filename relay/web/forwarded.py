"""What reverse proxies write about those they speak for: `X-Forwarded-For`, and `Forwarded` (RFC 7239).

Pure, and reads from the right: the right end is the nearest proxy's, the left end is whatever a visitor wrote. A line
that makes no sense further left therefore spoils nothing of what a proxy added to it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from relay.ledger.addresses import parse

MOST_HOPS = 32
"""Proxies in a row that are read; what is further left is left out."""

LONGEST_NODE = 64
"""Characters of an address with brackets and port: an IPv6 address has 45 at most."""

_PAIR = re.compile(r'[ \t]*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*))[ \t]*(?:;|\Z)')
_PORT = re.compile(r"\d{1,5}|_[\w.-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Hop:
    """What one proxy says of the request that it got. None is what it does not tell."""

    address: str | None
    scheme: str | None = None
    host: str | None = None


def hops_of_list(lines: Sequence[str]) -> Iterator[Hop]:
    """The entries of all lines of `X-Forwarded-For`, nearest first."""
    left = MOST_HOPS
    for line in reversed(lines):
        for entry in reversed(line.rsplit(",", left)[-left:] if left else ()):
            left -= 1
            yield Hop(node(entry))


def hops_of_elements(lines: Sequence[str]) -> Iterator[Hop]:
    """The elements of all lines of `Forwarded`, nearest first."""
    left = MOST_HOPS
    for line in reversed(lines):
        for element in _elements(line):
            if not left:
                return
            left -= 1
            yield _hop(element)


def node(text: str) -> str | None:
    """The address of `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:4711`, quoted or
    not. None for `unknown`, names that hide (`_x`) and nonsense."""
    text = text.strip(" \t").removeprefix('"').removesuffix('"')
    if len(text) > LONGEST_NODE or "%" in text:
        return None
    host, port = text, None
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")) or ":" not in host:
            return None
        port = rest[1:] if rest else None
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    if port is not None and not _PORT.fullmatch(port):
        return None
    try:
        return str(parse(host))
    except ValueError:
        return None


def _elements(line: str) -> Iterator[str]:
    """Split at the commas that are not within quotes, from the right."""
    end, quoted = len(line), False
    for place in range(len(line) - 1, -1, -1):
        character = line[place]
        if character == '"' and (not quoted or not _is_escaped(line, place)):
            quoted = not quoted
        elif character == "," and not quoted:
            yield line[place + 1 : end]
            end = place
    yield line[:end]


def _is_escaped(line: str, place: int) -> bool:
    return place > 0 and line[place - 1] == "\\"


def _hop(element: str) -> Hop:
    """One element; a hop that tells nothing if it is not wholly understood."""
    told: dict[str, str] = {}
    at = 0
    while at < len(element):
        pair = _PAIR.match(element, at)
        if pair is None or pair[1].lower() in told:
            return Hop(None)
        told[pair[1].lower()] = re.sub(r"\\(.)", r"\1", pair[2]) if pair[2] is not None else pair[3]
        at = pair.end()
    return Hop(node(told.get("for", "")), told.get("proto"), told.get("host"))
