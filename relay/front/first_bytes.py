"""Tells from its first bytes what a TCP connection is for. Nothing is consumed, nothing is sent.

One port serves TLS, plain HTTP and ICE over TCP. A TLS record begins with 22 and its first message
names the server that is wanted (SNI, RFC 6066 section 3). ICE over TCP begins with a framed check
(RFC 4571, RFC 6544 section 10.1): length, Binding request, and STUN's magic cookie. HTTP begins with
the capital letter of a method. No two of them share a first byte.
"""

from dataclasses import dataclass
from enum import Enum

LONGEST_HELLO = 8 * 1024
"""Bytes looked at. A browser's ClientHello with post-quantum key shares has about 1,800."""

_HANDSHAKE_RECORD = 22
_CLIENT_HELLO = 1
_SERVER_NAME = 0
_HOST_NAME = 0
_RECORD_HEADER = 5
_MESSAGE_HEADER = 4
_BINDING_REQUEST = b"\x00\x01"
_MAGIC_COOKIE = b"\x21\x12\xa4\x42"
_FRAMED_CHECK = 10
"""Bytes until the end of the magic cookie: frame length, type, length, cookie."""
_LARGEST_CHECK = 0x05DC
"""1,500: what the media port takes for a datagram."""


class Kind(Enum):
    """What a connection is for."""

    TLS = "tls"
    ICE = "ice"
    HTTP = "http"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Opening:
    """What the first bytes said."""

    kind: Kind
    server_name: str | None = None
    """The name in a ClientHello, in lower case, if it has one."""


class Judge:
    """Looks at the first bytes of one connection as they come, and goes on where it stopped."""

    def __init__(self) -> None:
        self.wanted = 1
        """So many bytes must have come before it is worth looking again."""
        self._record_at = 0
        """Where the next record of the ClientHello begins."""
        self._hello = bytearray()
        """What the records before held, which may be one message in many (RFC 8446 section 5.1)."""
        self._needed = _MESSAGE_HEADER
        """Bytes that it has at least: its own header says how many."""

    def look(self, first: bytes) -> Opening | None:
        """What the connection is for, given all bytes so far, or None while more are needed to say."""
        self.wanted = len(first) + 1
        if not first:
            return None
        if first[0] == _HANDSHAKE_RECORD:
            return self._look_at_tls(first)
        if first[0] <= _LARGEST_CHECK >> 8:
            return _judge_ice(first)
        return Opening(Kind.HTTP if first[:1].isalpha() and first[:1].isupper() else Kind.UNKNOWN)

    def _look_at_tls(self, first: bytes) -> Opening | None:
        try:
            if self._collect(first):
                return Opening(Kind.TLS, _server_name(bytes(self._hello[_MESSAGE_HEADER : self._needed])))
        except _OddError:
            return Opening(Kind.TLS)
        # Beyond the limit it is no hello worth waiting for; TLS itself may judge better.
        return None if len(first) < LONGEST_HELLO else Opening(Kind.TLS)

    def _collect(self, first: bytes) -> bool:
        """Take whole records from where it stopped, until the ClientHello is whole. False while more has to come."""
        hello, at = self._hello, self._record_at
        while len(hello) < self._needed:
            start = at + _RECORD_HEADER
            if at < len(first) and first[at] != _HANDSHAKE_RECORD:
                raise _OddError
            end = start + (first[start - 2] << 8 | first[start - 1]) if start <= len(first) else start + 1
            if end == start:
                raise _OddError  # an empty record
            if end > len(first):
                self.wanted = min(LONGEST_HELLO, max(end, at + self._needed - len(hello)))
                break
            hello += first[start:end]
            at = end
            if hello[0] != _CLIENT_HELLO:
                raise _OddError
            if len(hello) >= _MESSAGE_HEADER:
                self._needed = _MESSAGE_HEADER + int.from_bytes(hello[1:_MESSAGE_HEADER])
        self._record_at = at
        return len(hello) >= self._needed


def _judge_ice(first: bytes) -> Opening | None:
    wanted = ((2, _BINDING_REQUEST), (6, _MAGIC_COOKIE))
    for start, value in wanted:
        seen = first[start : start + len(value)]
        if seen != value[: len(seen)]:
            return Opening(Kind.UNKNOWN)
    if len(first) < _FRAMED_CHECK:
        return None
    return Opening(Kind.ICE if int.from_bytes(first[:2]) <= _LARGEST_CHECK else Kind.UNKNOWN)


class _OddError(Exception):
    """This is no ClientHello. TLS itself will refuse it."""


def _server_name(hello: bytes) -> str | None:
    reader = _Reader(hello)
    reader.take(2 + 32)  # legacy_version, random
    for width in (1, 2, 1):  # legacy_session_id, cipher_suites, legacy_compression_methods
        reader.vector(width)
    if not reader.left:
        return None
    extensions = _Reader(reader.vector(2))
    while extensions.left:
        kind = int.from_bytes(extensions.take(2))
        content = extensions.vector(2)
        if kind == _SERVER_NAME:
            names = _Reader(_Reader(content).vector(2))
            while names.left:
                form = names.take(1)[0]
                name = names.vector(2)
                if form == _HOST_NAME:
                    return name.decode("ascii", "replace").lower()
    return None


class _Reader:
    """Takes bytes from the front; `_OddError` when there are too few."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._content) - self._at

    def take(self, amount: int) -> bytes:
        if amount > self.left:
            raise _OddError
        self._at += amount
        return self._content[self._at - amount : self._at]

    def vector(self, width: int) -> bytes:
        """What follows a length of `width` bytes (RFC 8446 section 3.4)."""
        return self.take(int.from_bytes(self.take(width)))
