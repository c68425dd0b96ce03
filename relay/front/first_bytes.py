"""Tells from its first bytes what a TCP connection is for. Nothing is consumed, nothing is sent.

One port serves TLS, plain HTTP, ICE over TCP and TURN over TCP. A TLS record begins with 22 and its
first message names the server that is wanted (SNI, RFC 6066 section 3) and the protocols that may follow
(ALPN, RFC 7301). ICE over TCP begins with a framed check (RFC 4571, RFC 6544 section 10.1): length, Binding
request, and STUN's magic cookie. TURN over TCP begins with a STUN message without a frame (RFC 8656
section 2.1): type, length, and the cookie. HTTP begins with the capital letter of a method.

ICE and TURN alone share a first byte. A framed check has a Binding request's type where TURN has a length, which
would be 1: no STUN message has that, as all its attributes are padded to four bytes (RFC 8489 section 14).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from struct import unpack_from

LONGEST_HELLO = 8 * 1024
"""Bytes looked at. A browser's ClientHello with post-quantum key shares has about 1,800."""

_HANDSHAKE_RECORD = 22
_CLIENT_HELLO = 1
_SERVER_NAME = 0
_HOST_NAME = 0
_PROTOCOLS = 16
_EXTENSION_HEADER = 4
_HTTP_2 = b"h2"
_ANSWERED = (b"http/1.1", b"stun.turn")
_RECORD_HEADER = 5
_MESSAGE_HEADER = 4
_BINDING_REQUEST = b"\x00\x01"
_MAGIC_COOKIE = b"\x21\x12\xa4\x42"
_FRAMED_CHECK = 10
"""Bytes until the end of the magic cookie: frame length, type, length, cookie."""
_LARGEST_CHECK = 0x05DC
"""1,500: what the media port takes for a datagram."""
_TURN_TYPES = {3, 4, 8, 9, 0x16}
"""Requests to Allocate, Refresh, CreatePermission and ChannelBind, and the Send indication (RFC 8656 section 18)."""
_UNFRAMED_CHECK = 8
"""Bytes until the end of the magic cookie: type, length, cookie."""


class Kind(Enum):
    """What a connection is for."""

    TLS = "tls"
    ICE = "ice"
    TURN = "turn"
    HTTP = "http"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Opening:
    """What the first bytes said."""

    kind: Kind
    server_name: str | None = None
    """The name in a ClientHello, in lower case, if it has one."""
    is_http: bool = False
    """Whether a ClientHello says that pages are wanted: browsers offer HTTP/2 for them, and nobody does for TURN. What
    offers `http/1.1` alone may be a WebSocket, or the TURN of Firefox behind a proxy. Other TURN offers nothing."""
    is_named: bool = False
    """Whether it names a protocol that the core's TLS answers to: `http/1.1`, or TURN's `stun.turn` (RFC 7443)."""


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
            return _judge_stun(first)
        return Opening(Kind.HTTP if first[:1].isalpha() and first[:1].isupper() else Kind.UNKNOWN)

    def _look_at_tls(self, first: bytes) -> Opening | None:
        try:
            if self._collect(first):
                return _read_hello(bytes(self._hello[_MESSAGE_HEADER : self._needed]))
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


def _judge_stun(first: bytes) -> Opening | None:
    """With a frame it is ICE's, without one TURN's."""
    for verdict in (_judge_framed(first), _judge_unframed(first)):
        if verdict is not Kind.UNKNOWN:
            return None if verdict is None else Opening(verdict)
    return Opening(Kind.UNKNOWN)


def _judge_framed(first: bytes) -> Kind | None:
    if not (_agree(first[2:4], _BINDING_REQUEST) and _agree(first[6:10], _MAGIC_COOKIE)):
        return Kind.UNKNOWN
    if len(first) < _FRAMED_CHECK:
        return None
    return Kind.ICE if int.from_bytes(first[:2]) <= _LARGEST_CHECK else Kind.UNKNOWN


def _judge_unframed(first: bytes) -> Kind | None:
    is_possible = (
        first[0] == 0
        and (len(first) < 2 or first[1] in _TURN_TYPES)
        and (len(first) < 4 or int.from_bytes(first[2:4]) % 4 == 0)
        and _agree(first[4:8], _MAGIC_COOKIE)
    )
    if not is_possible:
        return Kind.UNKNOWN
    return None if len(first) < _UNFRAMED_CHECK else Kind.TURN


def _agree(seen: bytes, wanted: bytes) -> bool:
    """As far as it has come."""
    return seen == wanted[: len(seen)]


class _OddError(Exception):
    """This is no ClientHello. TLS itself will refuse it."""


def _read_hello(hello: bytes) -> Opening:
    said = _extensions(hello)
    name, protocols = None, frozenset[bytes]()
    try:
        if _SERVER_NAME in said:
            name = _host_name(said[_SERVER_NAME])
        if _PROTOCOLS in said:
            protocols = frozenset(_Reader(_Reader(said[_PROTOCOLS]).vector(2)).vectors(1))
    except _OddError:
        pass  # what was understood until there holds
    return Opening(Kind.TLS, name, is_http=_HTTP_2 in protocols, is_named=not protocols.isdisjoint(_ANSWERED))


def _extensions(hello: bytes) -> dict[int, bytes]:
    """Those that matter here, by number. Browsers send some 18, and every page begins with them: it is kept short."""
    reader = _Reader(hello)
    reader.take(2 + 32)  # legacy_version, random
    for width in (1, 2, 1):  # legacy_session_id, cipher_suites, legacy_compression_methods
        reader.vector(width)
    listed = reader.vector(2) if reader.left else b""
    said, at = {}, 0
    while at + _EXTENSION_HEADER <= len(listed):
        kind, length = unpack_from(">HH", listed, at)
        at += _EXTENSION_HEADER + length
        if kind in (_SERVER_NAME, _PROTOCOLS):
            said[kind] = listed[at - length : at]
    return said


def _host_name(content: bytes) -> str | None:
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

    def vectors(self, width: int) -> Iterator[bytes]:
        """All that is left, each after a length of `width` bytes."""
        while self.left:
            yield self.vector(width)
