"""What the server's parts say of themselves at one moment, for metrics, statistics and the console."""

from dataclasses import dataclass

from relay.media.engine import EngineStats
from relay.store.store import StoreFigures


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Now, but for `paths` and most of `media` and `store`, which are since start."""

    version: str
    engine: str
    ready: bool
    people: int
    capacity: int
    """Visitors that are let in at most."""
    bound: str
    """What limits that."""
    certificate_ends: float | None
    """In seconds since 1970; None without TLS."""
    used: float
    """Of the server's capacity: see `relay.machine.capacity`."""
    shares: dict[str, float]
    """Of each resource."""
    waiting: int
    rooms: int
    talking: int
    """People in rooms."""
    media_connections: int
    web_connections: int
    """That the HTTP server serves, WebSockets among them."""
    held_back: int
    """Steps that wait because their address has spent what it may have."""
    paths: dict[str, int]
    """Media connections that came about, by what carries or carried them."""
    media: EngineStats
    store: StoreFigures
