"""One UDP socket that knows which of our addresses each datagram was sent to.

Replies leave from the address that was asked (IP_PKTINFO): browsers ignore any other.
"""

import ipaddress
import socket
import struct

from relay.transport.framing import LARGEST_DATAGRAM
from relay.transport.port import Path

SOCKET_BUFFER = 4 * 1024 * 1024
"""Bytes asked of the system for each direction; for few people it is what strangers send that has to fit."""
LARGEST_BUFFER = (1 << 30) - 1
"""Bytes: the system doubles what is asked for, in an int."""
BITS_PER_PERSON = 2_500_000
"""What one person may send a second."""
BUFFERED_SECONDS = 0.1
"""Load that fits in the sockets' buffers while the media threads do something else."""

_IP_PKTINFO = 8
"""Linux's IP_PKTINFO, which Python 3.11 does not name. struct in_pktinfo: index, spec_dst, addr (ip(7))."""
_IN_PKTINFO = struct.Struct("=i4s4s")
_IN6_PKTINFO = struct.Struct("=16si")
_ANCILLARY_SPACE = socket.CMSG_SPACE(_IN6_PKTINFO.size)


_FORCE = {socket.SO_RCVBUF: 33, socket.SO_SNDBUF: 32}
"""Linux's SO_RCVBUFFORCE and SO_SNDBUFFORCE, which Python does not name: with them root exceeds the limit."""


def wanted_buffer(people: int) -> int:
    """Bytes of all media threads' sockets together, for each direction."""
    return max(SOCKET_BUFFER, int(people * BITS_PER_PERSON / 8 * BUFFERED_SECONDS))


def granted_buffers(wanted: int) -> tuple[int, int]:
    """What the system gives a socket that asks for so much: bytes to receive, and to send."""
    wanted = min(wanted, LARGEST_BUFFER)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        for option, force in _FORCE.items():
            try:
                own.setsockopt(socket.SOL_SOCKET, force, wanted)
            except OSError:
                own.setsockopt(socket.SOL_SOCKET, option, wanted)
        # The system doubles what is set, for its own bookkeeping.
        receive, send = (own.getsockopt(socket.SOL_SOCKET, option) // 2 for option in _FORCE)
        return receive, send


class UdpSocket:
    """One address family's socket."""

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
