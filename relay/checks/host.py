"""What can be known on the host itself, whether or not the server runs."""

import asyncio
import datetime
import ipaddress
import socket
from pathlib import Path

from relay import native
from relay.checks.certificate import check_certificate, why_not_in_core
from relay.checks.consent import check_keys, check_rules
from relay.checks.finding import Finding, failure, ok, warning
from relay.checks.limits import check_limits
from relay.checks.plain import plain
from relay.config.addresses import usable_by_browsers
from relay.config.settings import EngineChoice, Settings, TlsChoice, TurnChoice
from relay.errors import ConfigurationError
from relay.transport.addresses import advertised, is_waiting, own_addresses
from relay.transport.listening import ALL, together
from relay.transport.outside import look, told
from relay.transport.ports import remedy

PATIENCE = 2.0
"""Seconds for a program on this host."""


def check_host(settings: Settings, now: datetime.datetime, found: tuple[str, ...] = ()) -> list[Finding]:
    """Everything that holds whether or not the server runs. `found` are public addresses that the host can't know."""
    return [
        _engine(),
        *_addresses(settings, found),
        *check_certificate(settings, now),
        _turn_inside(settings),
        *check_rules(settings),
        *check_keys(settings),
        _clock(now),
        *check_limits(settings),
    ]


def check_ports(settings: Settings) -> list[Finding]:
    """Whether a server that is started now gets its ports."""
    found = []
    pages, media = settings.network.http_hosts, settings.network.media_hosts
    wanted = {
        (
            "TCP",
            settings.network.port,
            together(pages, media) if settings.network.port == settings.network.tcp_port else pages,
        ),
        (
            "TCP",
            settings.network.tcp_port,
            together(pages, media) if settings.network.port == settings.network.tcp_port else media,
        ),
        ("UDP", settings.network.udp_port, media),
    }
    for protocol, port, hosts in sorted(wanted):
        kind = socket.SOCK_STREAM if protocol == "TCP" else socket.SOCK_DGRAM
        name = f"{protocol} port {port}"
        for host in hosts or ALL[:1]:
            with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind) as own:
                if kind is socket.SOCK_STREAM:
                    own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    own.bind((host, port))
                except OSError as cause:
                    found.append(failure(name, f"It can't be opened on {host}. {remedy(protocol, port, cause)}"))
                else:
                    found.append(ok(name, f"It is free on {host}. The server is not running now."))
    return found


async def check_turn_backend(settings: Settings) -> list[Finding]:
    """Whether somebody listens where our port leads to."""
    if settings.turn.turn_sni is None:
        return []
    host, _, port = settings.turn.turn_backend.rpartition(":")
    try:
        async with asyncio.timeout(PATIENCE):
            _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    except (OSError, TimeoutError) as cause:
        sentence = (
            f"Nothing listens at RELAY_TURN_BACKEND, {settings.turn.turn_backend} ({plain(cause)}). Start coturn there."
        )
        return [failure("TURN over TLS", sentence)]
    writer.close()
    return [ok("TURN over TLS", f"TLS for {settings.turn.turn_sni} on our port goes to {settings.turn.turn_backend}.")]


def _engine() -> Finding:
    if native.BUILT:
        return ok("engine", "The native core is built: media is forwarded as it is.")
    return warning(
        "engine",
        "The native core is not built, so every picture is decoded and encoded again, which takes a third of a core"
        " per person. Install a Rust toolchain and install the package again.",
    )


def _turn_inside(settings: Settings) -> Finding:
    """What browsers are offered of our own TURN, and why it is not all that it could be."""
    name = "TURN inside"
    has_other = any(url.startswith("turns:") for url in settings.turn.turn_urls)
    say, loss = (ok, "") if has_other else (warning, " Networks that let only TLS through can't be served.")
    if settings.turn.turn_inside is TurnChoice.OFF:
        return say(name, f"RELAY_TURN_INSIDE is off.{loss}")
    if settings.media.engine is EngineChoice.FRAMES or not native.BUILT:
        return say(name, f"The frames engine has none.{loss}")
    instead = f"browsers are offered TURN without TLS, on TCP port {settings.network.outside_tcp_port}.{loss}"
    if settings.https.tls is None and settings.https.tls_cert is None:
        remedy = (
            "Give the server the certificate (RELAY_TLS_CERT, RELAY_TLS_KEY); a proxy in front can pass TLS on unread."
        )
        return say(name, f"TLS does not end here, so {instead} {remedy}")
    if (cause := why_not_in_core(settings)) is not None:
        return say(name, f"The core does not take the certificate ({cause}), so {instead}")
    sentence = "Browsers are offered turns:NAME:PORT?transport=tcp, by the name and port of the page."
    if settings.https.tls is TlsChoice.SELF_SIGNED:
        return ok(name, f"{sentence} Chromium takes no self-signed certificate there, unless its system trusts it.")
    return ok(name, f"{sentence} Firefox takes no address in the place of a name.")


async def check_outside(settings: Settings) -> tuple[tuple[str, ...], list[Finding]]:
    """The addresses that names and the STUN server tell, and what is wrong with them."""
    if not (settings.network.public_names or settings.network.stun):
        return (), []
    asked = ", ".join(settings.network.public_names) or f"the STUN server {settings.network.stun}"
    try:
        return await look(settings.network), []
    except (OSError, TimeoutError, UnicodeError) as cause:
        setting = "RELAY_STUN" if settings.network.stun else "RELAY_PUBLIC_ADDRESS"
        sentence = f"{asked} does not tell our address: {plain(cause)}. Correct {setting}, or the name server."
        return (), [failure("public address", sentence)]


def _addresses(settings: Settings, found: tuple[str, ...] = ()) -> list[Finding]:
    try:
        literal = settings.but(public_address=settings.network.public_ips).network
        addresses = told(settings.network, found, advertised(literal))
    except ConfigurationError as error:
        return [failure("address", str(error))]
    listed = ", ".join(addresses)
    if not found and is_waiting(addresses, literal):
        sentence = f"This host has no address but loopback, so browsers are told {listed}, and nobody else gets media."
        return [failure("address", f"{sentence} Bring its network up: addresses that come are told from then on.")]
    # Whether Chromium takes port 443 is whether it takes the address for public.
    public = [address for address in addresses if usable_by_browsers(address, 443)]
    if not public:
        return [
            warning(
                "address",
                f"Browsers are told {listed}, which only people in the same network can reach. For others set"
                " RELAY_PUBLIC_ADDRESS to the address that the internet sees.",
            )
        ]
    own = set(own_addresses())
    translated = [address for address in public if ipaddress.ip_address(address) not in own]
    if translated:
        ports = f"UDP {settings.network.outside_udp_port} and TCP {settings.network.outside_tcp_port}"
        sentence = f"{', '.join(translated)} is not this host's own: a NAT in front of it has to pass {ports} on."
        return [ok("address", f"Browsers are told {listed}. {sentence}")]
    return [ok("address", f"Browsers are told {listed}.")]


def _clock(now: datetime.datetime) -> Finding:
    built = datetime.datetime.fromtimestamp(Path(__file__).stat().st_mtime, datetime.UTC)
    if now < built - datetime.timedelta(days=1):
        return failure("clock", f"It says {now:%Y-%m-%d}, which is before this program was installed. Set it.")
    return ok("clock", f"It says {now:%Y-%m-%d %H:%M} UTC.")
