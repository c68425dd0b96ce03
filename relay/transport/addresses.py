"""Which addresses browsers are told to send media to."""

import asyncio
import contextlib
import ipaddress
import socket

import ifaddr

from relay.config import TURN_URL, Settings, usable_by_browsers
from relay.errors import ConfigurationError
from relay.ledger.addresses import Address
from relay.transport.listening import ALL, holds

LOOKUP_TIMEOUT = 3.0
"""Seconds that a name server has at start-up."""


def advertised(settings: Settings) -> tuple[str, ...]:
    """The configured public addresses, or else the host's own: loopback only when it has no other.

    Link-local addresses are left out: they need a zone, which a candidate can't carry.

    Raises:
        ConfigurationError: browsers would take none of them with the media port's number.
    """
    own = own_addresses()
    deaf = [address for address in map(str, own) if not holds(settings.media_hosts, address)]
    if settings.public_address:
        if unheard := [address for address in settings.public_address if address in deaf]:
            raise ConfigurationError(
                f"`public_address` has {', '.join(unheard)}, which is this host's and where nobody listens: media is"
                f" taken at {', '.join(settings.media_hosts)} only (`media_bind`, `bind`)."
            )
        return settings.public_address
    written = [ipaddress.ip_address(host) for host in settings.media_hosts if host not in ALL]
    own = [address for address in (*own, *(set(written) - set(own))) if str(address) not in deaf]
    if not own:
        raise ConfigurationError(
            f"Media is taken at {', '.join(settings.media_hosts)} only, and this host has no such address: correct"
            " `media_bind` or `bind`, or set `public_address`."
        )
    reachable = [str(address) for address in own if not address.is_loopback] or [str(address) for address in own]
    ports = settings.outside_udp_port, settings.outside_tcp_port
    usable = tuple(address for address in reachable if all(usable_by_browsers(address, port) for port in ports))
    if not usable:
        raise ConfigurationError(
            f"This host has only private addresses ({', '.join(reachable)}), and with those Chromium ignores media"
            f" port {settings.outside_udp_port}: it is below 1024. Set `media_port` to 1024 or above, or"
            " `public_address` to the address that people outside use."
        )
    return usable


async def turn_relays(settings: Settings) -> frozenset[str]:
    """Addresses that TURN servers may send media from: those of their names, and, as coturn often runs
    beside us, our own. What can't be looked up is left out."""
    if not settings.turn_urls:
        return frozenset()
    hosts = {found[1].strip("[]") for url in settings.turn_urls if (found := TURN_URL.fullmatch(url))}
    addresses = {str(address) for address in own_addresses()} | set(settings.public_address)
    for host in hosts:
        with contextlib.suppress(OSError, TimeoutError, UnicodeError):
            async with asyncio.timeout(LOOKUP_TIMEOUT):
                answers = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_DGRAM)
            addresses |= {str(answer[4][0]) for answer in answers}
    return frozenset(addresses)


def own_addresses() -> list[Address]:
    """Every address of this host but link-local ones."""
    return [
        address
        for adapter in ifaddr.get_adapters()
        for ip in adapter.ips
        if not (address := ipaddress.ip_address(ip.ip if isinstance(ip.ip, str) else ip.ip[0])).is_link_local
    ]
