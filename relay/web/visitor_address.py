"""Where a visitor comes from, and how many come from there."""

import ipaddress
from collections import Counter
from collections.abc import Sequence

from aiohttp import web

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

IPV6_PREFIX = 64
"""Bits that name one subscriber; the rest is theirs to choose."""


class VisitorAddresses:
    """Counts connections per address. Trusted proxies are believed about whom they speak for."""

    def __init__(self, trusted_proxies: Sequence[str], most: int) -> None:
        self._trusted: tuple[Network, ...] = tuple(ipaddress.ip_network(network) for network in trusted_proxies)
        self._most = most
        self._counts: Counter[str] = Counter()

    def enter(self, request: web.Request) -> str | None:
        """Count one more connection; returns what `leave` wants, or None when there are too many.

        A trusted proxy that speaks for nobody is not counted: it would stand for all its visitors.
        """
        origin = self._origin(request)
        if origin is None:
            return ""
        key = _subscriber(origin)
        if self._counts[key] >= self._most:
            return None
        self._counts[key] += 1
        return key

    def leave(self, key: str) -> None:
        """The connection ended."""
        self._counts[key] -= 1
        if self._counts[key] <= 0:
            del self._counts[key]

    def _origin(self, request: web.Request) -> Address | None:
        """The nearest address that is not a trusted proxy's; None when there is none."""
        chain = [request.remote or ""]
        chain += [part.strip() for part in reversed(request.headers.get("X-Forwarded-For", "").split(","))]
        for hop in chain:
            try:
                address = _unmapped(ipaddress.ip_address(hop))
            except ValueError:
                return None
            if not any(address in network for network in self._trusted):
                return address
        return None


def _unmapped(address: Address) -> Address:
    """IPv4 that came over an IPv6 socket is IPv4."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _subscriber(address: Address) -> str:
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, IPV6_PREFIX), strict=False))
    return str(address)
