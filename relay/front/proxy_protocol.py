"""The PROXY protocol, versions 1 and 2: with it a proxy that passes bytes on says whose connection they are.

Pure: looks at the first bytes of a connection, and says how long the header is and whom it names. TCP over IPv4 and
IPv6 only. What version 2 may carry besides the addresses is skipped unread.
"""

import ipaddress
import re
from dataclasses import dataclass
from enum import Enum

LONGEST_V1 = 107
"""Bytes with the line's end, by the specification (section 2.1)."""

LONGEST_V2 = 16 + 1_024
"""Bytes in all. Addresses take 36 of them, and what else proxies send (names of hosts and certificates) rarely 300."""

BEGIN_V1 = b"PROXY "
SIGNATURE_V2 = b"\r\n\r\n\0\r\nQUIT\n"

_FIXED = len(SIGNATURE_V2) + 4
_LINE = re.compile(rb"PROXY (TCP4|TCP6) ([0-9a-fA-F:.]+) ([0-9a-fA-F:.]+) (0|[1-9]\d{0,4}) (0|[1-9]\d{0,4})\r\n")
_FAMILIES: dict[int, int] = {0x11: 4, 0x21: 16}
"""Bytes of an address, by family and transport: TCP over IPv4, TCP over IPv6."""
_UNSPECIFIED = 0x00
_LOCAL, _PROXY = 0x20, 0x21


class Verdict(Enum):
    """What there is instead of a header."""

    NEEDS_MORE = "needs more"
    ABSENT = "absent"
    MALFORMED = "malformed"


@dataclass(frozen=True, slots=True)
class Header:
    """A whole header: what follows it begins at `length`."""

    length: int
    source: tuple[str, int] | None
    """Address and port of whose connection it is; None if the proxy speaks for itself, or does not know."""


def read(begin: bytes) -> Header | Verdict:
    """Judge the first bytes of a connection. What is judged `NEEDS_MORE` is shorter than `LONGEST_V2`."""
    if begin[: len(SIGNATURE_V2)] == SIGNATURE_V2[: len(begin)]:
        return _read_v2(begin)
    if begin[: len(BEGIN_V1)] == BEGIN_V1[: len(begin)]:
        return _read_v1(begin)
    return Verdict.ABSENT


def _read_v1(begin: bytes) -> Header | Verdict:
    end = begin.find(b"\n", 0, LONGEST_V1) + 1
    if not end:
        return Verdict.NEEDS_MORE if len(begin) < LONGEST_V1 else Verdict.MALFORMED
    line = begin[:end]
    if line.startswith(b"PROXY UNKNOWN") and line.endswith(b"\r\n") and line[13:14] in (b" ", b"\r"):
        return Header(end, None)
    found = _LINE.fullmatch(line)
    if found is None:
        return Verdict.MALFORMED
    family = ipaddress.IPv4Address if found[1] == b"TCP4" else ipaddress.IPv6Address
    try:
        source, _ = family(found[2].decode()), family(found[3].decode())
    except ValueError:
        return Verdict.MALFORMED
    ports = int(found[4]), int(found[5])
    return Header(end, (str(source), ports[0])) if max(ports) < 1 << 16 else Verdict.MALFORMED


def _read_v2(begin: bytes) -> Header | Verdict:
    if len(begin) < _FIXED:
        return Verdict.NEEDS_MORE
    command, family = begin[12], begin[13]
    length = _FIXED + int.from_bytes(begin[14:16], "big")
    size = _FAMILIES.get(family)
    if command not in (_LOCAL, _PROXY) or length > LONGEST_V2:
        return Verdict.MALFORMED
    names_nobody = command == _LOCAL or family == _UNSPECIFIED
    if not names_nobody and (size is None or length < _FIXED + 2 * size + 4):
        return Verdict.MALFORMED
    if len(begin) < length:
        return Verdict.NEEDS_MORE
    if names_nobody or size is None:
        return Header(length, None)
    ports = _FIXED + 2 * size
    source = ipaddress.ip_address(begin[_FIXED : _FIXED + size])
    return Header(length, (str(source), int.from_bytes(begin[ports : ports + 2], "big")))
