"""What the server's parts say of themselves at one moment, for whoever shows it: metrics and the console."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The first block is now, the second since start."""

    version: str
    engine: str
    ready: bool
    people: int
    capacity: int
    waiting: int
    rooms: int
    media_connections: int

    paths: dict[str, int]
    """Media connections that came about, by what carries or carried them."""
    packets_received: int
    packets_sent: int
    bytes_received: int
    bytes_sent: int
    drops: dict[str, int]

    @property
    def talking(self) -> int:
        return 2 * self.rooms
