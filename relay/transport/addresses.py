"""Which addresses browsers are told to send media to, and which are TURN's.

Owns the choice among the host's own addresses: what nobody elsewhere can reach is left out, and what is likely to be
reached comes first, as a browser loses time with each that leads nowhere. It follows the host: a network may come up
after the server, and change.
"""

import asyncio
import contextlib
import ipaddress
import re
import socket
from collections import Counter
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

from relay.config.addresses import TURN_URL, usable_by_browsers
from relay.config.settings import NetworkSettings
from relay.errors import ConfigurationError
from relay.ledger.addresses import Address
from relay.machine.interfaces import FRESH, MOMENT, Interface, Interfaces, OwnAddress
from relay.observe.logs.logging import get_logger
from relay.tasks import Report, Tasks
from relay.transport.listening import holds

LOOKUP_TIMEOUT = 3.0
"""Seconds that a name server has at start-up."""

LOOK_INTERVAL = 5.0
"""Seconds between looks for changes while nobody makes an offer."""

MOST_ADVERTISED = 8
"""Of the host's own; each is a candidate over UDP and one over TCP."""

LOOPBACK = (ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1"))

OF_CONTAINERS = re.compile(
    r"(docker|br-|veth|virbr|vnet|cni|lxc|lxdbr|incusbr|podman|cali|cilium|flannel|kube|nodelocaldns|weave|vboxnet|vmnet"
    r"|ve-|vb-).*"
)
"""Interfaces between this host and what runs on it, by the names that containers and virtual machines give them."""

BRIDGE = "bridge"
TUNNELS = frozenset({"tun", "wireguard", "ipip", "sit", "ip6tnl", "gre", "ip6gre", "vti", "vti6", "xfrm", "vxlan"})
"""Kinds of interfaces behind which few people are."""

log = get_logger("addresses")


class Advertised:
    """What browsers are told now. The log says when that changes; without offers it looks by itself, from `start()` to
    `close()`."""

    def __init__(self, network: NetworkSettings, interfaces: Interfaces, report: Report) -> None:
        """
        Raises:
            ConfigurationError: browsers would take none of them with the media port's number.
        """
        self._network = network
        self._interfaces = interfaces
        self._known = interfaces.addresses()
        self._told = advertised(network, self._known)
        self._warned: set[str] = set()
        self._tasks = Tasks("addresses", report)

    def start(self) -> None:
        """Warn of what keeps people out now, and begin to look for changes."""
        self._warn()
        if not self._network.public_address:
            self._tasks.repeat("look", LOOK_INTERVAL, self._look)

    async def close(self) -> None:
        """Idempotent."""
        await self._tasks.close()

    def addresses(self, *, just_changed: bool = False) -> tuple[str, ...]:
        """In the order in which they are to be tried. `just_changed`: who asks has lost the one that they had."""
        if not self._network.public_address:
            self._look(MOMENT if just_changed else FRESH)
        return self._told

    def _look(self, fresh: float = FRESH) -> None:
        known = self._interfaces.addresses(fresh)
        if known == self._known:
            return
        self._known = known
        told = tuple(map(str, choose(known, self._network.media_hosts)))
        told = _usable(told, self._network) or told
        if told != self._told:
            self._told = told
            log.info("addresses_changed", advertised=", ".join(self._told))
            self._warn()

    def _warn(self) -> None:
        """Once of each."""
        if self._network.public_address:
            return
        if (failure := self._interfaces.failure) is not None:
            self._say("addresses_unknown", "set RELAY_PUBLIC_ADDRESS", cause=str(failure))
        elif is_waiting(self._told, self._network):
            remedy = "bring a network up: its addresses are told from then on; or set RELAY_PUBLIC_ADDRESS"
            self._say("only_loopback", remedy)
        elif not _usable(self._told, self._network):
            self._say("addresses_unusable", _unusable(self._told, self._network))

    def _say(self, event: str, remedy: str, **more: str) -> None:
        if event not in self._warned:
            self._warned.add(event)
            log.warning(event, remedy=remedy, advertised=", ".join(self._told), **more)


def advertised(network: NetworkSettings, own: Iterable[OwnAddress] | None = None) -> tuple[str, ...]:
    """The configured public addresses, or else of the host's `own` those that are likely to be reached. In the order in
    which they are to be tried.

    Raises:
        ConfigurationError: browsers would take none of them with the media port's number.
    """
    own = Interfaces().addresses() if own is None else own
    if network.public_address:
        _hear(network, own)
        # IPv6 first (RFC 8421), then as configured.
        return tuple(sorted(network.public_address, key=lambda each: ipaddress.ip_address(each).version != 6))
    told = tuple(map(str, choose(own, network.media_hosts)))
    if usable := _usable(told, network):
        return usable
    if is_waiting(told, network):
        return told
    raise ConfigurationError(_unusable(told, network))


def _hear(network: NetworkSettings, own: Iterable[OwnAddress]) -> None:
    """Refuse addresses of this host where nobody listens."""
    deaf = {str(each.address) for each in own if not holds(network.media_hosts, str(each.address))}
    if unheard := [address for address in network.public_address if address in deaf]:
        raise ConfigurationError(
            f"`public_address` has {', '.join(unheard)}, which is this host's and where nobody listens: media is"
            f" taken at {', '.join(network.media_hosts)} only (`media_bind`, `bind`)."
        )


def choose(own: Iterable[OwnAddress], bind: Sequence[str]) -> tuple[Address, ...]:
    """The best of the host's own addresses that are listened on, `MOST_ADVERTISED` at most. Loopback only where there
    is no other. Those that `bind` names are worth telling whatever they are."""
    bound = [ipaddress.ip_address(written) for written in bind]
    versions = {address.version for address in bound if address.is_unspecified} if bound else {4, 6}
    named = {address for address in bound if not address.is_unspecified and not address.is_link_local}
    found = {each.address: each for each in own}
    found |= {address: OwnAddress(address, Interface("")) for address in named - found.keys()}
    listened = [each for each in found.values() if each.address in named or each.address.version in versions]
    worth = [each for each in listened if each.address in named or _is_worth_telling(each)]
    if reachable := [each for each in worth if not each.address.is_loopback]:
        return tuple(each.address for each in _ordered(reachable))[:MOST_ADVERTISED]
    loopback = [each.address for each in listened if each.address.is_loopback]
    return tuple(loopback or (address for address in LOOPBACK if address.version in versions))


def is_waiting(told: Sequence[str], network: NetworkSettings) -> bool:
    """Whether there is nothing but loopback, and any address that comes will be listened on."""
    if network.public_address:
        return False
    hosts = network.media_hosts
    everywhere = not hosts or any(ipaddress.ip_address(written).is_unspecified for written in hosts)
    return everywhere and all(ipaddress.ip_address(address).is_loopback for address in told)


def _is_worth_telling(own: OwnAddress) -> bool:
    # What the way to the internet goes by is no container's, whatever it is called.
    is_ours = own.is_source or not OF_CONTAINERS.fullmatch(own.interface.name)
    return own.is_usable and own.interface.is_up and is_ours


@dataclass(frozen=True, slots=True, order=True)
class _Rank:
    """The smaller, the sooner."""

    distance: int
    """0 for public addresses, 1 for private ones, 2 for those of bridges and tunnels."""
    is_not_source: bool
    is_secondary: bool


def _rank(own: OwnAddress) -> _Rank:
    is_aside = own.interface.kind in TUNNELS or own.interface.is_point_to_point
    is_aside = is_aside or (own.interface.kind == BRIDGE and not own.is_source)
    distance = 0 if _is_public(own.address) else 1 + is_aside
    return _Rank(distance, not own.is_source, own.is_secondary)


def _ordered(own: Iterable[OwnAddress]) -> list[OwnAddress]:
    """By rank; at the same distance IPv6 and IPv4 take turns, as either may lead nowhere (RFC 8421 section 4)."""
    turns: Counter[tuple[int, int]] = Counter()
    places = []
    for each in sorted(own, key=_rank):
        distance, version = _rank(each).distance, each.address.version
        places.append((distance, turns[distance, version], version != 6, each))
        turns[distance, version] += 1
    return [each for *_, each in sorted(places, key=lambda place: place[:3])]


def _is_public(address: Address) -> bool:
    # Whether Chromium takes port 443 is whether it takes the address for public.
    return usable_by_browsers(str(address), 443)


def _usable(told: Iterable[str], network: NetworkSettings) -> tuple[str, ...]:
    ports = network.outside_udp_port, network.outside_tcp_port
    return tuple(address for address in told if all(usable_by_browsers(address, port) for port in ports))


def _unusable(told: Iterable[str], network: NetworkSettings) -> str:
    return (
        f"This host has only private addresses ({', '.join(told)}), and with those Chromium ignores media"
        f" port {network.outside_udp_port}: it is below 1024. Set `media_port` to 1024 or above, or"
        " `public_address` to the address that people outside use."
    )


class TurnRelays:
    """Addresses that TURN servers may send media from: those of their names, and, as coturn often runs beside us, our
    own of now. A container."""

    def __init__(self, named: Container[str], own: Container[str]) -> None:
        self._named = named
        self._own = own

    def __contains__(self, address: object) -> bool:
        return address in self._named or address in self._own


async def turn_relays(urls: Sequence[str], public: Sequence[str], interfaces: Interfaces) -> Container[str]:
    """Look up the names in the `urls` of TURN servers. What can't be found is left out."""
    if not urls:
        return frozenset()
    hosts = {found[1].strip("[]") for url in urls if (found := TURN_URL.fullmatch(url))}
    addresses = set(public)
    for host in hosts:
        with contextlib.suppress(OSError, TimeoutError, UnicodeError):
            async with asyncio.timeout(LOOKUP_TIMEOUT):
                answers = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_DGRAM)
            addresses |= {str(answer[4][0]) for answer in answers}
    return TurnRelays(addresses, interfaces)


def own_addresses() -> list[Address]:
    """Every address of this host now but link-local ones."""
    return [own.address for own in Interfaces().addresses()]
