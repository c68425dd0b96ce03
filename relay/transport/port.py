"""The media port as the rest of the server sees it: one port, UDP and TCP, that all browsers share.

The owner of the socket does the STUN (decision 3): the table of credentials is handed down to the
port, which verifies and answers checks by itself, and asks back whether who is there receives
(decision 15). Upward go only "flow selected", "flow lost", and
datagrams from verified addresses.
"""

import socket
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol

from relay.ids import PeerId

if TYPE_CHECKING:
    from relay.native._core import TlsConnection


class Transport(StrEnum):
    """What carries the datagrams of a flow."""

    UDP = "udp"
    TCP = "tcp"
    TURN_UDP = "turn_udp"
    TURN_TCP = "turn_tcp"
    TURN_TLS = "turn_tls"
    """Through TURN inside the port, and what carries that."""


class Path(NamedTuple):
    """How datagrams of one flow travel: the browser's address as we see it, and ours that it asked. Through TURN inside
    the port the first is the relayed address: our own, with a port number that nobody opened."""

    remote_host: str
    remote_port: int
    local_host: str
    transport: Transport = Transport.UDP


class Credentials(NamedTuple):
    """One side's ICE credentials (RFC 8445 section 5.3)."""

    ufrag: str
    password: str


SrtpReceiver = Callable[[PeerId, bytes], None]
"""Takes SRTP and SRTCP from verified addresses, where the engine lives in Python."""


class PortListener(Protocol):
    """What the port reports upward. Called on the event loop, never concurrently; must not raise."""

    def flow_selected(self, peer: PeerId, path: Path) -> None:
        """Datagrams for `peer` go to `path` from now on. The first one means that DTLS may begin."""

    def flow_quiet(self, peer: PeerId) -> None:
        """Nothing has come from `peer` for a while, though its consent holds: it may be about to be lost."""

    def flow_heard(self, peer: PeerId) -> None:
        """`peer`, which was quiet, is heard again."""

    def flow_lost(self, peer: PeerId) -> None:
        """`peer` neither checks nor answers any more: its consent expired (RFC 7675)."""

    def dtls_received(self, peer: PeerId, datagram: bytes) -> None:
        """A datagram of well-formed DTLS from an address that `peer` proved to be its own."""


class TranscoderListener(Protocol):
    """What the core tells its engine of transcoders. Called on the event loop, never concurrently; must not raise."""

    def lacks_codec(self, peer: PeerId, medium: str, seat: int) -> None:
        """What `peer` is shown as `medium` in `seat` has no codec that its browser knows. Again while that lasts."""

    def for_transcoder(self, peer: PeerId, packet: bytes) -> None:
        """Plain RTP or RTCP for a transcoder."""


class TurnPort(Protocol):
    """A media port with TURN inside (RFC 8656): what is relayed ends in the port itself, and nobody else is reached."""

    def admit_turn(self, username: str, key: bytes) -> None:
        """Take allocations of `username`, whose key is the MD5 of name, realm and password (RFC 8489 section 9.2.2)."""

    def release_turn(self, username: str) -> None:
        """The name is void at once, and its allocations end. Idempotent."""

    def tell_turn_peers(self, addresses: Sequence[tuple[str, int]]) -> None:
        """The addresses and ports by which browsers know our media over UDP: the only peers that anybody may name."""

    def adopt_turn(self, connection: socket.socket, tls: "TlsConnection | None", first: bytes) -> None:
        """Take over a TCP connection that speaks TURN: over `tls` if there is one, of which `first` was read."""


class MediaPort(TurnPort, Protocol):
    """The shared port. One contract suite runs on every implementation (`tests/contract`)."""

    def admit(self, peer: PeerId, local: Credentials, remote: Credentials) -> None:
        """Accept checks with `local` credentials, and ask back with the browser's own. Again with new ones at an ICE
        restart: the old stay valid until the new ones nominate (RFC 8445 section 9)."""

    def adopt(self, connection: socket.socket) -> None:
        """Take over a TCP connection on which a framed check waits to be read (RFC 6544). It is
        closed unless it proves itself by a right check, and when nobody owns it any more."""

    def send_dtls(self, peer: PeerId, datagram: bytes) -> None:
        """Send on the peer's flow; dropped and counted when there is none, or when more than three times what came
        from there would go to an address that has not answered."""

    def release(self, peer: PeerId) -> None:
        """Forget the peer's credentials and flows. Idempotent."""

    async def close(self) -> None:
        """Close the sockets. Idempotent."""


class SrtpPort(MediaPort, Protocol):
    """A media port whose SRTP is handled above it, by the frames engine."""

    def send_srtp(self, peer: PeerId, datagram: bytes) -> None:
        """Send on the selected flow; dropped and counted when there is none."""
