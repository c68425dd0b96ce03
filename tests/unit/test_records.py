"""Which datagrams go on to TLS."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.transport.records import is_sensible
from tests.kit.datagrams import alert, client_hello

ENCRYPTED_ALERT = b"\x15\xfe\xfd\x00\x01" + bytes(6) + b"\x00\x1a" + bytes(26)


def record(content: bytes, kind: int = 22, epoch: int = 0) -> bytes:
    return bytes([kind]) + b"\xfe\xfd" + epoch.to_bytes(2) + bytes(6) + len(content).to_bytes(2) + content


def fragment(kind: int, total: int, offset: int, content: bytes) -> bytes:
    parts = (total.to_bytes(3), b"\x00\x00", offset.to_bytes(3), len(content).to_bytes(3))
    return bytes([kind]) + b"".join(parts) + content


@pytest.mark.parametrize(
    "datagram",
    [
        client_hello(),
        record(fragment(1, 1_700, 0, bytes(1_000))),
        record(fragment(1, 1_700, 1_000, bytes(700))),
        record(fragment(16, 66, 0, bytes(66))) + record(b"\x01", 20) + record(bytes(40), 22, epoch=1),
        ENCRYPTED_ALERT,
    ],
)
def test_what_browsers_send_goes_on(datagram: bytes) -> None:
    assert is_sensible(datagram)


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        alert(),
        b"\x16\xfe\xfd" + bytes(100),
        client_hello()[:-1],
        client_hello() + b"\x16",
        client_hello().replace(b"\x16\xfe\xff", b"\x16\x03\x03"),
        record(b""),
        record(b"\x02", 20),
        record(b"hello", 23),
        record(b"hello", 25),
        record(bytes(40), 20, epoch=1),
        record(fragment(99, 10, 0, bytes(10))),
        record(fragment(1, 10, 5, bytes(10))),
        record(fragment(1, 1 << 20, 0, bytes(10))),
        record(fragment(1, 10, 0, bytes(10)) + b"\x00"),
    ],
)
def test_what_would_end_a_handshake_does_not(datagram: bytes) -> None:
    assert not is_sensible(datagram)


@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda tail: client_hello() + tail))
def test_nothing_makes_it_raise(datagram: bytes) -> None:
    is_sensible(datagram)
