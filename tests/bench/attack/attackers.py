"""Attacks that go on for seconds, each from a process of its own, as fast as they are told or can."""

import contextlib
import multiprocessing
import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.sharedctypes import Synchronized

from tests.bench.attack.forger import Forger
from tests.kit.datagrams import Stranger, client_hello, stun_with_a_wrong_password

Address = tuple[str, int]
SPAWNED = multiprocessing.get_context("spawn")
"""Not forked: an attacker has no business with the sockets of the call."""

STARTING = 60.0
"""Seconds that a process may take to begin, on a busy machine."""


@dataclass(frozen=True, slots=True)
class Attack:
    """One class of what strangers send, again and again in turn."""

    name: str
    contents: tuple[bytes, ...]
    source: Address | None = None
    """In whose name, when it is forged."""
    over_tcp: bool = False
    """A connection for each, which is closed once it is sent."""


def strange_attacks(ufrag: str = "unknown2") -> list[Attack]:
    """What somebody can send who knows no more than the port and, at most, a ufrag."""
    rtp = b"\x80\x60" + bytes(200)
    udp = {
        "empty": b"",
        "2,000 bytes": bytes(2_000),
        "9,000 bytes": bytes(9_000),
        "65,000 bytes": bytes(65_000),
        "checks, unknown ufrag": stun_with_a_wrong_password("unknown1"),
        "checks, wrong password": stun_with_a_wrong_password(ufrag),
        "ClientHello": client_hello(),
        "RTP": rtp,
        "RTP, 1,400 bytes": rtp + bytes(1_200),
    }
    framed = b"\x00\x14\x00\x01\x00\x00\x21\x12\xa4\x42" + bytes(12)
    request = b"GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n"
    tcp = {
        "TCP: checks and junk": framed + b"\xff\xff" + bytes(50),
        "TCP: TLS junk": b"\x16\x03\x01\xff\xff" + bytes(90),
    }
    tcp["HTTP requests"] = request
    return [
        *(Attack(name, (content,)) for name, content in udp.items()),
        Attack("all of these in turn", tuple(udp.values())),
        *(Attack(name, (content,), over_tcp=True) for name, content in tcp.items()),
    ]


def forged_attacks(source: Address) -> list[Attack]:
    """In the name of somebody who talks."""
    contents = {
        "ClientHello": client_hello(),
        "alert": b"\x15\xfe\xfd\x00\x01" + bytes(6) + b"\x00\x1a" + bytes(26),
        "RTP": b"\x80\x60" + bytes(200),
    }
    return [Attack(f"{name}, forged address", (content,), source) for name, content in contents.items()]


class Attacker:
    """A running process."""

    def __init__(self, attack: Attack, port: int, seconds: float, rate: int) -> None:
        self._seconds = seconds
        self._sent: Synchronized[int] = SPAWNED.Value("q", 0)
        self._ready, self._go = SPAWNED.Event(), SPAWNED.Event()
        arguments = (attack, port, seconds, rate, self._sent, self._ready, self._go)
        self._process = SPAWNED.Process(target=_strike, args=arguments, daemon=True)
        self._process.start()

    def begin(self) -> None:
        """Wait for the process to be there, and let go."""
        assert self._ready.wait(STARTING)
        self._go.set()

    def rate(self) -> float:
        """What was sent a second; waits for the end."""
        self._process.join()
        return self._sent.value / self._seconds

    def close(self) -> None:
        self._process.terminate()
        self._process.join()


@contextmanager
def attackers(attacks: Sequence[Attack], port: int, seconds: float, rate: int) -> Iterator[list[Attacker]]:
    """One process for each, which wait to begin; `rate` is for all together."""
    running = [Attacker(attack, port, seconds, rate // len(attacks)) for attack in attacks]
    try:
        yield running
    finally:
        for attacker in running:
            attacker.close()


def _strike(
    attack: Attack,
    port: int,
    seconds: float,
    rate: int,
    sent: "Synchronized[int]",
    ready: "multiprocessing.synchronize.Event",
    go: "multiprocessing.synchronize.Event",
) -> None:
    os.nice(5)
    send = _sender(attack, port)
    ready.set()
    go.wait()
    began = time.monotonic()
    number = 0
    while (elapsed := time.monotonic() - began) < seconds:
        # In bursts, so that the clock is not asked each time; an end is kept even when the rate can't be.
        for _ in range(min(1_000, int(rate * elapsed) - number)):
            with contextlib.suppress(OSError):
                send(attack.contents[number % len(attack.contents)])
            number += 1
        sent.value = number
        time.sleep(0.001)


def _sender(attack: Attack, port: int) -> Callable[[bytes], None]:
    if attack.over_tcp:
        return lambda content: _connect(port, content)
    if attack.source is None:
        return Stranger(port).send
    forger, victim = Forger(port), attack.source
    return lambda content: forger.send(victim, content)


def _connect(port: int, content: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
        connection.send(content)
        # Closed with a reset: thousands of them are not to wait in the system.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
