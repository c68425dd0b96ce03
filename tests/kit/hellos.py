"""The first bytes of TLS, as clients write them."""

import ssl
from collections.abc import Sequence

import pytest


def client_hello(name: str | None, offers: Sequence[str] = ()) -> bytes:
    """What OpenSSL says first. `offers`: protocols that may follow."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if offers:
        context.set_alpn_protocols(list(offers))
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_hostname=name).do_handshake()
    return outgoing.read()


def in_records_of(size: int, hello: bytes) -> bytes:
    """The same ClientHello, spread over several records."""
    body = hello[5:]
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"\x16\x03\x01" + len(piece).to_bytes(2) + piece for piece in pieces)


def hello_with(*extensions: tuple[int, bytes]) -> bytes:
    """A ClientHello of TLS 1.2 with these extensions, each with its number, and nothing else in it."""
    listed = b"".join(number.to_bytes(2) + len(content).to_bytes(2) + content for number, content in extensions)
    body = b"\x03\x03" + bytes(32) + b"\0" + b"\0\x02\xc0\x2b" + b"\x01\0" + len(listed).to_bytes(2) + listed
    message = b"\x01" + len(body).to_bytes(3) + body
    return b"\x16\x03\x01" + len(message).to_bytes(2) + message
