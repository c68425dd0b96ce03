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


def judge(first: bytes) -> Opening | None:
    """What the connection is for, or None while more bytes are needed to say."""
    if not first:
        return None
    if first[0] == _HANDSHAKE_RECORD:
        return _judge_tls(first)
    if first[0] <= _LARGEST_CHECK >> 8:
        return _judge_ice(first)
    return Opening(Kind.HTTP if first[:1].isalpha() and first[:1].isupper() else Kind.UNKNOWN)


def _judge_ice(first: bytes) -> Opening | None:
    wanted = ((2, _BINDING_REQUEST), (6, _MAGIC_COOKIE))
    for start, value in wanted:
        seen = first[start : start + len(value)]
        if seen != value[: len(seen)]:
            return Opening(Kind.UNKNOWN)
    if len(first) < _FRAMED_CHECK:
        return None
    return Opening(Kind.ICE if int.from_bytes(first[:2]) <= _LARGEST_CHECK else Kind.UNKNOWN)


def _judge_tls(first: bytes) -> Opening | None:
    try:
        message = _client_hello(first)
        return Opening(Kind.TLS, _server_name(message))
    except _TooShortError:
        # Beyond this it is no hello worth waiting for; whoever takes the connection may judge better.
        return None if len(first) < LONGEST_HELLO else Opening(Kind.TLS)
    except _OddError:
        return Opening(Kind.TLS)


class _TooShortError(Exception):
    """More bytes are needed."""


class _OddError(Exception):
    """This is no ClientHello. TLS itself will refuse it."""


def _client_hello(first: bytes) -> bytes:
    """The body of the ClientHello, which may be spread over records (RFC 8446 section 5.1)."""
    fragments = b""
    at = 0
    while True:
        header = first[at : at + _RECORD_HEADER]
        if header and header[0] != _HANDSHAKE_RECORD:
            raise _OddError
        if len(header) < _RECORD_HEADER:
            raise _TooShortError
        length = int.from_bytes(header[3:5])
        if length == 0:
            raise _OddError
        fragments += first[at + _RECORD_HEADER : at + _RECORD_HEADER + length]
        if fragments and fragments[0] != _CLIENT_HELLO:
            raise _OddError
        if len(fragments) >= 4 and len(fragments) >= 4 + (size := int.from_bytes(fragments[1:4])):
            return fragments[4 : 4 + size]
        at += _RECORD_HEADER + length
        if at > len(first):
            raise _TooShortError


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
