"""Where the media port can be reached, as ICE candidates (RFC 8445, RFC 6544). Pure."""

from dataclasses import dataclass
from functools import lru_cache

UDP_TYPE_PREFERENCE = 126
TCP_TYPE_PREFERENCE = 90
"""Below that of UDP (RFC 6544 section 4.2): anyone who can use UDP should."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Where the media port can be reached from outside."""

    addresses: tuple[str, ...]
    """In the order in which they are to be tried."""
    udp_port: int
    tcp_port: int | None = None
    """None where there is no media over TCP."""

    @property
    def over_udp(self) -> list[tuple[str, int]]:
        """Address and port of each candidate over UDP."""
        return [(address, self.udp_port) for address in self.addresses]


@lru_cache(1)
def candidates(reach: Reach) -> tuple[str, ...]:
    """One for each address over UDP, then one for each over TCP, on which we wait for the browser: values of
    a=candidate (RFC 8839 section 5.1). They are the same for everybody until an address of ours changes."""
    offered = [("udp", reach.udp_port, UDP_TYPE_PREFERENCE, "")]
    if reach.tcp_port is not None:
        offered.append(("tcp", reach.tcp_port, TCP_TYPE_PREFERENCE, " tcptype passive"))
    made: list[str] = []
    for protocol, port, type_preference, more in offered:
        for position, address in enumerate(reach.addresses):
            # Foundation, component and what follows.
            priority = _priority(type_preference, position)
            made.append(f"{len(made)} 1 {protocol} {priority} {address} {port} typ host{more}")
    return tuple(made)


def _priority(type_preference: int, position: int) -> int:
    """As ordered (RFC 8445 section 5.1.2)."""
    return (type_preference << 24) | (65_535 - position << 8) | 255
