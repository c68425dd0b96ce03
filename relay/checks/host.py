"""What can be known on the host itself, whether or not the server runs: ports, addresses, certificate, limits."""

import datetime
import errno
import ipaddress
import resource
import socket
from pathlib import Path

from cryptography import x509

from relay import native
from relay.checks.finding import Finding, failure, ok, warning
from relay.config import Settings, TlsChoice, usable_by_browsers
from relay.errors import ConfigurationError
from relay.observe.capacity import DESCRIPTORS_PER_PERSON, limits_of
from relay.transport.addresses import advertised, is_waiting, own_addresses
from relay.web.front import state_folder
from relay.web.self_signed import CERTIFICATE
from relay.web.tls import Certificate

SOON = datetime.timedelta(days=14)
"""A certificate that ends within this should have been renewed."""

BUFFER_WANTED = 1024 * 1024
"""Bytes: the smallest buffer that the media port asks for."""

_LIMITS = {"receive": Path("/proc/sys/net/core/rmem_max"), "send": Path("/proc/sys/net/core/wmem_max")}


def check_host(settings: Settings, now: datetime.datetime, *, running: bool) -> list[Finding]:
    """Everything; `running`: the server answers, so its ports are taken by itself."""
    return [
        _engine(),
        *([] if running else _ports(settings)),
        *_addresses(settings),
        *_certificate(settings, now),
        _clock(now),
        _descriptors(settings),
        *_buffers(),
    ]


def _engine() -> Finding:
    if native.BUILT:
        return ok("engine", "The native core is built: media is forwarded as it is.")
    return warning(
        "engine",
        "The native core is not built, so every picture is decoded and encoded again, which takes a third of a core"
        " per person. Install a Rust toolchain and install the package again.",
    )


def _ports(settings: Settings) -> list[Finding]:
    found = []
    wanted = {
        ("TCP", settings.port): socket.SOCK_STREAM,
        ("TCP", settings.tcp_port): socket.SOCK_STREAM,
        ("UDP", settings.udp_port): socket.SOCK_DGRAM,
    }
    for (protocol, port), kind in wanted.items():
        name = f"{protocol} port {port}"
        for host in settings.bind or ("0.0.0.0",):  # noqa: S104 - as the server itself
            with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind) as own:
                if kind is socket.SOCK_STREAM:
                    own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    own.bind((host, port))
                except OSError as cause:
                    found.append(failure(name, f"It can't be opened on {host}: {_why(cause)}"))
                else:
                    found.append(ok(name, f"It is free on {host}. The server is not running now."))
    return found


def _why(cause: OSError) -> str:
    match cause.errno:
        case errno.EADDRINUSE:
            return "another program uses it. Stop that program, or set another port."
        case errno.EACCES:
            return "only root may open ports below 1024. Set RELAY_PORT to 1024 or above, or give the right to it."
        case errno.EADDRNOTAVAIL:
            return "it is no address of this host. Correct RELAY_BIND."
        case _:
            return f"{cause.strerror}."


def _addresses(settings: Settings) -> list[Finding]:
    try:
        addresses = advertised(settings)
    except ConfigurationError as error:
        return [failure("address", str(error))]
    listed = ", ".join(addresses)
    if is_waiting(addresses, settings):
        sentence = f"This host has no address but loopback, so browsers are told {listed}, and nobody else gets media."
        remedy = "Bring its network up: the server tells the addresses that come from then on."
        return [failure("address", f"{sentence} {remedy}")]
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
        ports = f"UDP {settings.outside_udp_port} and TCP {settings.outside_tcp_port}"
        sentence = f"{', '.join(translated)} is not this host's own: a NAT in front of it has to pass {ports} on."
        return [ok("address", f"Browsers are told {listed}. {sentence}")]
    return [ok("address", f"Browsers are told {listed}.")]


def _certificate(settings: Settings, now: datetime.datetime) -> list[Finding]:
    if settings.tls is TlsChoice.SELF_SIGNED:
        file = state_folder(settings) / CERTIFICATE
        sentence = f"The certificate {file} is our own: browsers warn about it once. Fine in a local network."
        return [warning("certificate", sentence)]
    if settings.tls_cert is None or settings.tls_key is None:
        if settings.trusted_proxies:
            return [ok("certificate", "HTTPS is the reverse proxy's business.")]
        return [
            warning(
                "certificate",
                "There is no HTTPS, and without it browsers give out the camera on this host only. Set RELAY_TLS_CERT"
                " and RELAY_TLS_KEY, or RELAY_TLS=self-signed in a local network.",
            )
        ]
    try:
        Certificate(Path(settings.tls_cert), Path(settings.tls_key))
    except ConfigurationError as error:
        return [failure("certificate", str(error))]
    certificate = x509.load_pem_x509_certificate(Path(settings.tls_cert).read_bytes())
    return [_validity(certificate.not_valid_before_utc, certificate.not_valid_after_utc, now)]


def _validity(begins: datetime.datetime, ends: datetime.datetime, now: datetime.datetime) -> Finding:
    left = ends - now
    if now < begins:
        return failure("certificate", f"It is valid from {begins:%Y-%m-%d} only. Is the clock right?")
    if left <= datetime.timedelta(0):
        return failure("certificate", f"It ended on {ends:%Y-%m-%d}. Renew it; the server reads it by itself.")
    if left < SOON:
        return warning("certificate", f"It ends in {left.days} days, on {ends:%Y-%m-%d}. Renew it.")
    return ok("certificate", f"It is valid for {left.days} more days.")


def _clock(now: datetime.datetime) -> Finding:
    built = datetime.datetime.fromtimestamp(Path(__file__).stat().st_mtime, datetime.UTC)
    if now < built - datetime.timedelta(days=1):
        return failure("clock", f"It says {now:%Y-%m-%d}, which is before this program was installed. Set it.")
    return ok("clock", f"It says {now:%Y-%m-%d %H:%M} UTC.")


def _descriptors(settings: Settings) -> Finding:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    people = limits_of(settings).people
    wanted = people * DESCRIPTORS_PER_PERSON
    if most not in (resource.RLIM_INFINITY, -1) and most < wanted:
        return failure(
            "descriptors",
            f"A process may have {most} files and connections open, and {people} people need {wanted}."
            " Raise the limit (ulimit -n, LimitNOFILE), or lower RELAY_MAX_PEOPLE.",
        )
    return ok("descriptors", f"Enough for {people} people.")


def _buffers() -> list[Finding]:
    found = []
    for direction, file in _LIMITS.items():
        if not file.is_file():
            continue  # in a container of its own the system does not tell
        most = int(file.read_text())
        name = f"{direction} buffer"
        if most < BUFFER_WANTED:
            setting = f"net.core.{file.name}"
            found.append(
                warning(name, f"{setting} is {most}: packets get lost when many come at once. Set {BUFFER_WANTED}.")
            )
        else:
            found.append(ok(name, f"Up to {most} bytes."))
    return found
