"""ICE over TCP, passive side (RFC 6544): one connection of a browser that can't use UDP.

Owns the socket, cuts the stream into datagrams and joins them again. What a slow reader leaves
unread is bounded here: media that does not fit is lost as on any narrow link, and counted; answers
to checks and DTLS have room of their own, and a reader who fills that as well is cut off.
"""

import asyncio
import socket
from collections.abc import Callable

from relay.observe.drops import Drop, Drops
from relay.transport.framing import Deframer, FramingError, frame
from relay.transport.port import Path, Transport

MEDIA_BACKLOG = 64 * 1024
"""Bytes waiting beyond which media is dropped: half a second at full rate."""

LARGEST_BACKLOG = 128 * 1024
"""Bytes waiting beyond which the connection is closed."""

KERNEL_BUFFER = 64 * 1024
"""Bytes that the system holds for us; more would only be delay."""

READ_SIZE = 32 * 1024
"""Bytes read before others get their turn."""

DEAD_AFTER = 30_000
"""Milliseconds without an acknowledgement after which the system gives a connection up."""


def prepare(connection: socket.socket) -> bool:
    """Set a connection up for media; False when it has ended already."""
    try:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_AFTER)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BUFFER)
    except OSError:
        return False
    return True


class TcpFlow:
    """One accepted connection. `received` gets each datagram, `closed` is called once, unless `close()` was."""

    def __init__(
        self,
        connection: socket.socket,
        drops: Drops,
        received: Callable[["TcpFlow", bytes], None],
        closed: Callable[["TcpFlow"], None],
    ) -> None:
        """
        Raises:
            OSError: the connection has ended already; it is still the caller's.
        """
        remote, local = connection.getpeername(), connection.getsockname()
        self.path = Path(remote[0], remote[1], local[0], Transport.TCP)
        self._socket = connection
        self._drops = drops
        self._received = received
        self._closed = closed
        self._deframer = Deframer()
        self._waiting = bytearray()
        self._open = True
        asyncio.get_running_loop().add_reader(connection, self._readable)

    def send(self, datagram: bytes, *, is_media: bool) -> None:
        """Send, or keep until there is room; see the module for what happens when there is none."""
        if not self._open:
            self._drops.count(Drop.SEND_FAILED)
            return
        if is_media and len(self._waiting) + len(datagram) > MEDIA_BACKLOG:
            self._drops.count(Drop.TCP_BACKLOG)
            return
        if len(self._waiting) + len(datagram) > LARGEST_BACKLOG:
            self._end(Drop.TCP_STUCK)
            return
        idle = not self._waiting
        self._waiting += frame(datagram)
        if idle:
            self._write()
            if self._waiting:
                asyncio.get_running_loop().add_writer(self._socket, self._writable)

    def close(self) -> None:
        """Idempotent."""
        if self._open:
            self._open = False
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._socket)
            loop.remove_writer(self._socket)
            self._socket.close()

    def fail(self, reason: Drop) -> None:
        """Close because of what the other side did, or did not do."""
        self._end(reason)

    def _readable(self) -> None:
        try:
            piece = self._socket.recv(READ_SIZE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            piece = b""
        if not piece:
            self._end(None)
            return
        try:
            datagrams = self._deframer.feed(piece)
        except FramingError:
            self._end(Drop.TCP_MALFORMED)
            return
        for datagram in datagrams:
            if not self._open:
                return
            self._received(self, datagram)

    def _writable(self) -> None:
        self._write()
        if self._open and not self._waiting:
            asyncio.get_running_loop().remove_writer(self._socket)

    def _write(self) -> None:
        try:
            sent = self._socket.send(self._waiting)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._waiting.clear()
            self._end(None)
            return
        del self._waiting[:sent]

    def _end(self, reason: Drop | None) -> None:
        if self._open:
            if reason is not None:
                self._drops.count(reason)
            self.close()
            self._closed(self)
