"""The addresses by which the world reaches this host, where the host itself does not know them: looked up by name, or
told by a STUN server (RFC 8489) from behind a NAT that has one address for this host alone.

Both change without notice, so they are looked at again. What can't be found out stays as it was.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Callable

from aioice import stun

from relay.config.addresses import usable_by_browsers
from relay.config.settings import NetworkSettings
from relay.observe.logs.logging import get_logger
from relay.tasks import Report, Tasks

LOOK_INTERVAL = 60.0
"""Seconds between looks; a name's own time to live is nobody's to see here."""
RETRY_INTERVAL = 10.0
"""The same while nothing is known: names may not be there yet when a machine starts."""
PATIENCE = 3.0
"""Seconds for a name, and for a STUN server."""
ATTEMPT = 0.5
"""Seconds after which a lost question is retransmitted."""
STUN_PORT = 3_478
LARGEST_ANSWER = 1_500

log = get_logger("addresses")


class Outside:
    """Known after `find()`, and followed from `start()` to `close()`."""

    def __init__(self, network: NetworkSettings, found: Callable[[frozenset[str]], None], report: Report) -> None:
        """`found` is called with each address of ours that was found, before it is told to anybody."""
        self._network = network
        self._found = found
        self._known: tuple[str, ...] = ()
        self._complained = False
        self._tasks = Tasks("outside", report)

    @property
    def looks(self) -> bool:
        """Whether there is anything to find out."""
        return bool(self._network.public_names or self._network.stun)

    def over(self, own: tuple[str, ...]) -> tuple[str, ...]:
        """What browsers are told, where these are the host's own or stand in the settings as they are."""
        return told(self._network, self._known, own)

    async def find(self) -> None:
        """Look once."""
        try:
            found = await look(self._network)
        except (OSError, TimeoutError, UnicodeError) as cause:
            if not self._complained:
                self._complained = True
                remedy = "correct RELAY_PUBLIC_ADDRESS or RELAY_STUN, or the name server; it is tried again"
                why = str(cause) or "no answer"
                log.warning("public_address_unknown", cause=why, kept=", ".join(self._known), remedy=remedy)
            return
        self._complained = False
        ports = self._network.outside_udp_port, self._network.outside_tcp_port
        usable = tuple(each for each in found if all(usable_by_browsers(each, port) for port in ports))
        if usable == self._known:
            return
        before, self._known = self._known, usable
        self._found(frozenset(usable))
        log.info("public_address_changed" if before else "public_address_found", addresses=", ".join(usable))

    def start(self) -> None:
        if self.looks:
            self._tasks.start("look", self._follow())

    async def close(self) -> None:
        """Idempotent."""
        await self._tasks.close()

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(LOOK_INTERVAL if self._known else RETRY_INTERVAL)
            await self.find()


def told(network: NetworkSettings, found: tuple[str, ...], own: tuple[str, ...]) -> tuple[str, ...]:
    """What was found comes first. A name stands for what it leads to; until that is known the host's own addresses
    have to do."""
    if found and network.public_names and not network.public_ips:
        return found
    return tuple(dict.fromkeys((*found, *own)))


async def look(network: NetworkSettings) -> tuple[str, ...]:
    """What the names and the STUN server of the settings say now.

    Raises:
        OSError, TimeoutError, UnicodeError: one of them can't be asked.
    """
    found: list[str] = []
    for name in network.public_names:
        found += await _addresses_of(name)
    if network.stun is not None:
        found.append(await mapped_address(*_place(network.stun), network.media_hosts))
    return tuple(dict.fromkeys(found))


async def mapped_address(host: str, port: int, from_hosts: tuple[str, ...] = ()) -> str:
    """From which IPv4 address a STUN server sees us, asked from the first of `from_hosts` that is one of ours.

    Raises:
        OSError, TimeoutError: there is no answer.
    """
    loop = asyncio.get_running_loop()
    own = next((each for each in from_hosts if ":" not in each), "0.0.0.0")  # noqa: S104 - any of ours
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.setblocking(False)
        asking.bind((own, 0))
        async with asyncio.timeout(PATIENCE):
            family = socket.AF_INET
            ((*_, address), *_) = await loop.getaddrinfo(host, port, family=family, type=socket.SOCK_DGRAM)
            asking.connect(address)
            question = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
            while True:
                await loop.sock_sendall(asking, bytes(question))
                try:
                    async with asyncio.timeout(ATTEMPT):
                        return await _answer(asking, question)
                except TimeoutError:
                    continue


async def _answer(asking: socket.socket, question: stun.Message) -> str:
    """Only who was asked is heard, as the socket is connected; strangers can't know the transaction."""
    loop = asyncio.get_running_loop()
    while True:
        try:
            answer = stun.parse_message(await loop.sock_recv(asking, LARGEST_ANSWER))
        except ValueError:
            continue
        if answer.transaction_id != question.transaction_id or answer.message_class is not stun.Class.RESPONSE:
            continue
        for attribute in ("XOR-MAPPED-ADDRESS", "MAPPED-ADDRESS"):
            if attribute in answer.attributes:
                return str(ipaddress.ip_address(answer.attributes[attribute][0]))


async def _addresses_of(name: str) -> list[str]:
    async with asyncio.timeout(PATIENCE):
        answers = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_DGRAM)
    # Resolvers turn the order round to share load; that is no change of address.
    return sorted({str(answer[4][0]) for answer in answers})


def _place(written: str) -> tuple[str, int]:
    host, colon, port = written.removeprefix("stun:").rpartition(":")
    return (host, int(port)) if colon else (port, STUN_PORT)
