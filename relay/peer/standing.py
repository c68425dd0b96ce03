"""What is left of a DTLS association once it stands (RFC 6347): a hundredth of what OpenSSL keeps of one.

OpenSSL has buffers for records of 16 KiB, some for each epoch, and all of a handshake's messages: 120 KiB for each
person, who will say one thing more over DTLS in hours: that it ends. So its last words are taken from it beforehand,
sealed, and of what the browser may still say two things are understood: that it ends, and that our last flight was
lost. Both are authentic or are not heard. Owns the secrets for that. It is no TLS: nothing is negotiated and nothing
else is read.
"""

import hmac
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from OpenSSL import SSL

from relay.peer.lines import DtlsRole

VERSION = "DTLSv1.2"
"""In OpenSSL's words."""
ON_THE_WIRE = b"\xfe\xfd"

HEADER = 13
"""Bytes of a record's: its type, version, epoch and number, its length (RFC 6347 section 4.1)."""
EXPLICIT = 8
"""Bytes of a nonce that travel in a record of AES-GCM (RFC 5288 section 3)."""
TAG = 16
"""Bytes by which a record is known to be authentic, in all these suites."""
LONGEST_ALERT = HEADER + EXPLICIT + 2 + TAG
EPOCH = b"\x00\x01"
"""Of what is encrypted; without renegotiation there is no other."""

ALERT, HANDSHAKE = 21, 22
CLOSE_NOTIFY, FATAL = 0, 2
FINISHED = 20


class Suite(NamedTuple):
    """What sealing with a cipher suite takes."""

    cipher: Callable[[bytes], AESGCM | ChaCha20Poly1305]
    key: int
    """Bytes."""
    salt: int
    """Bytes of a nonce that are derived and not sent."""
    digest: str
    """By which keys are derived (RFC 5246 section 5)."""


AES_128, AES_256 = Suite(AESGCM, 16, 4, "sha256"), Suite(AESGCM, 32, 4, "sha384")
CHACHA20 = Suite(ChaCha20Poly1305, 32, 12, "sha256")
SUITES = {"AES128-GCM-SHA256": AES_128, "AES256-GCM-SHA384": AES_256, "CHACHA20-POLY1305": CHACHA20}
"""By how their names in OpenSSL end: all that `transport/suites.py` has."""


class Heard(Enum):
    """What a datagram says that matters still."""

    NOTHING = auto()
    ENDED = auto()
    """The other side has ended the association."""
    AGAIN = auto()
    """It says its last message once more: ours has not come."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One association, from the browser's side and from ours."""

    last_flight: tuple[bytes, ...]
    """Datagrams that ended the handshake, if we did."""
    farewell: bytes
    """That we end it, sealed by OpenSSL."""
    _suite: Suite
    _master: bytes
    _seed: bytes
    """Whatever keys are derived from besides."""
    _theirs: DtlsRole

    @classmethod
    def of(cls, tls: SSL.Connection, ours: DtlsRole, last_flight: tuple[bytes, ...]) -> Self | None:
        """Take over from OpenSSL, which can send nothing afterwards. None where it speaks what is not understood here:
        then nothing is taken."""
        name = tls.get_cipher_name() or ""
        suite = next((suite for end, suite in SUITES.items() if name.endswith(end)), None)
        master, client, server = tls.master_key(), tls.client_random(), tls.server_random()
        if suite is None or tls.get_protocol_version_name() != VERSION or not (master and client and server):
            return None
        theirs = DtlsRole.CLIENT if ours is DtlsRole.SERVER else DtlsRole.SERVER
        return cls(last_flight, _farewell(tls), suite, master, server + client, theirs)

    def hear(self, datagram: bytes) -> Heard:
        """What a datagram from the verified address says, which may be anybody's."""
        heard = Heard.NOTHING
        for header, sealed in _records(datagram):
            text = self._open(header, sealed)
            if header[0] == ALERT and len(text) == 2 and (text[0] == FATAL or text[1] == CLOSE_NOTIFY):
                return Heard.ENDED
            if header[0] == HANDSHAKE and text[:1] == bytes((FINISHED,)):
                heard = Heard.AGAIN
        return heard

    def _open(self, header: bytes, sealed: bytes) -> bytes:
        """What was sealed; nothing, if it was not by the browser."""
        key, salt = self._keys()
        number = header[3:11]
        if self._suite is CHACHA20:  # RFC 7905 section 2
            nonce = bytes(one ^ other for one, other in zip(salt, bytes(4) + number, strict=True))
        else:
            nonce, sealed = salt + sealed[:EXPLICIT], sealed[EXPLICIT:]
        length = max(len(sealed) - TAG, 0).to_bytes(2)
        with suppress(InvalidTag, ValueError):
            return self._suite.cipher(key).decrypt(nonce, sealed, number + header[:3] + length)
        return b""

    def _keys(self) -> tuple[bytes, bytes]:
        """Key and salt of what the browser seals, out of the key block (RFC 5246 section 6.3)."""
        _, key, salt, digest = self._suite
        block = _expand(self._master, b"key expansion" + self._seed, 2 * (key + salt), digest)
        of_server = self._theirs is DtlsRole.SERVER
        keys, salts = block[: 2 * key], block[2 * key :]
        return (keys[key:], salts[salt:]) if of_server else (keys[:key], salts[:salt])


def _farewell(tls: SSL.Connection) -> bytes:
    tls.shutdown()
    return tls.bio_read(LONGEST_ALERT)


def _records(datagram: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Encrypted alerts and messages of handshakes, as far as they are whole."""
    while len(datagram) > HEADER:
        header, end = datagram[:HEADER], HEADER + int.from_bytes(datagram[11:HEADER])
        if end > len(datagram):
            return
        if header[0] in (ALERT, HANDSHAKE) and header[1:3] == ON_THE_WIRE and header[3:5] == EPOCH:
            yield header, datagram[HEADER:end]
        datagram = datagram[end:]


def _expand(secret: bytes, seed: bytes, length: int, digest: str) -> bytes:
    """The pseudorandom function of TLS 1.2 (RFC 5246 section 5)."""
    block, link = b"", seed
    while len(block) < length:
        link = hmac.digest(secret, link, digest)
        block += hmac.digest(secret, link + seed, digest)
    return block[:length]
