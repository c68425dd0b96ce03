"""TLS of the core's, for connections of which it is not known yet whether the core will own them.

asyncio runs it in the place of OpenSSL's (`ssl.SSLObject`), until the first bytes of data are there. HTTP goes on like
this; TURN leaves asyncio with its socket, and the core goes on with the TLS where it is.
"""

import asyncio
import socket
import ssl
from asyncio.sslproto import SSLProtocol
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from relay.front.first_bytes import Judge, Kind
from relay.web.answers import ServerContext
from relay.web.metered import PIECE

if TYPE_CHECKING:
    from relay.native import TlsConnection

HANDSHAKE_TIMEOUT = 10
"""Seconds that a TLS handshake may take."""


class Tls(SSLProtocol):
    """The server's side of a connection, by what the context wraps it in."""

    max_size = PIECE
    """asyncio's own keeps a buffer of this size for each connection, and has 256 KiB."""

    def __init__(self, inner: asyncio.Protocol, context: Any, ready: "asyncio.Future[None]") -> None:
        """`ready` is set when hands have been shaken."""
        loop = asyncio.get_running_loop()
        super().__init__(loop, inner, context, ready, server_side=True, ssl_handshake_timeout=HANDSHAKE_TIMEOUT)


class CoreTls(Tls):
    """The same with the core's TLS."""

    def __init__(
        self,
        inner: asyncio.Protocol,
        context: ServerContext,
        connection: "TlsConnection",
        ready: "asyncio.Future[None]",
    ) -> None:
        """`context` is what those ask who want to know how the connection is secured."""
        self._below: asyncio.Transport | None = None
        self._connection = connection
        self._wrapping = _Wrapping(connection)
        super().__init__(inner, self._wrapping, ready)
        self._extra["sslcontext"] = context

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._below = transport
        super().connection_made(transport)

    def abort(self) -> None:
        """Close at once."""
        if self._below is not None:
            self._below.abort()

    def part(self) -> socket.socket | None:
        """The socket, for somebody who goes on where asyncio is now; what it has is to be aborted. None if the
        connection has ended, or something waits to be written."""
        below = self._below
        if below is None or self._connection.has_ended:
            return None
        if unsent := self._wrapping.outgoing.read():
            below.write(unsent)
        if below.is_closing() or below.get_write_buffer_size():
            return None
        try:
            own: socket.socket = below.get_extra_info("socket").dup()
        except OSError:
            return None  # out of descriptors
        return own


class FirstData(asyncio.Protocol):
    """Waits for the first bytes of data, and says what they are."""

    def __init__(self, decided: Callable[[asyncio.Transport, Kind, bytes], None]) -> None:
        """`decided` is called once, and has somebody else read on."""
        self._decided = decided
        self._judge = Judge()
        self._first = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._first += data
        opening = self._judge.look(self._first)
        if opening is not None:
            self._decided(self._transport, opening.kind, self._first)


class _Wrapping:
    """What asyncio asks a context for."""

    outgoing: ssl.MemoryBIO
    """What is about to be written."""

    def __init__(self, connection: "TlsConnection") -> None:
        self._connection = connection

    def wrap_bio(self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, **_: object) -> "_Wrapped":
        self.outgoing = outgoing
        return _Wrapped(self._connection, incoming, outgoing)


class _Wrapped:
    """What asyncio uses of `ssl.SSLObject`. All that has come is decrypted at once; as much of it is kept as was read
    from the socket, which asyncio bounds."""

    def __init__(self, connection: "TlsConnection", incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO) -> None:
        self._connection = connection
        self._incoming = incoming
        self._outgoing = outgoing
        self._plain = bytearray()

    def do_handshake(self) -> None:
        self._receive()
        if self._connection.is_handshaking:
            raise ssl.SSLWantReadError

    def read(self, most: int, buffer: memoryview | None = None) -> bytes | int:
        """Empty, or 0, if the other side said that it is done."""
        if not self._plain:
            self._receive()
        if not self._plain and not self._connection.has_ended:
            raise ssl.SSLWantReadError
        data = bytes(self._plain[:most])
        del self._plain[:most]
        if buffer is None:
            return data
        buffer[: len(data)] = data
        return len(data)

    def write(self, data: bytes | bytearray | memoryview) -> int:
        self._outgoing.write(self._connection.send(bytes(data)))
        return len(data)

    def unwrap(self) -> None:
        """Say that we are done, and wait until the other side says so, too. Nobody reads what it says instead."""
        self._connection.close()
        self._receive()
        if self._connection.has_ended:
            return
        if self._plain:
            raise ssl.SSLError(ssl.SSL_ERROR_SSL, "data after the end")
        raise ssl.SSLWantReadError

    def getpeercert(self) -> None:
        """Clients have none."""

    def cipher(self) -> tuple[str | None, str | None, None]:
        return self._connection.suite, self._connection.version, None

    def compression(self) -> None:
        """There is none."""

    def _receive(self) -> None:
        try:
            if came := self._incoming.read():
                self._plain += self._connection.receive(came)
        except ValueError as cause:
            raise ssl.SSLError(ssl.SSL_ERROR_SSL, str(cause)) from cause
        finally:
            self._outgoing.write(self._connection.pending())
