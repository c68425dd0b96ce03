"""Whose address is whose: the networks that a setting names, and the groups that an address belongs to."""

import ipaddress
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

SUBSCRIBER = 64
"""Bits of IPv6 that name one subscriber; the rest is theirs to choose."""

WIDER = ((56, 4), (48, 16))
"""Prefixes that one customer may have whole, and how many times what one subscriber may have is theirs together
(RFC 6177: homes get a /56 or a /48)."""


REMEMBERED = 1_024
"""Addresses whose reading is kept: somebody who joins is asked for a dozen times."""


class Group(NamedTuple):
    """Addresses that are limited together."""

    name: str
    weight: int
    """How many times what one address may have."""


class Networks:
    """A set of addresses and networks, as written in the settings."""

    def __init__(self, written: Sequence[str]) -> None:
        self._networks: tuple[Network, ...] = tuple(ipaddress.ip_network(network) for network in written)

    def hold(self, host: str) -> bool:
        """Whether the address is one of them."""
        address = parse(host)
        return any(address in network for network in self._networks)


@lru_cache(REMEMBERED)
def parse(host: str) -> Address:
    """An address as the system writes it. IPv4 that came over an IPv6 socket is IPv4.

    Raises:
        ValueError: it is not an address.
    """
    address = ipaddress.ip_address(host)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


@lru_cache(REMEMBERED)
def plain(host: str) -> str:
    """The address as it is written everywhere here.

    Raises:
        ValueError: it is not an address.
    """
    return str(parse(host))


def subscriber(host: str) -> str:
    """Names who is behind an address: of IPv6 the /64, of IPv4 the address."""
    return groups_of(host)[0].name


@lru_cache(REMEMBERED)
def groups_of(host: str) -> tuple[Group, ...]:
    """What an address is counted in: of IPv4 itself; of IPv6 its /64, /56 and /48, the narrowest first."""
    address = parse(host)
    if isinstance(address, ipaddress.IPv4Address):
        return (Group(str(address), 1),)
    return tuple(
        Group(str(ipaddress.IPv6Network((int(address) >> 128 - bits << 128 - bits, bits))), weight)
        for bits, weight in ((SUBSCRIBER, 1), *WIDER)
    )
