"""PROXY protocol headers: those of the specification, whole and in pieces, and nonsense."""

import ipaddress
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.front.proxy_protocol import BEGIN_V1, LONGEST_V1, LONGEST_V2, SIGNATURE_V2, Header, Verdict, read

ALL_ONES = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
LONGEST_LINES = [
    (b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", ("255.255.255.255", 65_535)),
    (f"PROXY TCP6 {ALL_ONES} {ALL_ONES} 65535 65535\r\n".encode(), (ALL_ONES, 65_535)),
    (b"PROXY UNKNOWN\r\n", None),
    (f"PROXY UNKNOWN {ALL_ONES} {ALL_ONES} 65535 65535\r\n".encode(), None),
]
"""The worst cases that section 2.1 names."""


def binary(
    source: str = "192.0.2.1", port: int = 4_711, command: int = 0x21, family: int | None = None, more: bytes = b""
) -> bytes:
    address = ipaddress.ip_address(source)
    kind = (0x11 if address.version == 4 else 0x21) if family is None else family
    content = 2 * address.packed + struct.pack("!HH", port, 443) + more
    return SIGNATURE_V2 + struct.pack("!BBH", command, kind, len(content)) + content


HEADERS = [
    *LONGEST_LINES,
    (b"PROXY TCP4 192.0.2.1 192.0.2.2 0 443\r\n", ("192.0.2.1", 0)),
    (b"PROXY TCP6 2001:DB8::1 ::1 4711 443\r\n", ("2001:db8::1", 4_711)),
    (binary(), ("192.0.2.1", 4_711)),
    (binary("2001:db8::1", 1), ("2001:db8::1", 1)),
    (binary(more=b"\x01\x00\x02h2\x04\x00\x00"), ("192.0.2.1", 4_711)),
    (binary(command=0x20), None),
    (binary(command=0x20, family=0x31), None),
    (binary(family=0x00), None),
    (SIGNATURE_V2 + b"\x20\x00\x00\x00", None),
]


@pytest.mark.parametrize(("header", "source"), HEADERS)
@pytest.mark.parametrize("rest", [b"", b"GET / HTTP/1.1\r\n", b"\x16\x03\x01", b"\r\n\r\n"])
def test_a_header_says_who_and_where_the_rest_begins(
    header: bytes, source: tuple[str, int] | None, rest: bytes
) -> None:
    assert read(header + rest) == Header(len(header), source)


@pytest.mark.parametrize(("header", "source"), HEADERS)
def test_wherever_it_is_cut_more_is_waited_for(header: bytes, source: tuple[str, int] | None) -> None:
    assert {read(header[:end]) for end in range(len(header))} == {Verdict.NEEDS_MORE}


@pytest.mark.parametrize(
    "begin", [b"GET / HTTP/1.1", b"POST /", b"PROPFIND /", b"\x16\x03\x01", b"\0\x14", b"\r\n\r\nGET"]
)
def test_what_is_none_is_seen_by_the_first_byte_that_differs(begin: bytes) -> None:
    assert read(begin) is Verdict.ABSENT
    different = next(end for end in range(len(begin) + 1) if read(begin[:end]) is not Verdict.NEEDS_MORE)
    assert begin[: different - 1] in (BEGIN_V1[: different - 1], SIGNATURE_V2[: different - 1])


@pytest.mark.parametrize(
    "header",
    [
        b"PROXY / HTTP/1.1\r\n",
        b"PROXY \r\n",
        b"PROXY UNKNOWNS\r\n",
        b"PROXY UNKNOWN\n",
        b"PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n",
        b"PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n",
        b"PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n",
        b"PROXY TCP4 192.0.02.1 192.0.2.2 1 2\r\n",
        b"PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n",
        b"PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n",
        b"PROXY TCP6 2001:db8::1 192.0.2.2 1 2\r\n",
        b"PROXY TCP6 fe80::1%1 ::1 1 2\r\n",
        b"PROXY tcp4 192.0.2.1 192.0.2.2 1 2\r\n",
        b"PROXY TCP4 192.0.2.1\0 192.0.2.2 1 2\r\n",
        b"PROXY " + b"x" * LONGEST_V1,
        f"PROXY UNKNOWN {'x' * 100}\r\n".encode(),
        binary(command=0x11),
        binary(command=0x22),
        binary(family=0x12),
        binary(family=0x22),
        binary(family=0x31),
        binary(family=0x41),
        binary(family=0x21),
        binary(more=bytes(LONGEST_V2)),
        SIGNATURE_V2 + b"\x21\x11\x00\x0b",
        SIGNATURE_V2 + b"\x20\x00\xff\xff",
    ],
)
def test_what_is_wrong_is_refused_and_not_waited_for(header: bytes) -> None:
    assert read(header) is Verdict.MALFORMED


@given(
    st.sampled_from([b"", BEGIN_V1, b"PROXY TCP4 ", SIGNATURE_V2, SIGNATURE_V2 + b"\x21\x11"]),
    st.binary(max_size=2_000),
)
def test_nonsense_is_judged_and_never_waited_for_beyond_the_longest(begin: bytes, rest: bytes) -> None:
    content = begin + rest
    judged = read(content)
    if judged is Verdict.NEEDS_MORE:
        assert len(content) < LONGEST_V2
    elif isinstance(judged, Header):
        assert 0 < judged.length <= min(len(content), LONGEST_V2)
        assert read(content[: judged.length - 1]) is Verdict.NEEDS_MORE


@given(
    st.ip_addresses(),
    st.integers(0, 65_535),
    st.binary(max_size=1_024 - 36),
)
def test_what_is_written_is_read(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int, more: bytes
) -> None:
    line = f"PROXY TCP{address.version} {address} {address} {port} 1\r\n".encode()
    assert read(line) == Header(len(line), (str(address), port))
    header = binary(str(address), port, more=more)
    assert read(header + b"x") == Header(len(header), (str(address), port))
