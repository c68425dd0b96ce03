"""What is written where an address, a name or a URL is wanted, and which of it browsers can use. Pure."""

import ipaddress
import re
from urllib.parse import urlsplit

LOWEST_UNPRIVILEGED_PORT = 1024

TURN_URL = re.compile(r"turns?:(\[[0-9A-Fa-f:.]+\]|[^:?/@\s]+)(:\d{1,5})?(\?transport=(udp|tcp))?")
"""RFC 7065 section 3.1."""

HOST = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*|\[?[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*\]?")
"""A name, an IPv4 address or an IPv6 address, without a port."""

NAME = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*\.?")
"""A host name; what looks like an address and is none has no letter."""

STUN = re.compile(r"(stun:)?[A-Za-z0-9.-]+(:\d{1,5})?")

NOT_PUBLIC = tuple(
    ipaddress.ip_network(network)
    for network in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("::1/128", "fc00::/7", "fe80::/10"),
    )
)
"""Addresses that Chromium takes for private."""


def is_address(written: str) -> bool:
    """Whether it is an IP address rather than a name."""
    try:
        ipaddress.ip_address(written)
    except ValueError:
        return False
    return True


def usable_by_browsers(address: str, port: int) -> bool:
    """Whether Chromium takes a candidate: below port 1024 it does so for 80 and 443 on public addresses only."""
    parsed = ipaddress.ip_address(address)
    private = any(parsed in network for network in NOT_PUBLIC if network.version == parsed.version)
    return port >= LOWEST_UNPRIVILEGED_PORT or (port in (80, 443) and not private)


def is_safe(url: str) -> bool:
    """Whether nobody in the middle can read or change what is said there: HTTPS, or plain HTTP to this machine
    itself."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    if not host or parts.username is not None or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
