"""What the server's parts say of themselves at one moment, for whoever shows it: metrics and the console."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Mending:
    """One direction between the relay and all peers, since start."""

    missed: int = 0
    """Packets asked for by NACK, each time."""
    sent_again: int = 0
    keyframes: int = 0
    """Requests for one."""
    expected: int = 0
    """Packets that should have come."""
    lost: int = 0
    """Those that did not, at first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """The ways between the relay and those who send or receive now, one figure each: no telling whose."""

    loss_in: list[float]
    """Of the picture's packets, by the latest report, 0 to 1."""
    loss_out: list[float]
    jitter_in: list[float]
    """Seconds."""
    jitter_out: list[float]
    round_trips: list[float]
    """Seconds there and back."""
    estimates: list[float]
    """Bits per second that receivers estimate they can have."""
    caps: list[float]
    """Bits per second that senders were told, because their partner's link takes no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The first block is now, the second since start."""

    version: str
    engine: str
    ready: bool
    people: int
    capacity: int
    """Visitors that are let in at most."""
    bound: str = ""
    """What limits that."""
    certificate_ends: float | None = None
    """In seconds since 1970; None without TLS."""
    used: float
    """Of the server's capacity: see `relay.observe.capacity`."""
    shares: dict[str, float]
    """Of each resource."""
    waiting: int
    rooms: int
    media_connections: int
    web_connections: int = 0
    """That the HTTP server serves, WebSockets among them."""
    held_back: int = 0
    """Steps that wait because their address has spent what it may have."""

    paths: dict[str, int]
    """Media connections that came about, by what carries or carried them."""
    packets_received: int
    packets_sent: int
    bytes_received: int
    bytes_sent: int
    drops: dict[str, int]
    to_peers: Mending = field(default_factory=Mending)
    from_peers: Mending = field(default_factory=Mending)
    bytes_kept: int = 0
    """Now, of sent packets, to be sent again."""
    transcoders: int = 0
    """Pictures that are converted now."""
    transcoders_refused: int = 0
    pictures_converted: int = 0
    pictures_lost: int = 0
    """That were to be converted and were not."""

    @property
    def talking(self) -> int:
        return 2 * self.rooms
