"""Every setting: its name, type, default and meaning, and where its value came from.

Later wins: defaults, a TOML file (`--config` or `RELAY_CONFIG`), the environment (`RELAY_*`), flags. Read
once at start-up, frozen, passed down. A setting that is unknown, ill-typed or contradicts another
stops start-up with a sentence that names it.
"""

import difflib
import ipaddress
import re
import tomllib
from collections.abc import Collection, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, get_args, get_type_hints
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from relay.errors import ConfigurationError

ENVIRONMENT_PREFIX = "RELAY_"
CONFIG_VARIABLE = "RELAY_CONFIG"
SECRETS = frozenset({"metrics_token", "operator_token", "turn_secret"})
"""Settings that are never printed, and that may be in a file of their own, which `RELAY_..._FILE` names."""

INJECTED = re.compile(r"(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?|ENV_\w+)")
"""What Kubernetes and Docker's links put into the environment for a service called `relay`, after the prefix."""
INJECTED_VALUES = {"PORT": re.compile(r"(tcp|udp|sctp)://\S+"), "NAME": re.compile(r"/\S+")}
"""The same in variables that end so, and may be ours."""

FILE_SUFFIX = "_FILE"
LARGEST_SECRET = 4_096
"""Bytes of a file that holds a secret."""

LOWEST_UNPRIVILEGED_PORT = 1024
SELF_SIGNED_PORT = 8443

TURN_URL = re.compile(r"turns?:(\[[0-9A-Fa-f:.]+\]|[^:?/@\s]+)(:\d{1,5})?(\?transport=(udp|tcp))?")
"""RFC 7065 section 3.1."""

HOST = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*|\[?[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*\]?")
"""A name, an IPv4 address or an IPv6 address, without a port."""

NAME = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*\.?")
"""A host name; what looks like an address and is none has no letter."""

STUN = re.compile(r"(stun:)?[A-Za-z0-9.-]+(:\d{1,5})?")

BASE_PATH = re.compile(r"/|(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+/?")
OWN_NAMES = frozenset({"assets", "check", "metrics", "operator", "videochat", "ws"})
"""Of what is served at the root: a folder of such a name would hide it."""

NOT_PUBLIC = tuple(
    ipaddress.ip_network(network)
    for network in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("::1/128", "fc00::/7", "fe80::/10"),
    )
)
"""Addresses that Chromium takes for private."""

Port = Annotated[int, Meta(ge=1, le=65_535)]


def is_address(written: str) -> bool:
    """Whether it is an IP address rather than a name."""
    try:
        ipaddress.ip_address(written)
    except ValueError:
        return False
    return True


class EngineChoice(StrEnum):
    """Which engine moves the media."""

    PACKETS = "packets"
    FRAMES = "frames"


class TlsChoice(StrEnum):
    """Where a certificate comes from when none is given."""

    SELF_SIGNED = "self-signed"


class ForwardedHeader(StrEnum):
    """The header in which reverse proxies say whom they speak for."""

    X_FORWARDED_FOR = "x-forwarded-for"
    FORWARDED = "forwarded"


class LogFormat(StrEnum):
    CONSOLE = "console"
    JSON = "json"


class LogLevel(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The effective configuration. `relay config` prints it with the origin of each value."""

    port: Annotated[
        Port,
        Meta(
            description="Number of the one port: pages, WebSocket and media over TCP, media over UDP; 8443 by default"
            " with `tls`."
        ),
    ] = 8080
    media_port: Annotated[
        Port | None, Meta(description="Media port (UDP and TCP), when it must differ from `port`.")
    ] = None
    public_udp_port: Annotated[
        Port | None, Meta(description="UDP media port as seen from outside, when a NAT or Docker changes it.")
    ] = None
    public_tcp_port: Annotated[
        Port | None, Meta(description="TCP media port as seen from outside, when a NAT or Docker changes it.")
    ] = None
    bind: Annotated[tuple[str, ...], Meta(description="Addresses to listen on; empty: all, IPv4 and IPv6.")] = ()
    http_bind: Annotated[
        tuple[str, ...], Meta(description="Addresses for pages and the WebSocket; empty: those of `bind`.")
    ] = ()
    media_bind: Annotated[
        tuple[str, ...], Meta(description="Addresses for media, UDP and TCP; empty: those of `bind`.")
    ] = ()
    public_address: Annotated[
        tuple[str, ...],
        Meta(
            description="Addresses that browsers are told to send media to, or host names, which are looked up again"
            " and again; empty: the host's own."
        ),
    ] = ()
    stun: Annotated[
        str | None,
        Meta(
            description="STUN server, as host:port, which tells the address that a NAT has for this host alone; empty:"
            " none is asked."
        ),
    ] = None
    tls: Annotated[
        TlsChoice | None,
        Meta(description="`self-signed`: make a certificate for the local network, and serve on 8443."),
    ] = None
    tls_cert: Annotated[
        str | None, Meta(description="Certificate chain (PEM file) for HTTPS; read again when it is renewed.")
    ] = None
    tls_key: Annotated[str | None, Meta(description="Key (PEM file) of `tls_cert`.")] = None
    state_dir: Annotated[
        str | None,
        Meta(
            description="Folder for what is kept, such as the self-signed certificate; empty: `~/.local/state/relay`."
        ),
    ] = None
    turn_urls: Annotated[
        tuple[str, ...],
        Meta(
            description="TURN servers that browsers may fall back to, such as turns:turn.example.org:443?transport=tcp."
        ),
    ] = ()
    turn_secret: Annotated[
        Annotated[str, Meta(min_length=8)] | None,
        Meta(description="Secret that is shared with coturn (`static-auth-secret`)."),
    ] = None
    turn_lifetime: Annotated[
        int, Meta(ge=60, description="Seconds that a visitor's TURN credentials are valid; renewed after half.")
    ] = 43_200
    turn_sni: Annotated[
        str | None,
        Meta(description="Host name of TURN over TLS on our own TCP port; such connections go to `turn_backend`."),
    ] = None
    turn_backend: Annotated[str, Meta(description="Where coturn listens for TLS, as host:port.")] = "127.0.0.1:5349"
    engine: Annotated[
        EngineChoice | None,
        Meta(description="`packets`: forward in the native core; `frames`: decode and encode; empty: what is built."),
    ] = None
    media_threads: Annotated[int, Meta(ge=1, le=64, description="Threads of the native core that move packets.")] = 1
    transcoders: Annotated[
        Annotated[int, Meta(ge=0, le=1_000)] | None,
        Meta(
            description="Pictures that are converted at once, for pairs without a video codec in common; 0: none;"
            " empty: one per core."
        ),
    ] = None
    max_bitrate: Annotated[
        int,
        Meta(ge=200_000, le=100_000_000, description="Bits per second that one person may send: egress is paid for."),
    ] = 2_500_000
    max_people: Annotated[
        int,
        Meta(ge=0, description="Connected visitors beyond which newcomers are told `server_full`; 0: by the machine."),
    ] = 0
    max_packets: Annotated[
        int, Meta(ge=0, description="Media packets from browsers, a second, likewise; 0: by `media_threads`.")
    ] = 0
    max_cpu: Annotated[
        float,
        Meta(gt=0, le=1, description="Of a media thread's core and of all cores, the part that may be used, likewise."),
    ] = 0.85
    max_lag: Annotated[
        float, Meta(gt=0, description="Seconds by which the event loop may be late all the time, likewise.")
    ] = 0.25
    max_cache: Annotated[
        int, Meta(ge=0, description="Bytes of media kept to be sent again, likewise; 0: a quarter of the memory.")
    ] = 0
    max_per_address: Annotated[
        int, Meta(ge=1, description="Visitors from one address (IPv6: from one /64) at the same time.")
    ] = 50
    max_cpu_per_address: Annotated[
        float,
        Meta(
            gt=0,
            le=1,
            description="Share of the event loop's CPU (0 to 1) that one address may use, beyond what a household"
            " needs; 1: nothing is metered by address.",
        ),
    ] = 0.25
    trusted_proxies: Annotated[
        tuple[str, ...],
        Meta(
            description="Addresses or networks of reverse proxies that say for whom they ask, by a header or the PROXY"
            " protocol, and are believed."
        ),
    ] = ()
    forwarded_header: Annotated[
        ForwardedHeader,
        Meta(
            description="The header that trusted proxies write: `x-forwarded-for`, with `X-Forwarded-Proto` and"
            " `X-Forwarded-Host` beside it, or `forwarded` (RFC 7239). The other one is ignored."
        ),
    ] = ForwardedHeader.X_FORWARDED_FOR
    hosts: Annotated[
        tuple[str, ...],
        Meta(
            description="Host names and addresses that are served; empty: any, but over loopback only names of this"
            " machine itself."
        ),
    ] = ()
    base_path: Annotated[
        str,
        Meta(
            description="Folder of the site in which everything is served, such as /chat/, where a proxy does not take"
            " it off."
        ),
    ] = "/"
    allowed_origins: Annotated[
        tuple[str, ...],
        Meta(description="Origins besides the page's own that may connect and read `/videochat/`."),
    ] = ()
    hsts_seconds: Annotated[
        int,
        Meta(
            ge=0,
            description="Seconds for which browsers are to use HTTPS alone, once they have seen a certificate that is"
            " not self-signed; 0: they are not told.",
        ),
    ] = 31_536_000
    hsts_subdomains: Annotated[
        bool, Meta(description="Whether `hsts_seconds` is for all names below this one as well.")
    ] = False
    operator_token: Annotated[
        Annotated[str, Meta(min_length=16)] | None,
        Meta(
            description="Opens the operator's endpoints as a bearer token, best a random one; empty: they are closed."
        ),
    ] = None
    metrics_token: Annotated[
        Annotated[str, Meta(min_length=16)] | None,
        Meta(description="Opens `/metrics` and nothing else, as a bearer token."),
    ] = None
    resume_window: Annotated[
        float, Meta(ge=0, description="Seconds that a visitor whose connection was lost may take to come back.")
    ] = 30.0
    drain_timeout: Annotated[float, Meta(ge=0, description="Seconds that conversations may go on after SIGTERM.")] = (
        60.0
    )
    metrics_allow: Annotated[
        tuple[str, ...],
        Meta(description="Addresses or networks that may read `/metrics` without a token; none by itself."),
    ] = ()
    max_message_bytes: Annotated[int, Meta(ge=1_024, description="Largest WebSocket message from a visitor.")] = 65_536
    max_chat_characters: Annotated[int, Meta(ge=1, description="Longest chat message.")] = 2_000
    max_sdp_bytes: Annotated[int, Meta(ge=1_024, description="Largest WebRTC offer.")] = 49_152
    max_sdp_lines: Annotated[int, Meta(ge=10, description="Longest WebRTC offer, in lines.")] = 1_200
    max_candidates: Annotated[int, Meta(ge=1, description="ICE candidates of one connection.")] = 64
    rate_skip: Annotated[int, Meta(ge=1, description="Searches and skips a minute, a third of them at once.")] = 60
    rate_chat: Annotated[int, Meta(ge=1, description="Chat messages a minute, likewise.")] = 90
    rate_offer: Annotated[int, Meta(ge=1, description="WebRTC offers a minute, likewise.")] = 30
    rate_candidate: Annotated[int, Meta(ge=1, description="ICE candidates a minute, likewise.")] = 300
    rate_report: Annotated[int, Meta(ge=1, description="Reports of quality and first frames a minute, likewise.")] = 90
    rate_other: Annotated[int, Meta(ge=1, description="All other events and refused frames a minute, likewise.")] = 240
    rate_address_connection: Annotated[
        int, Meta(ge=1, description="TCP connections a minute from one address, a third of them at once.")
    ] = 6_000
    rate_address_join: Annotated[
        int, Meta(ge=1, description="Visitors a minute who come in from one address, a third of them at once.")
    ] = 400
    rate_address_offer: Annotated[
        int,
        Meta(
            ge=1, description="WebRTC offers a minute from one address, a third of them at once; long ones count more."
        ),
    ] = 300
    rate_address_skip: Annotated[
        int, Meta(ge=1, description="Searches and skips a minute from one address, a third of them at once.")
    ] = 150
    log_level: Annotated[LogLevel, Meta(description="`debug`, `info`, `warning` or `error`.")] = LogLevel.INFO
    log_format: Annotated[LogFormat, Meta(description="`console` for people, `json` for machines.")] = LogFormat.CONSOLE

    @property
    def public_ips(self) -> tuple[str, ...]:
        """Of `public_address`, what is one."""
        return tuple(written for written in self.public_address if is_address(written))

    @property
    def public_names(self) -> tuple[str, ...]:
        """Of `public_address`, what has to be looked up."""
        return tuple(written for written in self.public_address if not is_address(written))

    @property
    def http_hosts(self) -> tuple[str, ...]:
        """Where pages are served; none: at all addresses."""
        return self.http_bind or self.bind

    @property
    def media_hosts(self) -> tuple[str, ...]:
        """Where media is taken; none: at all addresses."""
        return self.media_bind or self.bind

    @property
    def udp_port(self) -> int:
        """The UDP port that media uses."""
        return self.media_port or self.port

    @property
    def tcp_port(self) -> int:
        """The TCP port that media uses when UDP is blocked."""
        return self.media_port or self.port

    @property
    def outside_udp_port(self) -> int:
        """The UDP media port that browsers are told."""
        return self.public_udp_port or self.udp_port

    @property
    def outside_tcp_port(self) -> int:
        """The TCP media port that browsers are told."""
        return self.public_tcp_port or self.tcp_port


class Configuration(msgspec.Struct, frozen=True):
    """The settings, and for each where its value came from."""

    settings: Settings
    origins: Mapping[str, str]
    ignored: tuple[str, ...] = ()
    """Variables that look like settings, and that an orchestrator put there."""


def load(
    environment: Mapping[str, str], flags: Mapping[str, str] | None = None, config_file: str | None = None
) -> Configuration:
    """Merge all sources. `flags` maps setting names to what was written on the command line.

    Raises:
        ConfigurationError: with a sentence that names the setting and its source.
    """
    hints = get_type_hints(Settings, include_extras=True)
    ignored = _injected(environment, hints)
    environment = {name: value for name, value in environment.items() if name not in ignored}
    values: dict[str, Any] = {}
    origins = dict.fromkeys(hints, "default")
    config_file = config_file or environment.get(CONFIG_VARIABLE)
    for written, origin in (
        (_from_file(config_file), f"file {config_file}"),
        (_from_environment(environment), "environment"),
        (dict(flags or {}), "flag"),
    ):
        for name, raw in written.items():
            label = _label(name, origin)
            if name in RENAMED:
                raise ConfigurationError(f"{label} is called {_label(RENAMED[name], origin)} now: write that.")
            if name not in hints:
                raise ConfigurationError(
                    f"{label} is not a setting.{_near(name, origin)} `relay config` lists them all."
                )
            values[name] = _convert(raw, hints[name], label)
            origins[name] = origin
    if values.get("tls") is TlsChoice.SELF_SIGNED:
        values.setdefault("port", SELF_SIGNED_PORT)
        if origins["port"] == "default":
            origins["port"] = "default with tls = self-signed"
    settings = Settings(**values)
    _check(settings)
    return Configuration(settings, origins, ignored)


def describe(name: str) -> str:
    """The one-line meaning of a setting."""
    for note in _notes(name):
        if isinstance(note, Meta) and note.description:
            return note.description
    raise KeyError(name)


def display(configuration: Configuration) -> list[tuple[str, str, str]]:
    """Rows of (setting, value with secrets masked, origin), in the order of definition."""
    return [
        (name, "***" if name in SECRETS and value else written(value), configuration.origins[name])
        for name, value in msgspec.structs.asdict(configuration.settings).items()
    ]


def written(value: object) -> str:
    """A value as one would write it in the environment."""
    if value is None:
        return ""
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value)


RENAMED = {"taps": "transcoders"}
"""What settings were called, and what they are called now."""

FAULTS = (
    (r"Expected `str` of length >= (\d+)", "needs at least {} characters"),
    (r"Expected `str` of length <= (\d+)", "may have at most {} characters"),
    (r"Expected `(?:int|float)` >= ([\d.]+)", "must be {} or more"),
    (r"Expected `(?:int|float)` <= ([\d.]+)", "must be {} or less"),
    (r"Expected `(?:int|float)`, got `.*`", "is not a number"),
    (r"Expected `bool`, got `.*`", "is neither true nor false"),
)
"""How msgspec puts it, and how we do."""


def names() -> tuple[str, ...]:
    """All settings, in the order of definition."""
    return tuple(field.name for field in msgspec.structs.fields(Settings))


def _notes(name: str) -> tuple[object, ...]:
    return tuple(getattr(get_type_hints(Settings, include_extras=True)[name], "__metadata__", ()))


def meant(name: str) -> str | None:
    """The setting that somebody may have meant."""
    near = [RENAMED[name]] if name in RENAMED else difflib.get_close_matches(name, names(), n=1)
    return near[0] if near else None


def _near(name: str, origin: str) -> str:
    likely = meant(name)
    named = origin if origin in ("environment", "flag") else ""
    return f" Did you mean {_label(likely, named)}?" if likely else ""


def _injected(environment: Mapping[str, str], settings: Collection[str]) -> tuple[str, ...]:
    found = []
    for variable, value in environment.items():
        name = variable.removeprefix(ENVIRONMENT_PREFIX)
        if name == variable:
            continue
        of_link = any(name.endswith(end) and form.fullmatch(value) for end, form in INJECTED_VALUES.items())
        if of_link or (INJECTED.fullmatch(name) and name.lower() not in settings):
            found.append(variable)
    return tuple(sorted(found))


def _label(name: str, origin: str) -> str:
    match origin:
        case "environment":
            return ENVIRONMENT_PREFIX + name.upper()
        case "flag":
            return "--" + name.replace("_", "-")
        case "":
            return f"`{name}`"
        case _:
            return f"`{name}` in {origin}"


def _from_file(path: str | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        return tomllib.loads(Path(path).read_text())
    except (OSError, UnicodeDecodeError) as cause:
        raise ConfigurationError(f"The configuration file {path} can't be read: {cause}.") from cause
    except tomllib.TOMLDecodeError as cause:
        raise ConfigurationError(f"The configuration file {path} is not valid TOML: {cause}.") from cause


def _from_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Without those that are empty: so Compose and service files write what somebody did not set."""
    given = {
        variable: value
        for variable, value in environment.items()
        if variable.startswith(ENVIRONMENT_PREFIX) and variable != CONFIG_VARIABLE and value
    }
    for name in sorted(SECRETS):
        variable = ENVIRONMENT_PREFIX + name.upper()
        path = given.pop(variable + FILE_SUFFIX, None)
        if path is None:
            continue
        if variable in given:
            raise ConfigurationError(f"{variable} and {variable}{FILE_SUFFIX} exclude each other: remove one of them.")
        given[variable] = _secret_in(path, variable + FILE_SUFFIX)
    return {variable.removeprefix(ENVIRONMENT_PREFIX).lower(): value for variable, value in given.items()}


def _secret_in(path: str, variable: str) -> str:
    """What the file holds, without the newline that editors put at the end."""
    try:
        with Path(path).open("rb") as file:
            content = file.read(LARGEST_SECRET + 1)
        text = content.decode().removesuffix("\n").removesuffix("\r")
    except (OSError, UnicodeDecodeError) as cause:
        why = cause.strerror if isinstance(cause, OSError) else "it is not text in UTF-8"
        raise ConfigurationError(f"The file {path} of {variable} can't be read: {why}.") from cause
    if not text:
        raise ConfigurationError(f"The file {path} of {variable} is empty.")
    if len(content) > LARGEST_SECRET or not text.isprintable():
        raise ConfigurationError(f"The file {path} of {variable} is not one line of at most {LARGEST_SECRET} bytes.")
    return text


def _convert(raw: Any, kind: Any, label: str) -> Any:
    try:
        return msgspec.convert(raw, kind, strict=False)
    except msgspec.ValidationError as first:
        if isinstance(raw, str):
            # A list is written with commas where the source has only text.
            parts = [part.strip() for part in raw.split(",") if part.strip()]
            try:
                return msgspec.convert(parts, kind, strict=False)
            except msgspec.ValidationError:
                pass
        if isinstance(raw, str) and (allowed := _choices(kind)):
            raise ConfigurationError(f"{label} is {raw!r}, and can be: {', '.join(allowed)}.") from first
        raise ConfigurationError(f"{label} {_fault(str(first))}.") from first


def _fault(told: str) -> str:
    """What msgspec says of a value, in an operator's words."""
    for pattern, words in FAULTS:
        if found := re.fullmatch(pattern, told):
            return words.format(*found.groups())
    return f"is not right: {told}"


def _choices(kind: Any) -> list[str]:
    """The values of an enumeration, wherever it is in the type."""
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return [member.value for member in kind]
    return [choice for part in get_args(kind) for choice in _choices(part)]


def _check(settings: Settings) -> None:
    for name in ("bind", "http_bind", "media_bind"):
        for address in getattr(settings, name):
            if not is_address(address):
                raise ConfigurationError(f"`{name}` has {address!r}, which is not an IP address.")
    for written in settings.public_names:
        if not NAME.fullmatch(written):
            raise ConfigurationError(
                f"`public_address` has {written!r}, which is neither an IP address nor a host name."
            )
    if settings.stun is not None and not STUN.fullmatch(settings.stun):
        raise ConfigurationError(f"`stun` is {settings.stun!r}, which is not host:port.")
    if settings.stun is not None and settings.public_address:
        raise ConfigurationError("`stun` and `public_address` exclude each other: remove one of them.")
    for name in ("trusted_proxies", "metrics_allow"):
        for network in getattr(settings, name):
            try:
                ipaddress.ip_network(network)
            except ValueError as cause:
                sentence = f"`{name}` has {network!r}, which is {_no_network(network)}."
                raise ConfigurationError(sentence) from cause
    for host in settings.hosts:
        if not HOST.fullmatch(host):
            sentence = f"`hosts` has {host!r}, which is not a name or an address alone, such as chat.example.org."
            raise ConfigurationError(sentence)
    if settings.metrics_token is not None and settings.metrics_token == settings.operator_token:
        raise ConfigurationError("`metrics_token` and `operator_token` are the same: the first would open everything.")
    if not BASE_PATH.fullmatch(settings.base_path):
        sentence = f"`base_path` is {settings.base_path!r}, which is not a folder such as /chat/, from the root on."
        raise ConfigurationError(sentence)
    if settings.base_path.split("/")[1] in OWN_NAMES:
        raise ConfigurationError(f"`base_path` is {settings.base_path!r}, a name of the server's own: take another.")
    for origin in settings.allowed_origins:
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.path or parts.query:
            raise ConfigurationError(
                f"`allowed_origins` has {origin!r}, which is not an origin such as https://example.org."
            )
    if settings.max_sdp_bytes >= settings.max_message_bytes:
        raise ConfigurationError("`max_sdp_bytes` must be below `max_message_bytes`: an offer is inside a message.")
    for address in settings.public_ips:
        for port in (settings.outside_udp_port, settings.outside_tcp_port):
            if not usable_by_browsers(address, port):
                raise ConfigurationError(
                    f"`public_address` {address} can't be used with media port {port}: Chromium ignores"
                    " ports below 1024, except 80 and 443 on public addresses. Set `media_port` to 1024 or above."
                )
    _check_tls(settings)
    _check_turn(settings)


def _no_network(written: str) -> str:
    try:
        whole = ipaddress.ip_network(written, strict=False)
    except ValueError:
        return "not an IP address or network"
    return f"an address in a network: write {whole} for all of it, or the address alone"


def usable_by_browsers(address: str, port: int) -> bool:
    """Whether Chromium takes a candidate: below port 1024 it does so for 80 and 443 on public addresses only."""
    parsed = ipaddress.ip_address(address)
    private = any(parsed in network for network in NOT_PUBLIC if network.version == parsed.version)
    return port >= LOWEST_UNPRIVILEGED_PORT or (port in (80, 443) and not private)


def _check_tls(settings: Settings) -> None:
    given = settings.tls_cert is not None, settings.tls_key is not None
    if given[0] != given[1]:
        raise ConfigurationError("`tls_cert` and `tls_key` belong together: set both or neither.")
    if settings.tls is not None and any(given):
        raise ConfigurationError("`tls` = self-signed and `tls_cert` exclude each other: remove one of them.")


def _check_turn(settings: Settings) -> None:
    if (settings.turn_secret is None) != (not settings.turn_urls):
        raise ConfigurationError("`turn_secret` and `turn_urls` belong together: set both or neither.")
    for url in settings.turn_urls:
        if not TURN_URL.fullmatch(url):
            raise ConfigurationError(
                f"`turn_urls` has {url!r}, which is not a URL such as turns:turn.example.org:443?transport=tcp."
            )
    if settings.turn_sni is not None and not settings.turn_urls:
        raise ConfigurationError("`turn_sni` needs `turn_urls`: without them no browser knows of the TURN server.")
    host, _, port = settings.turn_backend.rpartition(":")
    if not host or not port.isdecimal() or not 1 <= int(port) <= 65_535:
        raise ConfigurationError(f"`turn_backend` is {settings.turn_backend!r}, which is not host:port.")
