"""Which addresses browsers are told to send media to."""

import ipaddress
from collections.abc import Sequence

import ifaddr


def advertised(configured: Sequence[str]) -> tuple[str, ...]:
    """The configured public addresses, or else the host's own: loopback only when it has no other.

    Link-local addresses are left out: they need a zone, which a candidate can't carry.
    """
    if configured:
        return tuple(configured)
    own = [
        address
        for adapter in ifaddr.get_adapters()
        for ip in adapter.ips
        if not (address := ipaddress.ip_address(ip.ip if isinstance(ip.ip, str) else ip.ip[0])).is_link_local
    ]
    reachable = [address for address in own if not address.is_loopback]
    return tuple(str(address) for address in reachable or own)
