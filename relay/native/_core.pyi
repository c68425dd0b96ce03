"""The core as Python sees it (`src/python/`).

Calls never wait, but `close`. Peers are named by small numbers that are never used again. What goes down is taken by
the names of its attributes; what comes up are frozen objects. Media and transports have the names of
`relay.peer.lines.Medium` and `relay.transport.port.Transport`.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeAlias, final

class _Credentials(Protocol):
    @property
    def ufrag(self) -> str: ...
    @property
    def password(self) -> str: ...

class _Codec(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def payload_type(self) -> int: ...
    @property
    def rtx_payload_type(self) -> int | None:
        """Of its retransmissions, if negotiated."""

class _Line(Protocol):
    @property
    def medium(self) -> str: ...
    @property
    def mid(self) -> str: ...
    @property
    def ssrc(self) -> int | None: ...
    @property
    def rtx_ssrc(self) -> int | None: ...
    @property
    def codecs(self) -> Sequence[_Codec]: ...
    @property
    def extensions(self) -> Sequence[tuple[int, str]]:
        """(id, URI) of each header extension."""

class _Slot(Protocol):
    @property
    def seat(self) -> int: ...
    @property
    def medium(self) -> str: ...
    @property
    def mid(self) -> str: ...
    @property
    def ssrc(self) -> int: ...
    @property
    def rtx_ssrc(self) -> int: ...
    @property
    def codecs(self) -> Sequence[_Codec]: ...
    @property
    def extensions(self) -> Sequence[tuple[int, str]]:
        """(id, URI) of each header extension."""

class _LineId(Protocol):
    @property
    def peer(self) -> int: ...
    @property
    def medium(self) -> str: ...

class _SlotId(Protocol):
    @property
    def peer(self) -> int: ...
    @property
    def medium(self) -> str: ...
    @property
    def seat(self) -> int: ...

@final
class FlowSelected:
    """Datagrams for the peer go by this path from now on."""

    peer: int
    remote_host: str
    remote_port: int
    local_host: str
    transport: str

@final
class FlowSilent:
    """Nothing has come from the peer for a while."""

    peer: int

@final
class FlowResumed:
    """Something has come from a peer that was silent."""

    peer: int

@final
class FlowLost:
    """The peer's consent expired."""

    peer: int

@final
class DtlsReceived:
    """A DTLS datagram came from an address that the peer proved."""

    peer: int
    datagram: bytes

@final
class NoCommonCodec:
    """The slot's browser can't decode what it would be shown. Again every second while that lasts."""

    peer: int
    seat: int
    medium: str

@final
class ThreadDied:
    """A media thread has ended, though nobody told it to."""

    message: str

Event: TypeAlias = FlowSelected | FlowSilent | FlowResumed | FlowLost | DtlsReceived | NoCommonCodec | ThreadDied

@final
class SocketBuffers:
    """What the system granted one socket, in bytes."""

    host: str
    receive: int
    send: int

@final
class Recovery:
    """One direction between the core and all its peers since it was started, those that are gone included."""

    missed: int
    """Packets asked for by NACK, each time."""
    retransmitted: int
    keyframes: int
    """Requests for one."""
    expected: int
    """Packets that should have come."""
    lost: int
    """Those that did not, at first: some were retransmitted."""

@final
class Totals:
    """Of the whole core, since it was started."""

    packets_received: int
    packets_sent: int
    bytes_received: int
    bytes_sent: int
    drops: Mapping[str, int]
    """Reasons that occurred, named as in `relay.observe.drops`, and how often."""
    bytes_kept: int
    """To be retransmitted."""
    packets_unkept: int
    """Not kept, or not for as long as they should, since all that may be kept was in use."""
    to_peers: Recovery
    from_peers: Recovery
    turn_allocations: int
    """Now."""
    waited: float
    """Seconds for which media threads waited for each other; of all threads together."""

@final
class LinkFigures:
    """One direction between the core and a peer, since it was opened; loss and jitter of the picture by the latest
    report."""

    missed: int
    """Packets asked for by NACK, each time."""
    retransmitted: int
    """Of what a peer sent, those that filled a gap."""
    keyframes_wanted: int
    """By the receiver of this direction."""
    loss: float
    """Of the packets, 0 to 1."""
    jitter: float
    """Seconds."""
    expected: int
    """Packets of picture and sound that should have come."""
    lost: int
    """Those that did not, at first: some were retransmitted."""
    kept: int
    """Bytes that are kept to be retransmitted; 0 of what comes from the peer."""
    estimate: int | None
    """To a peer: bits per second that it estimates it can receive, if it said so."""
    cap: int | None
    """From a peer: bits per second that it may send, if its partner's link takes no more."""

@final
class PeerFigures:
    """Of one peer, since it was opened."""

    peer: int
    packets_received: int
    packets_sent: int
    bytes_received: int
    bytes_sent: int
    bits_per_second_received: int
    bits_per_second_sent: int
    keyframes: int
    keyframe_requests: int
    drops: Mapping[str, int]
    round_trip: float | None
    """Seconds there and back; None until a report told."""
    to_peer: LinkFigures
    from_peer: LinkFigures

@final
class TlsContext:
    """A certificate with its key, and how connections begin."""

    def __new__(cls, chain: bytes, key: bytes) -> TlsContext:
        """Both in PEM.

        Raises:
            ValueError: they can't be used, in words.
        """

    def accept(self, *, is_named: bool) -> TlsConnection:
        """A connection that begins. Whether its client names `stun.turn` or `http/1.1` beforehand (RFC 7301): then so
        does the answer."""

@final
class TlsConnection:
    """The server's side of TLS, without a socket. Once the core has taken it, every call raises RuntimeError."""

    @property
    def is_handshaking(self) -> bool: ...
    @property
    def has_ended(self) -> bool:
        """Whether the other side said that it is done (close_notify)."""

    @property
    def version(self) -> str | None:
        """TLSv1_2 or TLSv1_3, once it is agreed."""

    @property
    def suite(self) -> str | None:
        """Its name in IANA's registry, once it is agreed."""

    def receive(self, ciphertext: bytes) -> bytes:
        """What it says, as far as it is whole. `pending` has to be sent afterwards.

        Raises:
            ValueError: it is no TLS, or has been tampered with; nothing more is received, and `pending` has the alert.
        """

    def send(self, plain: bytes) -> bytes:
        """So many bytes as records; empty before the handshake is over and after the end."""

    def pending(self) -> bytes:
        """What TLS itself has to say: handshake, key updates, alerts."""

    def close(self) -> None:
        """Nothing more will be sent; `pending` says so. Idempotent."""

@final
class Core:
    """Bound sockets and running media threads."""

    def __new__(
        cls,
        hosts: list[str],
        port: int,
        *,
        threads: int,
        buffer: int,
        consent: float,
        silence: float,
        gathering: float,
        cache: int,
    ) -> Core:
        """The buffer is in bytes, each way, for all sockets of one address together. In seconds: how long consent
        lasts, and after how long without a packet a peer is silent.

        Raises:
            OSError: with the address as its file name.
            ValueError: a host is not an IP address.
        """

    def granted(self) -> list[SocketBuffers]: ...
    def fileno(self) -> int:
        """Readable while there are events."""

    def admit(self, peer: int, local: _Credentials, remote: _Credentials) -> None: ...
    def adopt(self, descriptor: int) -> None:
        """Take over an accepted TCP connection that nobody else owns."""

    def admit_turn(self, username: str, key: bytes) -> None:
        """Take allocations of that name, by its key: 16 bytes (RFC 8489 section 9.2.2), for the realm `relay`."""

    def release_turn(self, username: str) -> None:
        """The name is void at once, and its allocations end."""

    def tell_turn_peers(self, addresses: list[tuple[str, int]]) -> None:
        """The only peers that anybody may name.

        Raises:
            ValueError: one is not an IP address.
        """

    def adopt_turn(self, descriptor: int, tls: TlsConnection | None, first: bytes) -> None:
        """Take over an accepted TCP connection that speaks TURN, with its TLS if it has any; `first` was read from it,
        and decrypted."""

    def send_dtls(self, peer: int, datagram: bytes) -> None: ...
    def release(self, peer: int) -> None: ...
    def open(self, peer: int, lines: Sequence[_Line], slots: Sequence[_Slot], bitrate: int) -> None:
        """The peer may send so many bits per second.

        Raises:
            ValueError: a medium, codec or seat is not known.
        """

    def open_transcoder(self, peer: int, line: _Line, slot: _Slot, bitrate: int) -> None:
        """A peer within the process, without address and keys: what its slot is sent comes up by `for_transcoders`,
        and what it sends goes down by `inject`."""

    def inject(self, peer: int, packet: bytes) -> bool:
        """Plain RTP or RTCP from a transcoder; False if there was no room for it."""

    def for_transcoders(self, most: int) -> list[tuple[int, bytes]]:
        """Plain RTP and RTCP for transcoders: the peer of each packet, and the packet. To be asked for after
        `events`; what is left keeps the core readable."""

    def secure(self, peer: int, profile: str, receive: bytes, send: bytes) -> None:
        """The profile by OpenSSL's name; each key is followed by its salt.

        Raises:
            ValueError: the profile is not known, or the keys do not fit it.
        """

    def route(self, slot: _SlotId, source: _LineId | None) -> None: ...
    def close_peer(self, peer: int) -> None: ...
    def gather(self) -> None:
        """From here on orders wake no media thread until `wake`."""

    def wake(self) -> None:
        """Wake one for what was ordered meanwhile, if anything was."""

    def events(self, most: int) -> list[Event]: ...
    def totals(self) -> Totals: ...
    def turns(self) -> list[tuple[str, int]]:
        """Of each media thread: its name, and a number that grows about once a second at least while it runs."""

    def peers(self) -> list[PeerFigures]: ...
    def close(self) -> None:
        """Stop the threads and close the sockets, in two seconds: a thread that hangs is left behind. Idempotent."""
