"""A media port under test, what it reported, and browsers that ask it something over UDP."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from aioice import stun

from relay.ids import PeerId
from relay.media.choice import Media
from relay.observe.drops import Drop
from relay.transport.port import Credentials, Path
from tests.kit.call import answer_to, question_in
from tests.kit.datagrams import client_hello

ANN, BOB = PeerId(1), PeerId(2)
PASSWORD = "p" * 24
BROWSER = Credentials("them", "q" * 24)
"""Those of every browser here."""
PATIENCE = 5.0
SILENCE = 0.1
"""Seconds after which an answer would have come."""

ADMITTED = 100
"""People one after the other, so that a race would be lost at least once."""

CLIENT_HELLO = client_hello()


class Listener:
    """Remembers what the port reported."""

    def __init__(self) -> None:
        self.selected: list[tuple[PeerId, Path]] = []
        self.silences: list[tuple[PeerId, bool]] = []
        """Who fell quiet, and who was heard again."""
        self.lost: list[PeerId] = []
        self.dtls: list[tuple[PeerId, bytes]] = []

    def flow_selected(self, peer: PeerId, path: Path) -> None:
        self.selected.append((peer, path))

    def flow_quiet(self, peer: PeerId) -> None:
        self.silences.append((peer, True))

    def flow_heard(self, peer: PeerId) -> None:
        self.silences.append((peer, False))

    def flow_lost(self, peer: PeerId) -> None:
        self.lost.append(peer)

    def dtls_received(self, peer: PeerId, datagram: bytes) -> None:
        self.dtls.append((peer, datagram))

    def stays_dark(self, *_: object) -> None:
        """No media in these tests."""


class Browser:
    """A UDP socket that asks and answers as a browser does. `deaf` leaves the server's checks unanswered, as somebody
    does in whose name another has asked."""

    def __init__(self, port: int, host: str = "127.0.0.1", *, deaf: bool = False) -> None:
        self.questions: list[stun.Message] = []
        self.received = 0
        """Bytes."""
        self._deaf = deaf
        self.socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.connect((host, port))
        self.address: tuple[str, int] = self.socket.getsockname()[:2]

    def send(self, datagram: bytes) -> None:
        self.socket.send(datagram)

    async def receive(self) -> bytes:
        """The next datagram that is no check."""
        async with asyncio.timeout(PATIENCE):
            return await self._receive()

    async def _receive(self) -> bytes:
        while True:
            datagram = await asyncio.get_running_loop().sock_recv(self.socket, 2_048)
            self.received += len(datagram)
            question = question_in(datagram)
            if question is None:
                return datagram
            self.questions.append(question)
            if not self._deaf:
                self.send(answer_to(question, BROWSER.password))

    async def hears_nothing(self, seconds: float = SILENCE) -> bool:
        """But checks, which it answers."""
        try:
            async with asyncio.timeout(seconds):
                await self._receive()
        except TimeoutError:
            return True
        return False

    async def check(self, ufrag: str = "ann", *, nominate: bool = False) -> stun.Message:
        """Send a check and return its answer."""
        request = check(ufrag, nominate=nominate)
        self.send(request)
        answer = stun.parse_message(await self.receive())
        assert answer.transaction_id == stun.parse_message(request).transaction_id
        return answer


def check(ufrag: str = "ann", password: str = PASSWORD, *, nominate: bool = False, **attributes: Any) -> bytes:
    request = stun.Message(
        stun.Method.BINDING, stun.Class.REQUEST, attributes={"USERNAME": f"{ufrag}:them", "PRIORITY": 1, **attributes}
    )
    if nominate:
        request.attributes["USE-CANDIDATE"] = None
    request.add_message_integrity(password.encode())
    request.add_fingerprint()
    return bytes(request)


class Subject:
    """An open port, its listener, and browsers that are closed at the end."""

    def __init__(self, media: Media, number: int) -> None:
        self.port = media.port
        self.listener = Listener()
        self._media = media
        self._number = number
        self._browsers: list[Browser] = []

    def open(self) -> None:
        """On IPv4 alone."""
        self._media.open(("127.0.0.1",), self._number, self.listener)

    def admit(self, peer: PeerId, ufrag: str) -> None:
        """Admit a browser to which we are `ufrag`."""
        self.port.admit(peer, Credentials(ufrag, PASSWORD), BROWSER)

    def browser(self, host: str = "127.0.0.1", *, deaf: bool = False) -> Browser:
        self._browsers.append(Browser(self._number, host, deaf=deaf))
        return self._browsers[-1]

    def dropped(self, reason: Drop) -> int:
        return self._media.engine.stats().drops.get(reason, 0)

    def allocations(self) -> int:
        """Of TURN, now."""
        return self._media.engine.stats().turn_allocations

    async def close(self) -> None:
        for browser in self._browsers:
            browser.socket.close()
        await self._media.engine.stop()
        await self.port.close()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - it looks at counters that tell nobody
            await asyncio.sleep(0.005)


def fail(task: str, failure: BaseException) -> None:
    raise AssertionError(task) from failure
