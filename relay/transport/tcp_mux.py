"""The TCP port: accepts connections, looks at their first bytes, and hands them on unread.

Owns the listening sockets and every connection until it is known what it is for; whoever takes it
then finds all its bytes (MSG_PEEK). A connection that says nothing is closed after `PATIENCE`; of
those that have not spoken yet only so many are kept, from one address and altogether.
"""

import asyncio
import errno
import socket
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from relay.errors import ConfigurationError
from relay.observe.drops import Drop, Drops
from relay.observe.logging import get_logger
from relay.transport.addresses import Networks, subscriber
from relay.transport.first_bytes import LONGEST_HELLO, Kind, Opening, judge

PATIENCE = 10.0
"""Seconds until a connection has said what it is for. Slow phones on bad networks take five."""

MOST_SILENT = 512
"""Connections that may be silent at once. When one more comes, the oldest of them is closed."""

MOST_SILENT_PER_ADDRESS = 32
"""Of those, from one address (IPv6: one /64). One more is closed at once."""

BACKLOG = 1_024
"""Connections that the system keeps for us until we accept them, if it lets us."""

ACCEPTED_PER_WAKE = 64
"""How many are accepted before other work gets its turn."""

EXHAUSTED_PAUSE = 0.5
"""Seconds without accepting when the process is out of descriptors."""

Taker = Callable[[socket.socket, Opening], None]
"""Takes a connection over, and closes it in the end."""

log = get_logger("tcp")


class TcpMux:
    """Listens from `open()` to `close()`, and gives each connection to the taker for its kind."""

    def __init__(self, takers: Mapping[Kind, Taker], drops: Drops, trusted: Networks) -> None:
        """`trusted` proxies stand for many people, so the limit per address is not for them."""
        self._takers = dict(takers)
        self._drops = drops
        self._trusted = trusted
        self._listeners: list[socket.socket] = []
        self._silent: dict[int, _Silent] = {}
        self._addresses: Counter[str] = Counter()
        self._pauses: set[asyncio.TimerHandle] = set()

    def open(self, hosts: Sequence[str], port: int, purpose: str) -> None:
        """Listen on `port` on each of `hosts`, or on all addresses of both families when there are none.

        Raises:
            ConfigurationError: the port can't be bound; it is named as the `purpose` port.
        """
        for host in hosts or ("0.0.0.0", "::"):  # noqa: S104 - listening everywhere is this port's purpose
            try:
                self._listeners.append(_listen(host, port))
            except OSError as cause:
                if not hosts and host == "::" and cause.errno in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                    continue
                self.close()
                raise ConfigurationError(
                    f"The {purpose} port can't be opened: TCP {host} port {port}: {cause.strerror}."
                ) from cause
        for listener in self._listeners:
            self._resume(listener)

    def close(self) -> None:
        """Stop listening, and close what has not been handed on. Idempotent."""
        loop = asyncio.get_running_loop()
        for pause in self._pauses:
            pause.cancel()
        self._pauses.clear()
        for listener in self._listeners:
            loop.remove_reader(listener)
            listener.close()
        self._listeners.clear()
        for silent in list(self._silent.values()):
            self._release(silent).close()

    def _resume(self, listener: socket.socket) -> None:
        asyncio.get_running_loop().add_reader(listener, self._accept, listener)

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(ACCEPTED_PER_WAKE):
            try:
                connection, (host, *_) = listener.accept()
            except BlockingIOError:
                return
            except OSError as cause:
                if cause.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                    log.error("accept_failed", cause=cause.strerror)
                    self._pause(listener)
                    return
                continue  # that connection ended before we took it
            self._listen_to(connection, host)

    def _pause(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(listener)

        def resume() -> None:
            self._pauses.discard(handle)
            self._resume(listener)

        handle = loop.call_later(EXHAUSTED_PAUSE, resume)
        self._pauses.add(handle)

    def _listen_to(self, connection: socket.socket, host: str) -> None:
        connection.setblocking(False)
        # After a stall of ours many have spoken already, maybe from one address: they are not silent.
        opening = judge(_peeked(connection) or b"")
        if opening is not None:
            self._hand_on(connection, opening)
            return
        address = "" if self._trusted.hold(host) else subscriber(host)
        if address and self._addresses[address] >= MOST_SILENT_PER_ADDRESS:
            self._drop(connection, Drop.TCP_CROWDED)
            return
        if len(self._silent) >= MOST_SILENT:
            self._drop(self._release(next(iter(self._silent.values()))), Drop.TCP_CROWDED)
        loop = asyncio.get_running_loop()
        silent = _Silent(connection, address)
        silent.deadline = loop.call_later(PATIENCE, self._give_up, silent)
        self._silent[connection.fileno()] = silent
        self._addresses[address] += 1
        loop.add_reader(connection, self._peek, silent)

    def _peek(self, silent: "_Silent") -> None:
        first = _peeked(silent.connection)
        if first is None:
            return
        opening = judge(first)
        if opening is not None:
            self._hand_on(self._release(silent), opening)
        elif len(first) <= silent.seen:
            # Readable, but with nothing new: the other side has closed.
            self._drop(self._release(silent), Drop.TCP_SILENT)
        else:
            # What was peeked at stays readable; wake up only when there is more.
            silent.seen = len(first)
            silent.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, len(first) + 1)

    def _hand_on(self, connection: socket.socket, opening: Opening) -> None:
        taker = self._takers.get(opening.kind)
        if taker is None:
            self._drop(connection, Drop.TCP_UNKNOWN)
        else:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
            taker(connection, opening)

    def _give_up(self, silent: "_Silent") -> None:
        self._drop(self._release(silent), Drop.TCP_SILENT)

    def _release(self, silent: "_Silent") -> socket.socket:
        """Forget a connection; it is the caller's now."""
        del self._silent[silent.connection.fileno()]
        self._addresses[silent.address] -= 1
        if not self._addresses[silent.address]:
            del self._addresses[silent.address]
        if silent.deadline is not None:
            silent.deadline.cancel()
        asyncio.get_running_loop().remove_reader(silent.connection)
        return silent.connection

    def _drop(self, connection: socket.socket, reason: Drop) -> None:
        self._drops.count(reason)
        connection.close()


class _Silent:
    """A connection that has not said yet what it is for."""

    __slots__ = ("address", "connection", "deadline", "seen")

    def __init__(self, connection: socket.socket, address: str) -> None:
        self.connection = connection
        self.address = address
        self.seen = 0
        self.deadline: asyncio.TimerHandle | None = None


def _peeked(connection: socket.socket) -> bytes | None:
    """Its first bytes, which stay where they are; none if it has ended, None if there is nothing yet."""
    try:
        return connection.recv(LONGEST_HELLO, socket.MSG_PEEK)
    except (BlockingIOError, InterruptedError):
        return None
    except OSError:
        return b""


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setblocking(False)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if listener.family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener
