"""The media port in Python: UDP sockets and TCP connections on the event loop, for the frames engine.

Owns the sockets and the binding table. Tells STUN, DTLS and SRTP apart by their first byte (RFC
7983 section 7), answers checks and asks back, and drops what comes from an address that nobody has proved. A TCP
connection lives as long as its path has an owner: it has `PROOF_TIMEOUT` to find one. There is no TURN in here.
"""

import asyncio
import errno
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING

from relay import clock
from relay.errors import ConfigurationError
from relay.ids import PeerId
from relay.ledger.addresses import groups_of
from relay.ledger.table import Table, Takes
from relay.observe.drops import Drop, Drops
from relay.observe.logs.logging import get_logger
from relay.tasks import Report, Tasks
from relay.transport.bindings import BindingTable
from relay.transport.port import Credentials, Path, PortListener, SrtpReceiver, Transport
from relay.transport.ports import not_opened
from relay.transport.records import is_sensible
from relay.transport.tcp import TcpFlow, prepare
from relay.transport.udp import UdpSocket

if TYPE_CHECKING:
    from relay.native._core import TlsConnection

DATAGRAMS_PER_WAKE = 64
"""How many are read before other work gets its turn."""

ASK_INTERVAL = 0.1
"""Seconds between looks for paths that are to be asked."""

EXPIRY_INTERVAL = 1.0
"""Seconds between looks for expired consent and for TCP connections that nobody owns."""

PROOF_TIMEOUT = 10.0
"""Seconds that a TCP connection has for its first right check."""

MOST_UNPROVED = 512
"""TCP connections without an owner. When one more comes, the address that holds most loses its oldest."""

_STUN = range(4)
_DTLS = range(20, 64)
_RTP = range(128, 192)

log = get_logger("port")


class AsyncioPort:
    """A `SrtpPort` on the event loop. `open()` binds it, `close()` frees it."""

    _listener: PortListener
    _srtp_received: SrtpReceiver

    def __init__(self, drops: Drops, report: Report) -> None:
        self._drops = drops
        self._table = BindingTable()
        self._sockets: dict[int, UdpSocket] = {}
        self._flows: dict[Path, TcpFlow] = {}
        self._unproved: dict[Path, float] = {}
        """Since when."""
        self._newcomers: Table[Path] = Table(MOST_UNPROVED, Takes.OLDEST)
        """The same."""
        self._tasks = Tasks("port", report)

    def open(self, hosts: Sequence[str], port: int, listener: PortListener, srtp_received: SrtpReceiver) -> None:
        """Bind `port` on each of `hosts`, or on all addresses of both families when there are none.

        Raises:
            ConfigurationError: the port can't be bound.
        """
        self._listener, self._srtp_received = listener, srtp_received
        loop = asyncio.get_running_loop()
        opened = []
        try:
            for host in hosts or ("0.0.0.0", "::"):  # noqa: S104 - listening everywhere is this port's purpose
                try:
                    opened.append(UdpSocket(host, port))
                except OSError as cause:
                    if not hosts and host == "::" and cause.errno in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                        log.info("ipv6_unavailable")
                        continue
                    raise not_opened("media", "UDP", host, port, cause) from cause
        except ConfigurationError:
            for bound in opened:
                bound.close()
            raise
        for bound in opened:
            self._sockets[bound.fileno()] = bound
            loop.add_reader(bound.fileno(), self._readable, bound)
        self._tasks.start("consent", self._watch_consent())
        self._tasks.start("questions", self._ask_back())

    def admit(self, peer: PeerId, local: Credentials, remote: Credentials) -> None:
        self._table.admit(peer, local, remote)

    def release(self, peer: PeerId) -> None:
        self._table.release(peer)
        self._close_unowned()

    def adopt(self, connection: socket.socket) -> None:
        if not prepare(connection):
            connection.close()
            return
        try:
            flow = TcpFlow(connection, self._drops, self._receive_framed, self._flow_closed)
        except OSError:
            connection.close()
            return
        if (stale := self._flows.get(flow.path)) is not None:
            # The browser used the port again: it has forgotten the older connection.
            self._drop_flow(stale)
        taken = self._newcomers.enter(flow.path, groups_of(flow.path.remote_host))
        self._flows[flow.path] = flow
        self._unproved[flow.path] = clock.monotonic()
        if taken is not None:
            self._flows[taken].fail(Drop.TCP_CROWDED)

    def admit_turn(self, username: str, key: bytes) -> None:
        """Nobody is told that there is TURN."""

    def release_turn(self, username: str) -> None:
        """There is none."""

    def tell_turn_peers(self, addresses: Sequence[tuple[str, int]]) -> None:
        """Nobody can name them."""

    def adopt_turn(self, connection: socket.socket, tls: "TlsConnection | None", first: bytes) -> None:
        self._drops.count(Drop.TCP_UNKNOWN)
        connection.close()

    def send_dtls(self, peer: PeerId, datagram: bytes) -> None:
        route = self._table.route(peer, len(datagram))
        if isinstance(route, Path):
            self._send_on(route, datagram, is_media=False)
        elif route is not Drop.PATH_UNVALIDATED or not self._table.withhold(peer, datagram):
            self._drops.count(route)

    def send_srtp(self, peer: PeerId, datagram: bytes) -> None:
        route = self._table.route(peer, len(datagram))
        if isinstance(route, Path):
            self._send_on(route, datagram, is_media=True)
        else:
            self._drops.count(route)

    async def close(self) -> None:
        await self._tasks.close()
        for descriptor, bound in self._sockets.items():
            asyncio.get_running_loop().remove_reader(descriptor)
            bound.close()
        self._sockets.clear()
        for flow in list(self._flows.values()):
            self._drop_flow(flow)

    def _readable(self, source: UdpSocket) -> None:
        for _ in range(DATAGRAMS_PER_WAKE):
            try:
                datagram, path, truncated = source.receive()
            except BlockingIOError:
                return
            except OSError:
                # An ICMP error for something sent earlier; the socket itself is fine.
                continue
            if truncated:
                self._drops.count(Drop.OVERSIZED)
            else:
                self._receive(source, datagram, path)

    def _receive_framed(self, flow: TcpFlow, datagram: bytes) -> None:
        self._receive(flow, datagram, flow.path)

    def _receive(self, source: UdpSocket | TcpFlow, datagram: bytes, path: Path) -> None:
        if not datagram:
            self._drops.count(Drop.EMPTY)
            return
        first = datagram[0]
        if first in _STUN:
            self._receive_stun(datagram, path)
            return
        if first not in _DTLS and first not in _RTP:
            self._drops.count(Drop.UNKNOWN_PROTOCOL)
            return
        peer = self._table.owner(path)
        if peer is None:
            self._drops.count(Drop.UNVERIFIED_SOURCE)
            return
        if self._table.hear(peer, path, len(datagram), clock.monotonic()):
            self._listener.flow_heard(peer)
        if first in _DTLS:
            if is_sensible(datagram):
                self._listener.dtls_received(peer, datagram)
            else:
                self._drops.count(Drop.DTLS_REFUSED)
        else:
            self._srtp_received(peer, datagram)

    def _receive_stun(self, datagram: bytes, path: Path) -> None:
        now = clock.monotonic()
        taken = self._table.receive_stun(datagram, path, now)
        if isinstance(taken, Drop):
            self._drops.count(taken)
            return
        self._proved(path)
        if taken.response is not None:
            self._send_if_allowed(path, taken.peer, taken.response)
        else:
            for withheld in self._table.take_withheld(taken.peer):
                self.send_dtls(taken.peer, withheld)
        self._ask(taken.peer, now)
        if taken.heard_again:
            self._listener.flow_heard(taken.peer)
        if taken.moved is not None:
            self._listener.flow_selected(taken.peer, taken.moved)

    def _ask(self, peer: PeerId, now: float) -> None:
        for path, question in self._table.questions(peer, now):
            self._send_if_allowed(path, peer, question)

    def _send_if_allowed(self, path: Path, peer: PeerId, datagram: bytes) -> None:
        """On one of the peer's paths."""
        if self._table.allows(peer, path, len(datagram)):
            self._send_on(path, datagram, is_media=False)
        else:
            self._drops.count(Drop.PATH_UNVALIDATED)

    def _send_on(self, path: Path, datagram: bytes, *, is_media: bool) -> None:
        if path.transport is Transport.TCP:
            self._flows[path].send(datagram, is_media=is_media)
            return
        version = 6 if ":" in path.remote_host else 4
        for bound in self._sockets.values():
            if bound.version == version:
                self._send(bound, datagram, path)
                return

    def _send(self, bound: UdpSocket, datagram: bytes, path: Path) -> None:
        try:
            bound.send(datagram, path)
        except OSError:
            # Full buffer or no route: to the receiver it is one more lost packet.
            self._drops.count(Drop.SEND_FAILED)

    def _flow_closed(self, flow: TcpFlow) -> None:
        # Only the path is lost: the browser may be about to come back on another.
        moved = self._table.forget(flow.path, clock.monotonic())
        self._proved(flow.path)
        self._flows.pop(flow.path, None)
        if moved is not None:
            self._listener.flow_selected(*moved)

    def _proved(self, path: Path) -> None:
        """Or gone. Idempotent."""
        self._unproved.pop(path, None)
        self._newcomers.leave(path)

    def _drop_flow(self, flow: TcpFlow) -> None:
        flow.close()
        self._flow_closed(flow)

    def _close_unowned(self) -> None:
        """Connections whose owner has left, or has shown so many newer paths that it lost this one."""
        for path, flow in list(self._flows.items()):
            if path not in self._unproved and self._table.owner(path) is None:
                self._drop_flow(flow)

    async def _ask_back(self) -> None:
        while True:
            await asyncio.sleep(ASK_INTERVAL)
            now = clock.monotonic()
            self._table.settle(now)
            for peer in self._table.peers():
                self._ask(peer, now)

    async def _watch_consent(self) -> None:
        while True:
            await asyncio.sleep(EXPIRY_INTERVAL)
            now = clock.monotonic()
            for peer in self._table.fall_quiet(now):
                self._listener.flow_quiet(peer)
            for peer in self._table.expire(now):
                self._listener.flow_lost(peer)
            for path, since in list(self._unproved.items()):
                if now - since > PROOF_TIMEOUT:
                    self._flows[path].fail(Drop.TCP_UNPROVED)
            self._close_unowned()
