"""The core as Python sees it (`src/python.rs`).

Calls never wait, but `close`. Peers are named by small numbers that are never used again. Media are numbered
0 microphone, 1 camera, 2 screen.
"""

from collections.abc import Sequence

FLOW_SELECTED: int
FLOW_LOST: int
DTLS: int
DIED: int
FLOW_QUIET: int
FLOW_HEARD: int
NO_COMMON_CODEC: int

_Codec = tuple[str, int, int | None]
"""Name, payload type, that of retransmissions."""
_Extensions = tuple[int, int, int, int, int]
"""Ids of mid, audio level, abs-send-time, transport-cc and playout-delay; 0 where not negotiated."""
_Line = tuple[int, str, int | None, int | None, Sequence[_Codec], _Extensions]
"""Medium, mid, SSRC, SSRC of retransmissions, codecs, extensions."""
_Slot = tuple[int, str, int, int, Sequence[_Codec], _Extensions]
"""Medium, mid, SSRC, SSRC of retransmissions, codecs, extensions."""
_Report = tuple[int, int, bytes, tuple[str, int, str, bool] | None]
"""Kind, peer, datagram (or a message, for DIED; the medium's number, for NO_COMMON_CODEC); for FLOW_SELECTED remote
host, remote port, local host, and whether it is a TCP connection."""
_Traffic = tuple[int, int]
"""Packets, bytes."""
_Drops = list[tuple[str, int]]
"""Reasons that occurred, named as in `relay.observe.drops`, and how often."""

_Arrival = tuple[int, int, int, int]
"""Of the picture's packets, by the latest report: 256ths lost, microseconds of jitter. Of all packets so far: those
that should have come, and those of them that did not at first."""
_Mending = tuple[int, int, int, int, int]
"""Packets asked for by NACK, those sent again, keyframes asked for, packets that should have come, and those of them
that did not at first."""
_ToIt = tuple[int, int, int, int, _Arrival, int]
"""Packets that the peer missed, those sent again, keyframes that it wanted, bytes kept for it, arrival at it, and bits
per second that it estimates it can receive (0: it did not say)."""
_FromIt = tuple[int, int, _Arrival, int]
"""Packets that we missed of the peer, those that it sent again, arrival here, and bits per second that it may send
because its partner's link takes no more (0: no cap)."""

class Core:
    """Bound sockets and running media threads."""

    def __new__(cls, hosts: list[str], port: int, threads: int, buffer: int, consent: float, quiet: float) -> Core:
        """The buffer is in bytes, each way, for all sockets of one address together. In seconds: how long consent
        lasts, and after what silence a peer is quiet.

        Raises:
            OSError: with the address as its file name.
            ValueError: a host is not an IP address.
        """

    def granted(self) -> list[tuple[str, int, int]]:
        """Of each socket: address, bytes granted for receiving, for sending."""

    def fileno(self) -> int:
        """Readable while there are reports."""

    def admit(self, peer: int, local: tuple[str, str], remote: tuple[str, str]) -> None: ...
    def adopt(self, descriptor: int) -> None:
        """Take over an accepted TCP connection that nobody else owns."""

    def send_dtls(self, peer: int, datagram: bytes) -> None: ...
    def release(self, peer: int) -> None: ...
    def open(self, peer: int, lines: Sequence[_Line], slots: Sequence[_Slot], bitrate: int) -> None:
        """The peer may send so many bits per second."""

    def open_tap(self, peer: int, line: _Line, slot: _Slot, bitrate: int) -> None:
        """A peer within the process, without address and keys: what its slot is sent comes up by `tapped`, and
        what it sends goes down by `inject`."""

    def inject(self, peer: int, packet: bytes) -> bool:
        """Plain RTP or RTCP from a tap; False if there was no room for it."""

    def tapped(self, most: int) -> list[tuple[int, bytes]]:
        """Plain RTP and RTCP for taps. To be asked for after `reports`; what is left keeps the core readable."""

    def secure(self, peer: int, profile: str, receive: bytes, send: bytes) -> None: ...
    def route(self, slot: tuple[int, int], source: tuple[int, int] | None) -> None: ...
    def close_peer(self, peer: int) -> None: ...
    def reports(self, most: int) -> list[_Report]: ...
    def totals(self) -> tuple[_Traffic, _Traffic, _Drops, int]:
        """Received, sent, drops, bytes kept to be sent again."""

    def turns(self) -> list[tuple[str, int]]:
        """Of each media thread: its name, and a number that grows about once a second at least while it runs."""

    def mending(self) -> tuple[_Mending, _Mending]:
        """Since start, of the ways to all peers and from them, those that are gone included."""

    def peers(self) -> list[tuple[int, _Traffic, _Traffic, int, int, int, int, _Drops, int, _ToIt, _FromIt]]:
        """Of each open peer: number, received, sent, bits per second received, sent, keyframes,
        keyframe requests, drops, round trip in milliseconds (0: not known), the ways to it and from it."""

    def close(self) -> None:
        """Stop the threads and close the sockets, in two seconds: a thread that hangs is left behind. Idempotent."""
