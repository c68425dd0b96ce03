"""Datagrams with somebody else's address as their source, by a raw socket (needs CAP_NET_RAW)."""

import socket
import struct

import pytest


class Forger:
    """Sends to the media port on loopback in the name of others."""

    def __init__(self, port: int) -> None:
        try:
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        except PermissionError:
            pytest.fail("Forging addresses needs a raw socket: run as root, or with CAP_NET_RAW.")
        self._port = port

    def send(self, source: tuple[str, int], datagram: bytes) -> None:
        """One datagram from `source`."""
        host, port = source
        addresses = socket.inet_aton(host) + socket.inet_aton("127.0.0.1")
        # The kernel fills in length, identification and checksum of IP; UDP may go without one (RFC 768).
        internet = struct.pack("!BBHHHBBH", 0x45, 0, 0, 0, 0, 64, socket.IPPROTO_UDP, 0) + addresses
        header = struct.pack("!HHHH", port, self._port, 8 + len(datagram), 0)
        self._socket.sendto(internet + header + datagram, ("127.0.0.1", 0))

    def close(self) -> None:
        self._socket.close()
