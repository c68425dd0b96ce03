"""How much one peer may send, in authentic packets: nobody's flood is decoded for somebody else. Pure.

The limits are the core's own (`relay/native/src/allowance.rs`), so that they don't depend on the engine.
"""

PACKETS_PER_SECOND = 2_500
"""RTP and RTCP: 30 Mbit/s of full ones. A browser at its best sends a thousand."""

EXCESS = 3
"""How many times what it is told to keep to a peer may send, for probes, retransmissions and the second that it takes
to follow."""

LEAST = 1_500_000
"""Bits per second that everybody may."""

WINDOW = 1.0
"""Seconds after which what was used is forgotten."""


class Allowance:
    """One peer's. Time is an argument, in seconds."""

    __slots__ = ("_bytes", "_most_bytes", "_packets", "_since")

    def __init__(self, bitrate: int) -> None:
        """`bitrate` is what the peer is told to keep to, in bits per second."""
        self._most_bytes = max(EXCESS * bitrate, LEAST) // 8
        self._packets = self._bytes = 0
        self._since = 0.0

    def is_used_up(self, now: float) -> bool:
        """Whether nothing is left: then the rest is not even decrypted."""
        used_up = self._packets >= PACKETS_PER_SECOND or self._bytes >= self._most_bytes
        return used_up and now - self._since < WINDOW

    def take(self, size: int, now: float) -> bool:
        """Count one authentic packet of so many bytes; False if that is more than is left."""
        if now - self._since >= WINDOW:
            self._since, self._packets, self._bytes = now, 0, 0
        self._packets += 1
        self._bytes += size
        return self._packets <= PACKETS_PER_SECOND and self._bytes <= self._most_bytes
