"""Every setting: its name, type, default and meaning, in groups. A part of the server is given the group it needs.

Outside, names are flat: no name is in two groups, and nobody who sets one has to know its group.
"""

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_type_hints

import msgspec
from msgspec import Meta

from relay.config.addresses import is_address
from relay.config.group import Group
from relay.config.people import AboutSettings, AccountSettings, ConsentSettings, StaffSettings

Port = Annotated[int, Meta(ge=1, le=65_535)]


class EngineChoice(StrEnum):
    """Which engine moves the media."""

    PACKETS = "packets"
    FRAMES = "frames"


class TlsChoice(StrEnum):
    """Where a certificate comes from when none is given."""

    SELF_SIGNED = "self-signed"


class TurnChoice(StrEnum):
    """What browsers are offered of TURN inside the media port."""

    TLS = "tls"
    ALL = "all"
    OFF = "off"


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


class NetworkSettings(Group, frozen=True):
    """Where the server listens, and where browsers find it."""

    port: Annotated[
        Port,
        Meta(
            description="The one port for pages, WebSockets and media over TCP, and for media over UDP. With `tls` the"
            " default is 8443."
        ),
    ] = 8080
    media_port: Annotated[Port | None, Meta(description="Port for media (UDP and TCP). Empty: the same as `port`.")] = (
        None
    )
    public_udp_port: Annotated[
        Port | None,
        Meta(
            description="The UDP media port that browsers are told, when a NAT or Docker changes it. Empty: the media"
            " port."
        ),
    ] = None
    public_tcp_port: Annotated[
        Port | None,
        Meta(
            description="The TCP media port that browsers are told, when a NAT or Docker changes it. Empty: the media"
            " port."
        ),
    ] = None
    bind: Annotated[
        tuple[str, ...], Meta(description="Addresses to listen on. Empty: all addresses, IPv4 and IPv6.")
    ] = ()
    http_bind: Annotated[
        tuple[str, ...], Meta(description="Addresses to listen on for pages and WebSockets. Empty: those of `bind`.")
    ] = ()
    media_bind: Annotated[
        tuple[str, ...], Meta(description="Addresses to listen on for media (UDP and TCP). Empty: those of `bind`.")
    ] = ()
    public_address: Annotated[
        tuple[str, ...],
        Meta(
            description="Addresses or host names that browsers are told to send media to. Host names are looked up"
            " again when they may have changed. Empty: the addresses of this host."
        ),
    ] = ()
    stun: Annotated[
        str | None,
        Meta(
            description="STUN server (host:port) that is asked which public address a 1:1 NAT gives this host. Empty:"
            " none is asked."
        ),
    ] = None

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


class HttpsSettings(Group, frozen=True):
    """The certificate, and what browsers are told of it."""

    tls: Annotated[
        TlsChoice | None,
        Meta(
            description="`self-signed` makes a certificate for the local network and serves on port 8443. Empty:"
            " `tls_cert`, or plain HTTP."
        ),
    ] = None
    tls_cert: Annotated[
        str | None,
        Meta(description="PEM file with the certificate chain for HTTPS. It is read again when it is renewed."),
    ] = None
    tls_key: Annotated[str | None, Meta(description="PEM file with the private key of `tls_cert`.")] = None
    hsts_seconds: Annotated[
        int,
        Meta(
            ge=0,
            description="Seconds for which browsers must use HTTPS alone (HSTS), once they have seen a certificate that"
            " is not self-signed. 0: they are not told.",
        ),
    ] = 31_536_000
    hsts_subdomains: Annotated[bool, Meta(description="Whether HSTS includes all names below this one.")] = False


USUAL_FOLDER = "~/.local/state/relay"
"""What lasts is there, unless a setting says otherwise."""


class StateSettings(Group, frozen=True):
    """What outlives the process, where it is and for how long."""

    state_dir: Annotated[
        str | None,
        Meta(
            description="Folder for what has to last, such as the database and the self-signed certificate. Empty:"
            " `~/.local/state/relay`."
        ),
    ] = None
    database: Annotated[
        str | None,
        Meta(
            description="Where it is kept that people came and talked, without addresses and texts: `off`, or a URL"
            " such as `postgresql://relay:secret@db.example.org/relay`. Empty: SQLite in `state_dir`."
        ),
    ] = None
    keep_visits: Annotated[int, Meta(ge=1, description="Days for which visits and conversations are kept.")] = 30
    keep_sums: Annotated[int, Meta(ge=1, description="Days for which sums by the hour are kept.")] = 730
    keep_audit: Annotated[
        int, Meta(ge=1, description="Days for which it is kept what the operator and the staff did.")
    ] = 365

    @property
    def folder(self) -> Path:
        """Where things are kept. There may be none yet."""
        return Path(self.state_dir) if self.state_dir else Path(USUAL_FOLDER).expanduser()


class SiteSettings(Group, frozen=True):
    """How visitors reach the pages: proxies, names, and other origins."""

    trusted_proxies: Annotated[
        tuple[str, ...],
        Meta(
            description="Addresses or networks of reverse proxies. They are believed when they say, by a header or the"
            " PROXY protocol, for whom they ask."
        ),
    ] = ()
    forwarded_header: Annotated[
        ForwardedHeader,
        Meta(
            description="The header that trusted proxies write: `x-forwarded-for` (with `X-Forwarded-Proto` and"
            " `X-Forwarded-Host` beside it) or `forwarded` (RFC 7239). The other one is ignored."
        ),
    ] = ForwardedHeader.X_FORWARDED_FOR
    hosts: Annotated[
        tuple[str, ...],
        Meta(
            description="Host names and addresses that are served. Empty: any, but over loopback only the names of this"
            " machine."
        ),
    ] = ()
    base_path: Annotated[
        str,
        Meta(
            description="Folder of the site in which everything is served, such as /chat/, when a proxy does not strip"
            " it."
        ),
    ] = "/"
    allowed_origins: Annotated[
        tuple[str, ...],
        Meta(description="Origins besides the page's own that may open the WebSocket and read `/videochat/`."),
    ] = ()


class TurnSettings(Group, frozen=True):
    """TURN, which carries media where nothing else gets through: our own, and servers outside such as coturn."""

    turn_inside: Annotated[
        TurnChoice,
        Meta(
            description="Our own TURN, which reaches nothing but our media port: `tls` offers browsers `turns:` on the"
            " page's own name and port (where TLS ends elsewhere, TURN over TCP on the media port), `all` over UDP and"
            " TCP on the media port too, `off` nothing."
        ),
    ] = TurnChoice.TLS
    turn_urls: Annotated[
        tuple[str, ...],
        Meta(
            description="Outside TURN servers that browsers may fall back to, such as"
            " turns:turn.example.org:443?transport=tcp."
        ),
    ] = ()
    turn_secret: Annotated[
        Annotated[str, Meta(min_length=8)] | None,
        Meta(description="Secret that is shared with coturn (its `static-auth-secret`)."),
    ] = None
    turn_lifetime: Annotated[
        int,
        Meta(
            ge=60,
            description="Seconds that a visitor's credentials for outside TURN servers are valid. They are renewed"
            " after half of that.",
        ),
    ] = 43_200
    turn_sni: Annotated[
        str | None,
        Meta(
            description="Host name of TURN over TLS on `port`: TLS connections that ask for it are passed on to"
            " `turn_backend`."
        ),
    ] = None
    turn_backend: Annotated[str, Meta(description="Where coturn listens for TLS (host:port).")] = "127.0.0.1:5349"


class MediaSettings(Group, frozen=True):
    """The engine that moves media."""

    engine: Annotated[
        EngineChoice | None,
        Meta(
            description="`packets` forwards in the native core. `frames` decodes and encodes in Python, for a handful"
            " of people. Empty: `packets` if the core is built."
        ),
    ] = None
    media_threads: Annotated[
        Annotated[int, Meta(ge=1, le=64)] | Literal["auto"],
        Meta(
            description="Threads of the native core that move packets. `auto`: as many as there are cores, less one for"
            " Python."
        ),
    ] = 1
    max_gathering: Annotated[
        float,
        Meta(
            ge=0,
            le=20,
            description="Milliseconds for which a media thread gathers packets where many come. More costs less CPU,"
            " and on average half of it is added to the latency. 0: none.",
        ),
    ] = 1.0
    transcoders: Annotated[
        Annotated[int, Meta(ge=0, le=1_000)] | None,
        Meta(
            description="Pictures that may be converted at the same time, for pairs without a common video codec. 0:"
            " none. Empty: one per core."
        ),
    ] = None
    max_bitrate: Annotated[
        int,
        Meta(ge=200_000, le=100_000_000, description="Bits per second that one person may send."),
    ] = 2_500_000


class CapacitySettings(Group, frozen=True):
    """How many may come."""

    max_people: Annotated[
        int,
        Meta(
            ge=0,
            description="Connected visitors above which newcomers are refused. 0: as many as this machine can carry.",
        ),
    ] = 0
    max_packets: Annotated[
        int,
        Meta(
            ge=0,
            description="Media packets a second from all browsers above which newcomers are refused. 0: by"
            " `media_threads`.",
        ),
    ] = 0
    max_cpu: Annotated[
        float,
        Meta(
            gt=0,
            le=1,
            description="Share of CPU (0 to 1) above which newcomers are refused: of the busiest media thread's core,"
            " or of all cores.",
        ),
    ] = 0.85
    max_lag: Annotated[
        float, Meta(gt=0, description="Seconds by which the event loop may be late. Above it newcomers are refused.")
    ] = 0.25
    max_cache: Annotated[
        int,
        Meta(
            ge=0,
            description="Bytes of sent media kept for retransmission. From nine tenths of it on newcomers are refused;"
            " when it is used up, packets are forgotten earlier. 0: a quarter of the memory.",
        ),
    ] = 0


class PerAddressSettings(Group, frozen=True):
    """What all visitors of one address may have together (IPv6: of one /64)."""

    max_per_address: Annotated[
        int, Meta(ge=1, description="Visitors from one address (IPv6: one /64) at the same time.")
    ] = 50
    max_cpu_per_address: Annotated[
        float,
        Meta(
            gt=0,
            le=1,
            description="Share of the event loop's CPU (0 to 1) that one address may use beyond what a household needs."
            " 1: addresses are not metered.",
        ),
    ] = 0.25
    rate_address_connection: Annotated[
        int, Meta(ge=1, description="TCP connections a minute from one address, a third of them at once.")
    ] = 6_000
    rate_address_join: Annotated[
        int, Meta(ge=1, description="Newcomers a minute from one address, a third of them at once.")
    ] = 400
    rate_address_offer: Annotated[
        int,
        Meta(
            ge=1,
            description="WebRTC offers a minute from one address, a third of them at once. Long offers count more.",
        ),
    ] = 300
    rate_address_skip: Annotated[
        int, Meta(ge=1, description="Searches and skips a minute from one address, a third of them at once.")
    ] = 150


class LimitsSettings(Group, frozen=True):
    """The size of what one visitor may send."""

    max_message_bytes: Annotated[
        int, Meta(ge=1_024, description="Bytes of the largest WebSocket message from a visitor.")
    ] = 65_536
    max_chat_characters: Annotated[int, Meta(ge=1, description="Characters of the longest chat message.")] = 2_000
    max_sdp_bytes: Annotated[int, Meta(ge=1_024, description="Bytes of the largest WebRTC offer.")] = 49_152
    max_sdp_lines: Annotated[int, Meta(ge=10, description="Lines of the longest WebRTC offer.")] = 1_200
    max_candidates: Annotated[int, Meta(ge=1, description="ICE candidates that one connection may send.")] = 64


class RatesSettings(Group, frozen=True):
    """How often one visitor may do something, a minute."""

    rate_skip: Annotated[
        int, Meta(ge=1, description="Searches and skips a minute by one visitor, a third of them at once.")
    ] = 60
    rate_chat: Annotated[
        int, Meta(ge=1, description="Chat messages a minute by one visitor, a third of them at once.")
    ] = 90
    rate_offer: Annotated[
        int, Meta(ge=1, description="WebRTC offers a minute by one visitor, a third of them at once.")
    ] = 30
    rate_candidate: Annotated[
        int, Meta(ge=1, description="ICE candidates a minute by one visitor, a third of them at once.")
    ] = 300
    rate_report: Annotated[
        int,
        Meta(ge=1, description="Reports of quality and first frames a minute by one visitor, a third of them at once."),
    ] = 90
    rate_other: Annotated[
        int,
        Meta(
            ge=1, description="All other events, and refused frames, a minute by one visitor, a third of them at once."
        ),
    ] = 240


class VisitsSettings(Group, frozen=True):
    """What becomes of people when a connection or the server ends."""

    resume_window: Annotated[
        float, Meta(ge=0, description="Seconds that a visitor whose connection was lost may take to come back.")
    ] = 30.0
    drain_timeout: Annotated[float, Meta(ge=0, description="Seconds that conversations may go on after SIGTERM.")] = (
        60.0
    )


class OperatorSettings(Group, frozen=True):
    """Who may see figures and give orders."""

    operator_token: Annotated[
        Annotated[str, Meta(min_length=16)] | None,
        Meta(
            description="Token that opens the operator's pages and endpoints. Best a long random one. Empty: they are"
            " closed."
        ),
    ] = None
    metrics_token: Annotated[
        Annotated[str, Meta(min_length=16)] | None,
        Meta(description="Token that opens `/metrics` and nothing else."),
    ] = None
    metrics_allow: Annotated[
        tuple[str, ...],
        Meta(description="Addresses or networks that may read `/metrics` without a token. Empty: none."),
    ] = ()


class LogsSettings(Group, frozen=True):
    """What is written to the log."""

    log_level: Annotated[
        LogLevel, Meta(description="Least level that is written: `debug`, `info`, `warning` or `error`.")
    ] = LogLevel.INFO
    log_format: Annotated[LogFormat, Meta(description="`console` for people, `json` for programs.")] = LogFormat.CONSOLE


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The effective configuration. `relay config` prints it with the origin of each value."""

    network: NetworkSettings = NetworkSettings()
    https: HttpsSettings = HttpsSettings()
    state: StateSettings = StateSettings()
    site: SiteSettings = SiteSettings()
    about: AboutSettings = AboutSettings()
    consent: ConsentSettings = ConsentSettings()
    account: AccountSettings = AccountSettings()
    turn: TurnSettings = TurnSettings()
    media: MediaSettings = MediaSettings()
    capacity: CapacitySettings = CapacitySettings()
    per_address: PerAddressSettings = PerAddressSettings()
    limits: LimitsSettings = LimitsSettings()
    rates: RatesSettings = RatesSettings()
    visits: VisitsSettings = VisitsSettings()
    operator: OperatorSettings = OperatorSettings()
    staff: StaffSettings = StaffSettings()
    logs: LogsSettings = LogsSettings()

    @classmethod
    def of(cls, **values: Any) -> Self:
        """From settings by their flat names; the rest have their defaults."""
        return cls().but(**values)

    def but(self, **values: Any) -> Self:
        """A copy in which settings have other values, by their flat names.

        Raises:
            KeyError: there is no such setting.
        """
        by_group: dict[str, dict[str, Any]] = {}
        for name, value in values.items():
            by_group.setdefault(GROUPS[name], {})[name] = value
        changed = {group: msgspec.structs.replace(getattr(self, group), **inside) for group, inside in by_group.items()}
        return msgspec.structs.replace(self, **changed)

    def items(self) -> Iterator[tuple[str, Any]]:
        """Flat names and values, in the order of definition."""
        for name, group in GROUPS.items():
            yield name, getattr(getattr(self, group), name)


GROUPS = {
    field.name: group.name for group in msgspec.structs.fields(Settings) for field in msgspec.structs.fields(group.type)
}
"""The flat name of each setting to the group that it is in."""

TYPES = {
    name: kind
    for group in msgspec.structs.fields(Settings)
    for name, kind in get_type_hints(group.type, include_extras=True).items()
}
"""The flat name of each setting to its type, with bounds and description."""
