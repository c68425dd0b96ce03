"""Replaces people's addresses in what is logged. One address has one pseudonym, until the process ends.

The key is random and never leaves the process, so that nobody can find an address by trying them all.
"""

import hashlib
import ipaddress
import re
import secrets
from collections.abc import Container, Iterable
from typing import Protocol

CANDIDATE = re.compile(r"(?<![\w.:])[0-9A-Fa-f:.]*[:.][0-9A-Fa-f:.]*[0-9A-Fa-f:](?![\w])")
"""What may be an address, with a port perhaps; `ipaddress` decides."""


class Pseudonyms:
    """`own` addresses are the server's: they tell nothing of people and stay as they are. More may be found later."""

    def __init__(self, own: Container[str] = ()) -> None:
        self._key = secrets.token_bytes(16)
        self._own = own

    def hide(self, text: str) -> str:
        """The text with a pseudonym for each address of others."""
        return CANDIDATE.sub(lambda found: self._replace(found.group()), text)

    def _replace(self, token: str) -> str:
        host, colon, port = token.rpartition(":")
        for address, rest in ((token, ""), (host, colon + port)):
            try:
                parsed = ipaddress.ip_address(address)
            except ValueError:
                continue
            if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
                parsed = parsed.ipv4_mapped
            if parsed.is_loopback or parsed.is_unspecified or str(parsed) in self._own:
                return token
            return f"address-{hashlib.blake2b(parsed.packed, key=self._key, digest_size=4).hexdigest()}{rest}"
        return token


class HostAddresses(Protocol):
    """Knows the addresses of this host."""

    def have_now(self, address: str) -> bool: ...


class Ours:
    """The host's own addresses, whatever they are now, and those that are configured or found later. A container."""

    def __init__(self, interfaces: HostAddresses, configured: Iterable[str]) -> None:
        self._interfaces = interfaces
        self._known = set(configured)

    def add(self, found: Iterable[str]) -> None:
        """These are ours from now on, and stay so: the log still names them when they have changed."""
        self._known.update(found)

    def __contains__(self, address: object) -> bool:
        return address in self._known or self._interfaces.have_now(str(address))
