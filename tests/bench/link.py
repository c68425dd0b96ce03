"""An access link between visitors and the relay's UDP port: loss, bursts, delay, jitter and rate, from a seed.

A proxy on loopback that needs no privileges: the relay advertises the link's port as its own
(`RELAY_PUBLIC_UDP_PORT`), so that every datagram of a visitor passes it, in both directions. Each visitor has links
of their own, up and down, whose fate depends on the seed and the order of packets alone.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

Address = tuple[str, int]
Deliver = Callable[[bytes], None]

HEADERS = 28
"""Bytes of IPv4 and UDP, which take their share of the rate."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """Of one direction of one visitor's link. Seconds, bits per second."""

    loss: float = 0.0
    burst: float = 1.0
    """Mean length of a series of lost packets; `loss` remains the share of all."""
    outage: int = 0
    """So many packets are lost in a row, once a second, whatever `loss` is."""
    delay: float = 0.0
    jitter: float = 0.0
    """At most so much later than `delay`; packets keep their order."""
    rate: float | None = None
    queue: float = 0.2
    """What waits longer than this at `rate` is dropped."""


@dataclass
class Link:
    """One direction: decides what becomes of each packet. Pure; the caller brings the time and delivers."""

    conditions: Conditions
    random: random.Random
    given: int = 0
    """Bytes that were to pass, with headers."""
    passed: int = 0
    lost: int = 0
    overflowed: int = 0
    _losing: bool = False
    _free_at: float = field(default=float("-inf"))
    _last: float = field(default=float("-inf"))
    _outage_at: float = field(default=float("-inf"))
    _outage_left: int = 0

    @property
    def packets(self) -> tuple[int, int]:
        """Passed, and dropped because the queue was full."""
        return self.passed, self.overflowed

    def arrival(self, size: int, now: float) -> float | None:
        """When a packet that is sent now arrives; None if it never does."""
        self.given += size + HEADERS
        if self._loses() or self._is_out(now):
            self.lost += 1
            return None
        at = now
        if self.conditions.rate is not None:
            start = max(now, self._free_at)
            if start - now > self.conditions.queue:
                self.overflowed += 1
                return None
            at = self._free_at = start + (size + HEADERS) * 8 / self.conditions.rate
        at += self.conditions.delay + self.random.random() * self.conditions.jitter
        self._last = max(self._last, at)
        self.passed += 1
        return self._last

    def _is_out(self, now: float) -> bool:
        if self._outage_left == 0 and self.conditions.outage and now - self._outage_at >= 1:
            self._outage_at, self._outage_left = now, self.conditions.outage
        if self._outage_left == 0:
            return False
        self._outage_left -= 1
        return True

    def _loses(self) -> bool:
        """Gilbert's model: a good and a bad state, of which the bad one lasts `burst` packets on average."""
        of = self.conditions
        if not 0 < of.loss < 1:
            return of.loss >= 1
        leave = 1 / max(of.burst, 1.0)
        if self._losing and of.burst > 1:
            self._losing = self.random.random() >= leave
        else:
            enter = of.loss if of.burst <= 1 else leave * of.loss / (1 - of.loss)
            self._losing = self.random.random() < enter
        return self._losing


class AccessLinks:
    """The proxy. Conditions may be changed at any time, for everybody."""

    def __init__(self, relay: Address, up: Conditions, down: Conditions, seed: int) -> None:
        self._relay = relay
        self.up = up
        self.down = down
        self._seed = seed
        self.links: dict[Address, tuple[Link, Link]] = {}
        """Of each visitor's socket, in the order of their first packets: up, down."""

    def change(self, up: Conditions, down: Conditions) -> None:
        self.up, self.down = up, down
        for uplink, downlink in self.links.values():
            uplink.conditions, downlink.conditions = up, down

    def of(self, port: int) -> tuple[Link, Link]:
        """Up and down of the visitor who sends from this port."""
        return next(both for (_, source), both in self.links.items() if source == port)

    def add(self, visitor: Address) -> tuple[Link, Link]:
        number = len(self.links)
        up = Link(self.up, random.Random(f"{self._seed} {number} up"))
        down = Link(self.down, random.Random(f"{self._seed} {number} down"))
        self.links[visitor] = (up, down)
        return up, down


@asynccontextmanager
async def access_links(
    port: int, relay: Address, up: Conditions, down: Conditions, seed: int
) -> AsyncIterator[AccessLinks]:
    """Links from `port` on loopback to the relay."""
    links = AccessLinks(relay, up, down, seed)
    loop = asyncio.get_running_loop()
    transport, front = await loop.create_datagram_endpoint(lambda: _Front(links, relay), local_addr=("127.0.0.1", port))
    try:
        yield links
    finally:
        transport.close()
        await front.close()


class _Front(asyncio.DatagramProtocol):
    """Where visitors send to. Towards the relay each has a socket of its own, as behind a NAT."""

    def __init__(self, links: AccessLinks, relay: Address) -> None:
        self._links = links
        self._relay = relay
        self._backs: dict[Address, _Back] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, datagram: bytes, visitor: Address) -> None:
        back = self._backs.get(visitor)
        if back is None:
            uplink, downlink = self._links.add(visitor)
            back = self._backs[visitor] = _Back(uplink, downlink, lambda datagram: self._deliver(datagram, visitor))
            back.opening = asyncio.ensure_future(
                asyncio.get_running_loop().create_datagram_endpoint(lambda: back, remote_addr=self._relay)
            )
        back.send(datagram)

    def _deliver(self, datagram: bytes, visitor: Address) -> None:
        if not self._transport.is_closing():
            self._transport.sendto(datagram, visitor)

    async def close(self) -> None:
        await asyncio.gather(*(back.close() for back in self._backs.values()))


class _Back(asyncio.DatagramProtocol):
    """One visitor as the relay sees them."""

    opening: asyncio.Future[object]

    def __init__(self, uplink: Link, downlink: Link, deliver: Deliver) -> None:
        self._uplink = uplink
        self._downlink = downlink
        self._deliver = deliver
        self._transport: asyncio.DatagramTransport | None = None
        self._closed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def send(self, datagram: bytes) -> None:
        _later(self._uplink, datagram, self._forward)

    def datagram_received(self, datagram: bytes, _: Address) -> None:
        _later(self._downlink, datagram, self._deliver)

    async def close(self) -> None:
        await self.opening
        if self._transport is not None:
            self._transport.close()
            await self._closed.wait()

    def connection_lost(self, _: Exception | None) -> None:
        self._closed.set()

    def _forward(self, datagram: bytes) -> None:
        # What comes before the socket is open is lost: checks are repeated.
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(datagram)


def _later(link: Link, datagram: bytes, deliver: Deliver) -> None:
    loop = asyncio.get_running_loop()
    at = link.arrival(len(datagram), loop.time())
    if at is not None:
        loop.call_at(at, deliver, datagram)
