"""What a siege is, and how it is laid: connections from many addresses, each of which says the same again and again.

An epoll loop over sockets, with bytes made beforehand: whatever an attacker's own work costs is taken from the server
under attack, because both are on one machine.
"""

import heapq
import itertools
import select
import socket
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

SERVER = "127.0.0.1"
MOST_IN_ALL = 4_000
"""Connections at the same time, whatever a siege asks for."""
OPENED_PER_SECOND = 2_000
BACK_OFF = 0.25
"""Seconds until a connection that was refused is tried again."""
PIECE = 65_536
BIND_ADDRESS_NO_PORT = 24
"""Of ip(7), which Python has no name for: the port is chosen when the other end is known, so that none run out."""
RESET = b"\x01\x00\x00\x00\x00\x00\x00\x00"
"""Of SO_LINGER: a close is a reset, and leaves nothing in the system."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Siege:
    """What each connection does, from its beginning until it is begun anew."""

    name: str
    over_tls: bool = False
    """Whether the server under siege has a certificate."""
    shakes_hands: bool = False
    """Whether the attacker speaks TLS."""
    per_address: int = 40
    most: int = MOST_IN_ALL
    opening: bytes = b""
    """Sent at once."""
    greeting: bytes = b""
    """What has to be heard before more is sent."""
    press: tuple[bytes, ...] = ()
    """Sent then, in turn."""
    endless: bool = True
    """Whether `press` is begun again after its end."""
    messages: float = 1.0
    """How many messages a piece of `press` holds."""
    pause: float = 0.0
    """Seconds between two pieces; 0: as fast as the server takes them."""
    record: int = 0
    """Bytes in a TLS record of those that are pressed; 0: as many as fit."""
    farewell: bytes = b""
    """What is heard last: the connection is begun anew then."""
    farewells: int = 1
    """How often."""
    lasts: float = 3_600.0
    """Seconds after which a connection is begun anew."""
    opened_per_second: int = OPENED_PER_SECOND


@dataclass(slots=True)
class Toll:
    """What a siege came to."""

    opened: int = 0
    """Connections."""
    refused: int = 0
    """Connections that the server ended before what they came for."""
    messages: float = 0.0
    octets: int = 0
    held: int = 0
    """Connections that were open at the end."""
    cpu: float = 0.0
    """Seconds."""
    elapsed: float = 0.0


class Field:
    """The loop, and what it keeps count of."""

    def __init__(self, siege: Siege, port: int, sources: Sequence[str]) -> None:
        self.siege = siege
        self.port = port
        self.toll = Toll()
        self.poll = select.epoll()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.check_hostname, self.context.verify_mode = False, ssl.CERT_NONE
        self._open: dict[int, _Line] = {}
        self._timers: list[tuple[float, int, _Line, int]] = []
        self._numbers = itertools.count()
        count = min(siege.per_address * len(sources), siege.most, MOST_IN_ALL)
        self._idle = [_Line(self, sources[number % len(sources)]) for number in range(count)]
        """Those that may connect, the next one last."""

    def hold(self, seconds: float) -> Toll:
        began, used = time.monotonic(), time.process_time()
        while (elapsed := time.monotonic() - began) < seconds:
            # A bounded number at a time, so that those that are open get their turn.
            for _ in range(50):
                if not self._idle or self.toll.opened >= self.siege.opened_per_second * elapsed:
                    break
                self._idle.pop().connect()
            for descriptor, events in self.poll.poll(0.005, 256):
                if (line := self._open.get(descriptor)) is not None:
                    line.happen(events)
            self._ring(time.monotonic())
        self.toll.held = len(self._open)
        self.toll.cpu = time.process_time() - used
        self.toll.elapsed = time.monotonic() - began
        for line in list(self._open.values()):
            line.end()
        return self.toll

    def watch(self, line: "_Line", descriptor: int) -> None:
        self._open[descriptor] = line
        self.poll.register(descriptor, select.EPOLLIN | select.EPOLLOUT)

    def leave(self, descriptor: int) -> None:
        with suppress(OSError):
            self.poll.unregister(descriptor)
        self._open.pop(descriptor, None)

    def later(self, seconds: float, line: "_Line") -> None:
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._numbers), line, line.life))

    def again(self, line: "_Line") -> None:
        self._idle.insert(0, line)

    def _ring(self, now: float) -> None:
        while self._timers and self._timers[0][0] <= now:
            _, _, line, life = heapq.heappop(self._timers)
            if line.life == life:
                line.ring(now)


class _Line:
    """One connection, and those that come after it."""

    def __init__(self, field: Field, source: str) -> None:
        self._field = field
        self._siege = field.siege
        self._source = source
        self.life = 0
        self._socket: socket.socket | None = None

    def connect(self) -> None:
        self.life += 1
        self._field.toll.opened += 1
        self._heard, self._farewells = b"", 0
        self._greeted = not self._siege.greeting
        self._at = 0
        self._due = time.monotonic()
        self._alarm = 0.0
        self._ends = self._due + self._siege.lasts
        self._tls: ssl.SSLObject | None = None
        self._secure = True
        self._unsent = memoryview(b"")
        self._waits_to_write = True
        connection = self._socket = socket.socket()
        connection.setblocking(False)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.IPPROTO_IP, BIND_ADDRESS_NO_PORT, 1)
        connection.bind((self._source, 0))
        try:
            connection.connect((SERVER, self._field.port))
        except BlockingIOError:
            pass
        except OSError:
            self._is_refused()
            return
        if self._siege.shakes_hands:
            self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
            self._tls, self._secure = self._field.context.wrap_bio(self._in, self._out, server_hostname="here"), False
        self._plain = self._siege.opening
        self._field.watch(self, connection.fileno())
        self._field.later(self._siege.lasts, self)

    def end(self) -> None:
        self.life += 1
        if self._socket is not None and self._socket.fileno() >= 0:
            self._field.leave(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def ring(self, now: float) -> None:
        """The time has come to try again, to go, or to say more."""
        if self._socket is None:
            self._field.again(self)
        elif now >= self._ends:
            self.end()
            self._field.again(self)
        else:
            self._write()

    def happen(self, events: int) -> None:
        try:
            if events & (select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR):
                self._read()
            if self._socket is not None and events & select.EPOLLOUT:
                self._write()
        except (OSError, ssl.SSLError):
            self._is_refused()

    def _is_refused(self) -> None:
        self.end()
        self._field.toll.refused += 1
        self._field.later(BACK_OFF, self)

    def _read(self) -> None:
        assert self._socket is not None
        piece = self._socket.recv(PIECE)
        if not piece:
            self._is_refused()
            return
        if self._tls is not None:
            self._in.write(piece)
            piece = self._decrypted()
        if not self._greeted:
            self._heard += piece
            self._greeted = self._siege.greeting in self._heard
            piece, self._heard = (self._heard, b"") if self._greeted else (b"", self._heard)
        if self._siege.farewell and self._greeted and self._bids_farewell(piece):
            self.end()
            self._field.again(self)
        else:
            self._write()

    def _bids_farewell(self, piece: bytes) -> bool:
        self._heard += piece
        self._farewells += self._heard.count(self._siege.farewell)
        self._heard = self._heard[-len(self._siege.farewell) + 1 :] if len(self._siege.farewell) > 1 else b""
        return self._farewells >= self._siege.farewells

    def _decrypted(self) -> bytes:
        assert self._tls is not None
        try:
            if not self._secure:
                self._tls.do_handshake()
                self._secure = True
            heard = b""
            while self._in.pending:
                heard += self._tls.read(PIECE)
        except ssl.SSLWantReadError:
            return b"" if not self._secure else heard
        return heard

    def _write(self) -> None:
        """Send what there is, until the system takes no more or nothing is due."""
        assert self._socket is not None
        try:
            for _ in range(4):
                if not self._unsent:
                    self._unsent = memoryview(self._next())
                if not self._unsent:
                    self._wait_to_write(False)
                    return
                sent = self._socket.send(self._unsent)
                self._field.toll.octets += sent
                self._unsent = self._unsent[sent:]
        except BlockingIOError:
            pass
        except OSError:
            self._is_refused()
            return
        self._wait_to_write(True)

    def _wait_to_write(self, wanted: bool) -> None:
        if wanted != self._waits_to_write and self._socket is not None:
            self._waits_to_write = wanted
            events = select.EPOLLIN | (select.EPOLLOUT if wanted else 0)
            self._field.poll.modify(self._socket.fileno(), events)

    def _next(self) -> bytes:
        if self._tls is not None and not self._secure:
            with suppress(ssl.SSLWantReadError):
                self._tls.do_handshake()
                self._secure = True
            if not self._secure or self._out.pending:
                return self._out.read()
        if self._plain:
            plain, self._plain = self._plain, b""
            return self._sealed(plain, 0)
        if not self._greeted or not self._siege.press:
            return b""
        if self._at >= len(self._siege.press):
            if not self._siege.endless:
                return b""
            self._at = 0
        now = time.monotonic()
        if now < self._due:
            if self._alarm <= now:
                self._alarm = self._due
                self._field.later(self._due - now, self)
            return b""
        if self._siege.pause:
            self._due = now + self._siege.pause
        piece = self._siege.press[self._at]
        self._at += 1
        self._field.toll.messages += self._siege.messages
        return self._sealed(piece, self._siege.record)

    def _sealed(self, plain: bytes, record: int) -> bytes:
        if self._tls is None:
            return plain
        for at in range(0, len(plain), record or PIECE):
            self._tls.write(plain[at : at + (record or PIECE)])
        return self._out.read()
