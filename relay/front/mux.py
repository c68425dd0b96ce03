"""The TCP port: accepts connections, looks at their first bytes, and hands them on unread.

Owns the listening sockets and every connection until it is known what it is for; the part that takes it
then finds all its bytes (MSG_PEEK), but for a PROXY header, which only trusted proxies may send. A
connection that says nothing is closed after `PATIENCE`; of those that have not spoken yet only so many
are kept, from one address and altogether. All of it is charged to the address: one that has spent what
it has is handed on more slowly.
"""

import asyncio
import errno
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from relay import clock
from relay.front import proxy_protocol
from relay.front.first_bytes import LONGEST_HELLO, Judge, Kind, Opening
from relay.ledger.accounts import Deed, Ledger, Payer
from relay.ledger.table import Table, Takes
from relay.ledger.turns import Turn, Turns
from relay.observe.drops import Drop, Drops
from relay.observe.happenings import ConnectionTaken, KeptOut
from relay.observe.journal import Journal
from relay.observe.reasons import Reason
from relay.transport.ports import not_opened

PATIENCE = 10.0
"""Seconds until a connection has said what it is for. Slow phones on bad networks take five."""

MOST_SILENT = 512
"""Connections that may be silent at once. When one more comes, the oldest of the address that has most is closed."""

MOST_SILENT_PER_ADDRESS = 32
"""Of those, from one address. When one more comes, its oldest is closed: it has had time to speak."""

MOST_WAITING = 512
MOST_WAITING_PER_ADDRESS = 256
"""Connections that have said something and wait for their turn. When one more comes, it is closed: those that have
waited are to have theirs. An office or a carrier's customers may come back all at once."""

BACKLOG = 1_024
"""Connections that the system keeps for us until we accept them, if it lets us."""

ACCEPTED_PER_WAKE = 64
"""How many are accepted before other work gets its turn."""

EXHAUSTED_PAUSE = 0.5
"""Seconds without accepting when the process is out of descriptors."""

ACCEPTING = 100e-6
LOOKING = 50e-6
"""Seconds of CPU that it takes to accept a connection, and to be woken for one; what it said is measured."""


@dataclass(slots=True, eq=False)
class Arrival:
    """A connection that is about to be handed on."""

    connection: socket.socket
    host: str
    """Whom it comes from."""
    payer: Payer
    """Who pays for it."""
    may_be_proxied: bool
    """Whether a PROXY header may come first, which says for whom the connection is."""
    judge: Judge = field(default_factory=Judge)
    seen: int = 0
    is_watched: bool = False
    """Whether the event loop tells when it says something."""
    deadline: asyncio.TimerHandle | None = None
    turn: Turn | None = None


Taker = Callable[[Arrival, Opening], None]
"""Takes a connection over, and closes it in the end."""


class TcpMux:
    """Listens from `open()` to `close()`, and gives each connection to the taker for its kind."""

    def __init__(
        self, takers: Mapping[Kind, Taker], ledger: Ledger, turns: Turns, drops: Drops, journal: Journal
    ) -> None:
        self._takers = dict(takers)
        self._ledger = ledger
        self._turns = turns
        self._drops = drops
        self._journal = journal
        self._listeners: list[socket.socket] = []
        self._silent: Table[Arrival] = Table(MOST_SILENT, Takes.OLDEST, most_each=MOST_SILENT_PER_ADDRESS)
        self._waiting: Table[Arrival] = Table(MOST_WAITING, Takes.NEWEST, most_each=MOST_WAITING_PER_ADDRESS)
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
                raise not_opened(purpose, "TCP", host, port, cause) from cause
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
        for arrival in [*self._silent, *self._waiting]:
            self._release(arrival)
            arrival.connection.close()

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
                    self._journal.note(
                        KeptOut(reason=Reason.DESCRIPTORS, cause="accept", fields={"says": cause.strerror})
                    )
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
        now = clock.monotonic()
        payer = self._ledger.peer(host, now)
        payer.charge(now, ACCEPTING)
        arrival = Arrival(connection, host, payer, may_be_proxied=self._ledger.trusts(host))
        if payer.take(Deed.CONNECTION, now) > 0:
            self._refuse(arrival)
            return
        # After a stall of ours many have spoken already, maybe from one address: they are not silent.
        first = b"" if arrival.may_be_proxied else _peeked(connection) or b""
        opening = arrival.judge.look(first)
        if opening is not None and self._turns.goes_on(payer):
            self._hand_on(arrival, opening, first)
            return
        arrival.deadline = asyncio.get_running_loop().call_later(PATIENCE, self._give_up, arrival)
        if opening is not None:
            self._wait_for_turn(arrival)
        else:
            self._watch(arrival)

    def _watch(self, arrival: Arrival) -> None:
        """Look at it when it says something."""
        asyncio.get_running_loop().add_reader(arrival.connection.fileno(), self._readable, arrival)
        arrival.is_watched = True
        self._enter(self._silent, arrival)

    def _unwatch(self, arrival: Arrival) -> None:
        # By number: of a socket that it does not know the event loop writes a description, at two system calls.
        if arrival.is_watched:
            asyncio.get_running_loop().remove_reader(arrival.connection.fileno())
            arrival.is_watched = False

    def _readable(self, arrival: Arrival) -> None:
        self._unwatch(arrival)
        self._wait_for_turn(arrival)

    def _wait_for_turn(self, arrival: Arrival) -> None:
        """Look at what it said when its address may go on."""
        arrival.turn = self._turns.ask(arrival.payer, lambda: self._look(arrival), is_new=True)
        if arrival.turn is not None:
            self._silent.leave(arrival)
            self._enter(self._waiting, arrival)

    def _enter(self, table: Table[Arrival], arrival: Arrival) -> None:
        if arrival not in table and (crowded_out := table.enter(arrival, arrival.payer.groups)) is not None:
            self._let_go(crowded_out, Drop.TCP_CROWDED)

    def _look(self, arrival: Arrival) -> None:
        arrival.turn = None
        self._waiting.leave(arrival)
        first = _peeked(arrival.connection)
        if first is None:
            self._watch(arrival)
            return
        if first and arrival.may_be_proxied:
            self._look_for_proxy(arrival, first)
            return
        began = clock.cpu()
        opening = arrival.judge.look(first)
        arrival.payer.charge(clock.monotonic(), LOOKING + clock.cpu() - began)
        if opening is not None:
            self._release(arrival)
            self._hand_on(arrival, opening, first)
        elif len(first) <= arrival.seen:
            # Readable, but with nothing new: the other side has closed.
            self._let_go(arrival, Drop.TCP_SILENT)
        else:
            self._look_again(arrival, len(first), arrival.judge.wanted)

    def _look_again(self, arrival: Arrival, seen: int, wanted: int) -> None:
        """What was peeked at stays readable: wake up only when it is worth looking again."""
        arrival.seen = seen
        arrival.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, wanted)
        self._watch(arrival)

    def _look_for_proxy(self, arrival: Arrival, first: bytes) -> None:
        match proxy_protocol.read(first):
            case proxy_protocol.Verdict.NEEDS_MORE if len(first) > arrival.seen:
                self._look_again(arrival, len(first), len(first) + 1)
                return
            case proxy_protocol.Verdict.NEEDS_MORE:
                self._let_go(arrival, Drop.TCP_SILENT)
                return
            case proxy_protocol.Verdict.MALFORMED:
                self._journal.note(
                    KeptOut(reason=Reason.BROKEN_PROXY_HEADER, cause=arrival.host, fields={"source": arrival.host})
                )
                self._let_go(arrival, Drop.TCP_MALFORMED)
                return
            case proxy_protocol.Header(length=length, source=source):
                arrival.connection.recv(length)
                if source is not None and not self._belongs_to(arrival, source[0]):
                    return
        arrival.may_be_proxied, arrival.seen = False, 0
        arrival.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
        self._look(arrival)

    def _belongs_to(self, arrival: Arrival, host: str) -> bool:
        """Have the connection count for the visitor whom the proxy names. False if they have too many."""
        now = clock.monotonic()
        self._silent.leave(arrival)
        arrival.host, arrival.payer = host, self._ledger.peer(host, now)
        arrival.payer.charge(now, ACCEPTING)
        if arrival.payer.take(Deed.CONNECTION, now) > 0:
            self._refuse(arrival)
            return False
        return True

    def _hand_on(self, arrival: Arrival, opening: Opening, first: bytes) -> None:
        if first.startswith((proxy_protocol.BEGIN_V1, proxy_protocol.SIGNATURE_V2)):
            # Of somebody who is not trusted. Nothing in here reads that.
            self._journal.note(
                KeptOut(reason=Reason.UNTRUSTED_PROXY, cause=arrival.host, fields={"source": arrival.host})
            )
        taker = self._takers.get(opening.kind)
        if taker is None:
            self._let_go(arrival, Drop.TCP_UNKNOWN)
        else:
            if arrival.seen:
                arrival.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
            kind, name = opening.kind.value, opening.server_name
            self._journal.note(ConnectionTaken(kind=kind, source=arrival.host, name=name))
            taker(arrival, opening)

    def _give_up(self, arrival: Arrival) -> None:
        # What waits for its turn has spoken, but its address has spent too much.
        self._let_go(arrival, Drop.TCP_SILENT if arrival.turn is None else Drop.TCP_CROWDED)

    def _release(self, arrival: Arrival) -> None:
        """Forget a connection; it is the caller's now."""
        self._silent.leave(arrival)
        self._waiting.leave(arrival)
        if arrival.turn is not None:
            arrival.turn.cancel()
        if arrival.deadline is not None:
            arrival.deadline.cancel()
        self._unwatch(arrival)

    def _refuse(self, arrival: Arrival) -> None:
        """Its address has made too many lately."""
        self._journal.note(KeptOut(reason=Reason.ADDRESS_RATE, cause=arrival.host, fields={"source": arrival.host}))
        self._let_go(arrival, Drop.TCP_CROWDED)

    def _let_go(self, arrival: Arrival, reason: Drop) -> None:
        self._release(arrival)
        self._drops.count(reason)
        arrival.connection.close()


def _peeked(connection: socket.socket) -> bytes | None:
    """Its first bytes, which stay where they are; empty if it has ended, None if there is nothing yet."""
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
