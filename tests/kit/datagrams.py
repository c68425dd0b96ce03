"""What strangers throw at the media port."""

import asyncio
import os
import random
import socket
from collections.abc import Iterator

from aioice import stun

PATIENCE = 5.0
"""Seconds that an answer may take."""


def client_hello() -> bytes:
    """A well-formed DTLS 1.2 ClientHello (RFC 6347 section 4.2.1), as a spoofer would send it."""
    suites = b"\xc0\x2b\xc0\x2f"
    body = b"\xfe\xfd" + os.urandom(32) + b"\x00\x00" + len(suites).to_bytes(2, "big") + suites + b"\x01\x00"
    length = len(body).to_bytes(3, "big")
    handshake = b"\x01" + length + b"\x00\x00" + b"\x00\x00\x00" + length + body
    return b"\x16\xfe\xff" + bytes(8) + len(handshake).to_bytes(2, "big") + handshake


def alert() -> bytes:
    """A fatal DTLS alert in the clear: handshake_failure."""
    return b"\x15\xfe\xfd" + bytes(8) + b"\x00\x02\x02\x28"


def stun_with_a_wrong_password(ufrag: str) -> bytes:
    """A check for a ufrag that exists, from someone who only saw it."""
    request = stun.Message(
        stun.Method.BINDING,
        stun.Class.REQUEST,
        attributes={"USERNAME": f"{ufrag}:evil", "PRIORITY": 1, "USE-CANDIDATE": None},
    )
    request.add_message_integrity(b"not the password")
    return bytes(request)


def assault(ufrag: str, seed: int) -> Iterator[bytes]:
    """One of everything, again and again: 220 datagrams."""
    dice = random.Random(seed)
    for _ in range(20):
        yield b""
        yield client_hello()
        yield alert()
        yield stun_with_a_wrong_password(ufrag)
        yield bytes(stun.Message(stun.Method.BINDING, stun.Class.REQUEST))
        yield dice.randbytes(dice.randrange(1, 1_400))
        yield b"\x80" + dice.randbytes(200)
        yield b"\x16\xfe\xfd" + dice.randbytes(100)
        yield b"\x00\x01" + dice.randbytes(30)
        yield dice.randbytes(2_000)
        yield dice.randbytes(9_000)


class Stranger:
    """A socket of its own on loopback, from which nothing good comes."""

    def __init__(self, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect(("127.0.0.1", port))
        self._socket.setblocking(False)

    def attack(self, ufrag: str, seed: int = 1) -> None:
        for datagram in assault(ufrag, seed):
            self._socket.send(datagram)

    def send(self, datagram: bytes) -> None:
        self._socket.send(datagram)

    async def answer(self) -> bytes:
        """The next datagram that comes back."""
        async with asyncio.timeout(PATIENCE):
            return await asyncio.get_running_loop().sock_recv(self._socket, 2_048)

    def answers(self) -> list[bytes]:
        """Everything that ever came back."""
        received = []
        while True:
            try:
                received.append(self._socket.recv(2_048))
            except (BlockingIOError, ConnectionRefusedError):
                return received

    def close(self) -> None:
        self._socket.close()


def forgeries(ufrag: str, seed: int) -> Iterator[bytes]:
    """What may come in somebody's name who is in a call: 220 datagrams, none longer than the wire takes."""
    dice = random.Random(seed)
    for _ in range(20):
        yield b""
        yield client_hello()
        yield client_hello()[:30]
        yield alert()
        yield CLOSE_NOTIFY_IN_THE_CLEAR
        yield SEALED_ALERT[:13] + dice.randbytes(len(SEALED_ALERT) - 13)
        yield b"\x16\xfe\xfd" + bytes(8) + b"\x00\x20" + dice.randbytes(32)
        yield stun_with_a_wrong_password(ufrag)
        yield b"\x80\x60" + dice.randbytes(100)
        yield b"\x80\xc8\x00\x06" + dice.randbytes(40)
        yield dice.randbytes(1_200)


CLOSE_NOTIFY_IN_THE_CLEAR = b"\x15\xfe\xfd" + bytes(8) + b"\x00\x02\x01\x00"
SEALED_ALERT = b"\x15\xfe\xfd\x00\x01" + bytes(6) + b"\x00\x1a" + bytes(26)
"""As long as one with AES-GCM; nobody without the keys can make a right one."""
