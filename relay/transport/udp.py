"""The media port in Python: UDP sockets on the event loop, for the frames engine.

Owns the sockets and the binding table. Tells STUN, DTLS and SRTP apart by their first byte (RFC
7983 section 7), answers checks, and drops what comes from an address that nobody has proved.
Replies leave from the address that was asked (IP_PKTINFO): browsers ignore any other.
"""

import asyncio
import errno
import ipaddress
import socket
import struct
from collections.abc import Sequence

from relay import clock
from relay.errors import ConfigurationError
from relay.ids import PeerId
from relay.observe.drops import Drop, Drops
from relay.observe.logging import get_logger
from relay.tasks import Report, Tasks
from relay.transport.bindings import BindingTable
from relay.transport.port import Path, PortListener, SrtpReceiver

LARGEST_DATAGRAM = 1_500
"""Bytes. Browsers stay below 1,200; nothing longer than an Ethernet frame is ours."""

DATAGRAMS_PER_WAKE = 64
"""How many are read before other work gets its turn."""

SOCKET_BUFFER = 4 * 1024 * 1024
"""Bytes asked of the system for each direction."""

EXPIRY_INTERVAL = 1.0
"""Seconds between looks for expired consent."""

_STUN = range(4)
_DTLS = range(20, 64)
_RTP = range(128, 192)

_IP_PKTINFO = 8
"""Linux's IP_PKTINFO, which Python 3.11 does not name. struct in_pktinfo: index, spec_dst, addr (ip(7))."""
_IN_PKTINFO = struct.Struct("=i4s4s")
_IN6_PKTINFO = struct.Struct("=16si")
_ANCILLARY_SPACE = socket.CMSG_SPACE(_IN6_PKTINFO.size)

log = get_logger("port")


class _Socket:
    """One address family's socket. Knows how to read and set the local address of a datagram."""

    def __init__(self, host: str, port: int) -> None:
        self.version = ipaddress.ip_address(host).version
        self._socket = socket.socket(socket.AF_INET if self.version == 4 else socket.AF_INET6, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            if self.version == 4:
                self._socket.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
            else:
                self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
            for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
                self._socket.setsockopt(socket.SOL_SOCKET, option, SOCKET_BUFFER)
            self._socket.bind((host, port))
        except OSError:
            self._socket.close()
            raise

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()

    def receive(self) -> tuple[bytes, Path, bool]:
        """One datagram, its path and whether it was longer than we take. BlockingIOError when there is none."""
        datagram, ancillary, flags, (host, port, *_) = self._socket.recvmsg(LARGEST_DATAGRAM, _ANCILLARY_SPACE)
        local = ""
        for level, kind, content in ancillary:
            if (level, kind) == (socket.IPPROTO_IP, _IP_PKTINFO):
                local = socket.inet_ntop(socket.AF_INET, _IN_PKTINFO.unpack(content)[1])
            elif (level, kind) == (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO):
                local = socket.inet_ntop(socket.AF_INET6, _IN6_PKTINFO.unpack(content)[0])
        return datagram, Path(host, port, local), bool(flags & socket.MSG_TRUNC)

    def send(self, datagram: bytes, path: Path) -> None:
        """Send from the path's local address."""
        if self.version == 4:
            content = _IN_PKTINFO.pack(0, socket.inet_aton(path.local_host), b"")
            ancillary = (socket.IPPROTO_IP, _IP_PKTINFO, content)
        else:
            content = _IN6_PKTINFO.pack(socket.inet_pton(socket.AF_INET6, path.local_host), 0)
            ancillary = (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, content)
        self._socket.sendmsg([datagram], [ancillary], 0, (path.remote_host, path.remote_port))


class UdpPort:
    """A `SrtpPort` over UDP. `open()` binds it, `close()` frees it."""

    _listener: PortListener
    _srtp_received: SrtpReceiver

    def __init__(self, drops: Drops, report: Report) -> None:
        self._drops = drops
        self._table = BindingTable()
        self._sockets: dict[int, _Socket] = {}
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
                    opened.append(_Socket(host, port))
                except OSError as cause:
                    if not hosts and host == "::" and cause.errno in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                        log.info("ipv6_unavailable")
                        continue
                    raise ConfigurationError(
                        f"The media port can't be opened: UDP {host} port {port}: {cause.strerror}."
                    ) from cause
        except ConfigurationError:
            for bound in opened:
                bound.close()
            raise
        for bound in opened:
            self._sockets[bound.fileno()] = bound
            loop.add_reader(bound.fileno(), self._readable, bound)
        self._tasks.start("consent", self._watch_consent())

    def admit(self, peer: PeerId, ufrag: str, password: str) -> None:
        self._table.admit(peer, ufrag, password)

    def release(self, peer: PeerId) -> None:
        self._table.release(peer)

    def send_dtls(self, peer: PeerId, datagram: bytes) -> None:
        self._send_to(peer, datagram)

    def send_srtp(self, peer: PeerId, datagram: bytes) -> None:
        self._send_to(peer, datagram)

    async def close(self) -> None:
        await self._tasks.close()
        for descriptor, bound in self._sockets.items():
            asyncio.get_running_loop().remove_reader(descriptor)
            bound.close()
        self._sockets.clear()

    def _readable(self, source: _Socket) -> None:
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

    def _receive(self, source: _Socket, datagram: bytes, path: Path) -> None:
        if not datagram:
            self._drops.count(Drop.EMPTY)
            return
        first = datagram[0]
        if first in _STUN:
            self._receive_check(source, datagram, path)
            return
        if first not in _DTLS and first not in _RTP:
            self._drops.count(Drop.UNKNOWN_PROTOCOL)
            return
        peer = self._table.owner(path)
        if peer is None:
            self._drops.count(Drop.UNVERIFIED_SOURCE)
        elif first in _DTLS:
            self._listener.dtls_received(peer, datagram)
        else:
            self._srtp_received(peer, datagram)

    def _receive_check(self, source: _Socket, datagram: bytes, path: Path) -> None:
        verdict = self._table.receive_stun(datagram, path, clock.monotonic())
        if isinstance(verdict, Drop):
            self._drops.count(verdict)
            return
        self._send(source, verdict.response, path)
        if verdict.selected:
            self._listener.flow_selected(verdict.peer, path)

    def _send_to(self, peer: PeerId, datagram: bytes) -> None:
        path = self._table.selected(peer)
        if path is None:
            self._drops.count(Drop.SEND_FAILED)
            return
        version = 6 if ":" in path.remote_host else 4
        for bound in self._sockets.values():
            if bound.version == version:
                self._send(bound, datagram, path)
                return

    def _send(self, bound: _Socket, datagram: bytes, path: Path) -> None:
        try:
            bound.send(datagram, path)
        except OSError:
            # Full buffer or no route: to the receiver it is one more lost packet.
            self._drops.count(Drop.SEND_FAILED)

    async def _watch_consent(self) -> None:
        while True:
            await asyncio.sleep(EXPIRY_INTERVAL)
            for peer in self._table.expire(clock.monotonic()):
                self._listener.flow_lost(peer)
