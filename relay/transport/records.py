"""Which datagrams look like DTLS 1.2 as browsers speak it (RFC 6347). Pure.

During a handshake records are not authenticated, and anyone who forges the browser's address may add some.
OpenSSL ends the handshake at the first that makes no sense, so only those go on that do. It is no
protection from a well-formed forgery at the right moment; that costs the browser one more offer.
"""

from enum import IntEnum

_RECORD_HEADER = 13
_FRAGMENT_HEADER = 12
_VERSIONS = (b"\xfe\xff", b"\xfe\xfd")
"""DTLS 1.0, as the first ClientHello may have, and 1.2."""

LARGEST_RECORD = (1 << 14) + 256
LARGEST_MESSAGE = 16 * 1024
"""Bytes of a handshake message; a chain of certificates is the longest, and browsers' have 300 bytes."""

MESSAGES = frozenset({0, 1, 2, 3, 4, 11, 12, 13, 14, 15, 16, 20, 22})
"""Handshake types of RFC 6347 section 4.3.2, with NewSessionTicket and CertificateStatus."""


class _Kind(IntEnum):
    """Content types of records."""

    CHANGE_CIPHER_SPEC = 20
    ALERT = 21
    HANDSHAKE = 22
    APPLICATION_DATA = 23


def is_sensible(datagram: bytes) -> bool:
    """Whether every record in it is well-formed, and no alert is in the clear.

    An alert in the clear is believed by nobody (RFC 6347 section 4.1.2.7 allows that): a handshake that
    really failed ends by its deadline.
    """
    at = 0
    while at < len(datagram):
        header = datagram[at : at + _RECORD_HEADER]
        if len(header) < _RECORD_HEADER or header[1:3] not in _VERSIONS:
            return False
        length = int.from_bytes(header[11:])
        content = datagram[at + _RECORD_HEADER : at + _RECORD_HEADER + length]
        if not 0 < length <= LARGEST_RECORD or len(content) < length:
            return False
        if not _is_sensible_content(header[0], content, encrypted=header[3:5] != b"\x00\x00"):
            return False
        at += _RECORD_HEADER + length
    return bool(datagram)


def _is_sensible_content(kind: int, content: bytes, *, encrypted: bool) -> bool:
    if encrypted:
        return kind in (_Kind.ALERT, _Kind.HANDSHAKE, _Kind.APPLICATION_DATA)
    match kind:
        case _Kind.CHANGE_CIPHER_SPEC:
            return content == b"\x01"
        case _Kind.HANDSHAKE:
            return _are_sensible_fragments(content)
        case _:
            return False


def _are_sensible_fragments(content: bytes) -> bool:
    at = 0
    while at < len(content):
        header = content[at : at + _FRAGMENT_HEADER]
        if len(header) < _FRAGMENT_HEADER or header[0] not in MESSAGES:
            return False
        total, offset, length = (int.from_bytes(header[start : start + 3]) for start in (1, 6, 9))
        if total > LARGEST_MESSAGE or offset + length > total:
            return False
        at += _FRAGMENT_HEADER + length
    return at == len(content)
