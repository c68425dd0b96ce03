"""Host, port and origin as browsers write them: read strictly, and made comparable. Pure."""

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache

DEFAULT_PORTS = {"http": 80, "https": 443}

LONGEST = 300
"""Characters of an origin or a host with its port; a name has at most 253."""

REMEMBERED = 64
"""Hosts whose reading is kept: almost everybody asks for the same few."""

_AUTHORITY = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Authority:
    """A host in lower case, without brackets and without the dot at the end; the port if one was written."""

    host: str
    port: int | None


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port, the latter as it is by default if none was written (RFC 6454)."""

    scheme: str
    host: str
    port: int


@lru_cache(REMEMBERED)
def authority(text: str) -> Authority | None:
    """None if it is not a host with at most a port: no user, no path, no other character."""
    found = _AUTHORITY.fullmatch(text) if len(text) <= LONGEST else None
    if found is None:
        return None
    bracketed, name, written = found.groups()
    port = None if written is None else int(written)
    if port is not None and not 0 < port < 1 << 16:
        return None
    try:
        host = str(ipaddress.ip_address(bracketed or name))
    except ValueError:
        host = (name or "").lower().removesuffix(".")
    return Authority(host, port) if host else None


def in_url(found: Authority, default_port: int) -> str:
    """As it stands in a URL, the port always written."""
    host = f"[{found.host}]" if ":" in found.host else found.host
    return f"{host}:{found.port or default_port}"


def origin(text: str) -> Origin | None:
    """None if it is not `http` or `https` with a host: `null` as well."""
    scheme, separator, rest = text.partition("://")
    scheme = scheme.lower()
    if not separator or scheme not in DEFAULT_PORTS:
        return None
    return at(scheme, rest)


def at(scheme: str, text: str) -> Origin | None:
    """The origin of what is at this host and port."""
    found = authority(text)
    return None if found is None else Origin(scheme, found.host, found.port or DEFAULT_PORTS[scheme])
