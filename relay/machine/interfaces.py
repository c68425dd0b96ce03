"""The addresses that this host has now, and on which interfaces, as the kernel tells (rtnetlink(7)).

A network may come up after the server, change its addresses, or go: nothing here is kept for longer than `FRESH`. Which
of them are told to others is decided elsewhere.
"""

import contextlib
import errno
import ipaddress
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from relay import clock
from relay.ledger.addresses import Address, parse

FRESH = 2.0
"""Seconds for which what was read is good enough."""

MOMENT = 0.25
"""Seconds for which it is good enough for who has reason to believe that something has just changed."""

PATIENCE = 0.2
"""Seconds that the kernel may take for an answer. It takes less than one in a thousand of that."""

OUTSIDE = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}
"""Addresses for documentation (RFC 5737, RFC 3849), to ask which of ours would be sent from. Nothing is sent."""

_GETLINK, _GETADDR = 18, 22
_ERROR, _DONE = 2, 3
_REQUEST, _DUMP = 0x001, 0x301
_HEADER = struct.Struct("=IHHII")
"""struct nlmsghdr: length, type, flags, sequence, port."""
_LINK = struct.Struct("=BxHiII")
"""struct ifinfomsg: family, type of hardware, index, flags, change."""
_ADDRESS = struct.Struct("=BBBBI")
"""struct ifaddrmsg: family, prefix length, flags, scope, index."""
_ATTRIBUTE = struct.Struct("=HH")
_KINDS = 0x3FFF
"""Without the flags that stand above an attribute's type."""
_NUMBER, _STATUS = struct.Struct("=I"), struct.Struct("=i")
_IFLA_IFNAME, _IFLA_LINKINFO, _IFLA_INFO_KIND = 3, 18, 1
_IFA_ADDRESS, _IFA_LOCAL, _IFA_FLAGS = 1, 2, 8

_UP, _POINT_TO_POINT, _RUNNING = 0x1, 0x10, 0x40
_SECONDARY, _FAILED, _DEPRECATED, _TENTATIVE = 0x01, 0x08, 0x20, 0x40
"""The first one says `temporary` of an IPv6 address (RFC 8981)."""

LARGEST_ANSWER = 64 * 1024
"""Bytes; the kernel cuts what is longer into several."""


@dataclass(frozen=True, slots=True)
class Interface:
    """One network device."""

    name: str
    kind: str = ""
    """What the kernel makes it by, such as `bridge`, `veth` or `wireguard`; empty for hardware."""
    is_up: bool = True
    """And has a carrier."""
    is_point_to_point: bool = False


@dataclass(frozen=True, slots=True)
class OwnAddress:
    """One address of this host."""

    address: Address
    interface: Interface
    is_usable: bool = True
    """Not given up (RFC 4862 section 5.5.4), and known to be nobody else's."""
    is_secondary: bool = False
    """Or temporary: it is there for what goes out."""
    is_source: bool = False
    """What this host sends to the internet is sent from it."""


class Interfaces:
    """What there is now. Also a container of addresses as text, which holds those of this host."""

    def __init__(self) -> None:
        self._read_at = float("-inf")
        self._known: tuple[OwnAddress, ...] = ()
        self._names: frozenset[str] = frozenset()
        self.failure: OSError | None = None
        """Why it could not be read the last time."""

    def addresses(self, fresh: float = FRESH) -> tuple[OwnAddress, ...]:
        """In the kernel's order, which is that of its interfaces. Read anew after `fresh` seconds; where that fails it
        is what was known before."""
        now = clock.monotonic()
        if now - self._read_at >= fresh:
            self._read_at = now
            try:
                self._known = read_addresses()
                self._names = frozenset(str(own.address) for own in self._known)
                self.failure = None
            except OSError as failure:
                self.failure = failure
        return self._known

    def __contains__(self, address: object) -> bool:
        self.addresses()
        return address in self._names

    def have_now(self, address: str) -> bool:
        """Whether it is one of them, even if it has just come."""
        if address not in self:
            self.addresses(MOMENT)
        return address in self._names


def read_addresses() -> tuple[OwnAddress, ...]:
    """Ask the kernel. Link-local addresses are left out: they need a zone, which nobody elsewhere knows.

    Raises:
        OSError: it is not to be asked, or does not answer.
    """
    sources = frozenset(_sources())
    found: list[OwnAddress] = []
    interfaces: dict[int, Interface | None] = {}
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel:
        kernel.settimeout(PATIENCE)
        for payload in list(_ask(kernel, _GETADDR, _DUMP, _ADDRESS.pack(0, 0, 0, 0, 0))):
            _, _, flags, _, index = _ADDRESS.unpack_from(payload)
            told = dict(_attributes(payload[_ADDRESS.size :]))
            # Of two ends of a line the address is the other one.
            packed = told.get(_IFA_LOCAL) or told.get(_IFA_ADDRESS)
            if packed is None or (address := ipaddress.ip_address(packed)).is_link_local:
                continue
            if _IFA_FLAGS in told:
                (flags,) = _NUMBER.unpack(told[_IFA_FLAGS])
            if index not in interfaces:
                interfaces[index] = _interface(kernel, index)
            if (interface := interfaces[index]) is not None:
                usable = not flags & (_FAILED | _DEPRECATED | _TENTATIVE)
                found.append(OwnAddress(address, interface, usable, bool(flags & _SECONDARY), address in sources))
    return tuple(found)


def _sources() -> Iterator[Address]:
    """Which address of each family what goes out is sent from."""
    for family, outside in OUTSIDE.items():
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((outside, 9))
            yield parse(probe.getsockname()[0])


def _interface(kernel: socket.socket, index: int) -> Interface | None:
    """None if it is gone already."""
    try:
        (payload,) = _ask(kernel, _GETLINK, _REQUEST, _LINK.pack(0, 0, index, 0, 0))
    except OSError as cause:
        if cause.errno == errno.ENODEV:
            return None
        raise
    _, _, _, flags, _ = _LINK.unpack_from(payload)
    told = dict(_attributes(payload[_LINK.size :]))
    more = dict(_attributes(told.get(_IFLA_LINKINFO, b"")))
    return Interface(
        name=_text(told.get(_IFLA_IFNAME, b"")),
        kind=_text(more.get(_IFLA_INFO_KIND, b"")),
        is_up=flags & _UP != 0 and flags & _RUNNING != 0,
        is_point_to_point=flags & _POINT_TO_POINT != 0,
    )


def _ask(kernel: socket.socket, kind: int, flags: int, body: bytes) -> Iterator[bytes]:
    """The messages of the answer, without their headers."""
    kernel.send(_HEADER.pack(_HEADER.size + len(body), kind, flags, 0, 0) + body)
    while True:
        answer = kernel.recv(LARGEST_ANSWER)
        while answer:
            length, answered, _, _, _ = _HEADER.unpack_from(answer)
            payload, answer = answer[_HEADER.size : length], answer[_aligned(length) :]
            if answered == _DONE:
                return
            if answered == _ERROR:
                (number,) = _STATUS.unpack_from(payload)
                raise OSError(-number, "the kernel does not tell its addresses")
            yield payload
        if flags == _REQUEST:
            return


def _attributes(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and value of each struct rtattr."""
    at = 0
    while at + _ATTRIBUTE.size <= len(content):
        length, kind = _ATTRIBUTE.unpack_from(content, at)
        if length < _ATTRIBUTE.size:
            return
        yield kind & _KINDS, content[at + _ATTRIBUTE.size : at + length]
        at += _aligned(length)


def _aligned(length: int) -> int:
    return (length + 3) & ~3


def _text(value: bytes) -> str:
    return value.rstrip(b"\0").decode(errors="replace")
