"""One suite for every media port: real sockets on loopback, checks as browsers send them."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aioice import stun

from relay import native
from relay.config import EngineChoice, Settings
from relay.ids import PeerId
from relay.media.choice import Media, choose
from relay.observe.drops import Drop, Drops
from relay.transport import bindings
from relay.transport.port import Path
from tests.conftest import free_port

ANN, BOB = PeerId(1), PeerId(2)
PASSWORD = "p" * 24
PATIENCE = 5.0
SILENCE = 0.1
"""Seconds after which an answer would have come."""

CLIENT_HELLO = b"\x16\xfe\xff" + bytes(30)


class Listener:
    """Remembers what the port reported."""

    def __init__(self) -> None:
        self.selected: list[tuple[PeerId, Path]] = []
        self.lost: list[PeerId] = []
        self.dtls: list[tuple[PeerId, bytes]] = []

    def flow_selected(self, peer: PeerId, path: Path) -> None:
        self.selected.append((peer, path))

    def flow_lost(self, peer: PeerId) -> None:
        self.lost.append(peer)

    def dtls_received(self, peer: PeerId, datagram: bytes) -> None:
        self.dtls.append((peer, datagram))


class Browser:
    """A UDP socket that asks as a browser does."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self.socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.connect((host, port))
        self.address: tuple[str, int] = self.socket.getsockname()[:2]

    def send(self, datagram: bytes) -> None:
        self.socket.send(datagram)

    async def receive(self) -> bytes:
        async with asyncio.timeout(PATIENCE):
            return await asyncio.get_running_loop().sock_recv(self.socket, 2_048)

    async def hears_nothing(self) -> bool:
        try:
            async with asyncio.timeout(SILENCE):
                await asyncio.get_running_loop().sock_recv(self.socket, 2_048)
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

    def browser(self, host: str = "127.0.0.1") -> Browser:
        self._browsers.append(Browser(self._number, host))
        return self._browsers[-1]

    def dropped(self, reason: Drop) -> int:
        return self._media.engine.stats().drops.get(reason, 0)

    async def close(self) -> None:
        for browser in self._browsers:
            browser.socket.close()
        await self._media.engine.stop()
        await self.port.close()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - it looks at counters that tell nobody
            await asyncio.sleep(0.005)


def _fail(task: str, failure: BaseException) -> None:
    raise AssertionError(task) from failure


@pytest.fixture(params=list(EngineChoice))
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    if request.param is EngineChoice.PACKETS and not native.BUILT:
        pytest.skip("the native core is not built")
    number = free_port()
    subject = Subject(choose(Settings(engine=request.param), Drops(), _fail), number)
    subject._media.open(("127.0.0.1", "::1"), number, subject.listener)
    subject.port.admit(ANN, "ann", PASSWORD)
    yield subject
    await subject.close()


async def test_a_right_check_is_answered_with_the_address_it_came_from(subject: Subject) -> None:
    browser = subject.browser()
    answer = await browser.check()
    assert answer.message_class == stun.Class.RESPONSE
    assert answer.attributes["XOR-MAPPED-ADDRESS"] == browser.address
    assert answer.check_message_integrity(PASSWORD.encode())
    await until(lambda: subject.listener.selected)
    assert subject.listener.selected == [(ANN, Path(*browser.address, "127.0.0.1"))]


async def test_checks_come_over_ipv6_too(subject: Subject) -> None:
    browser = subject.browser("::1")
    assert (await browser.check()).attributes["XOR-MAPPED-ADDRESS"] == browser.address
    await until(lambda: subject.listener.selected)
    assert subject.listener.selected == [(ANN, Path(*browser.address, "::1"))]


@pytest.mark.parametrize(
    ("datagram", "reason"),
    [
        (b"", Drop.EMPTY),
        (bytes([100]) * 20, Drop.UNKNOWN_PROTOCOL),
        (bytes(2_000), Drop.OVERSIZED),
        (check()[:-1], Drop.STUN_MALFORMED),
        (check("eve"), Drop.STUN_UNKNOWN_UFRAG),
        (bytes(stun.Message(stun.Method.BINDING, stun.Class.REQUEST)), Drop.STUN_UNKNOWN_UFRAG),
        (check(password="wrong" * 5), Drop.STUN_BAD_INTEGRITY),
        (CLIENT_HELLO, Drop.UNVERIFIED_SOURCE),
        (b"\x80" + bytes(30), Drop.UNVERIFIED_SOURCE),
    ],
)
async def test_anything_else_from_a_stranger_is_dropped_in_silence_and_counted(
    subject: Subject, datagram: bytes, reason: Drop
) -> None:
    browser = subject.browser()
    browser.send(datagram)
    await until(lambda: subject.dropped(reason))
    assert await browser.hears_nothing()
    assert not subject.listener.selected
    assert not subject.listener.dtls
    # And the port still works.
    await browser.check()


async def test_dtls_passes_both_ways_once_the_address_is_proved(subject: Subject) -> None:
    browser, stranger = subject.browser(), subject.browser()
    await browser.check()
    stranger.send(CLIENT_HELLO)
    browser.send(CLIENT_HELLO)
    await until(lambda: subject.listener.dtls)
    assert subject.listener.dtls == [(ANN, CLIENT_HELLO)]
    subject.port.send_dtls(ANN, b"\x16server")
    assert await browser.receive() == b"\x16server"
    assert await stranger.hears_nothing()


async def test_what_is_sent_to_a_peer_without_a_flow_is_dropped_and_counted(subject: Subject) -> None:
    subject.port.send_dtls(ANN, b"\x16server")
    await until(lambda: subject.dropped(Drop.SEND_FAILED))


async def test_the_flow_moves_only_by_nomination(subject: Subject) -> None:
    home, away = subject.browser(), subject.browser()
    await home.check(nominate=True)
    await away.check()
    subject.port.send_dtls(ANN, b"\x16one")
    assert await home.receive() == b"\x16one"
    await away.check(nominate=True)
    subject.port.send_dtls(ANN, b"\x16two")
    assert await away.receive() == b"\x16two"
    await until(lambda: len(subject.listener.selected) == 2)
    assert [path.remote_port for _, path in subject.listener.selected] == [home.address[1], away.address[1]]


async def test_after_a_restart_the_old_credentials_hold_until_the_new_ones_nominate(subject: Subject) -> None:
    home, away = subject.browser(), subject.browser()
    await home.check("ann", nominate=True)
    subject.port.admit(ANN, "again", PASSWORD)
    await home.check("ann")
    await away.check("again")
    await home.check("ann")
    await away.check("again", nominate=True)
    home.send(check("ann"))
    await until(lambda: subject.dropped(Drop.STUN_UNKNOWN_UFRAG))
    assert await home.hears_nothing()


async def test_a_released_peer_is_forgotten(subject: Subject) -> None:
    browser = subject.browser()
    await browser.check()
    subject.port.release(ANN)
    subject.port.release(ANN)
    browser.send(CLIENT_HELLO)
    await until(lambda: subject.dropped(Drop.UNVERIFIED_SOURCE))
    browser.send(check())
    await until(lambda: subject.dropped(Drop.STUN_UNKNOWN_UFRAG))
    assert await browser.hears_nothing()


async def test_an_address_that_its_owner_still_proves_is_nobody_elses(subject: Subject) -> None:
    subject.port.admit(BOB, "bob", PASSWORD)
    browser = subject.browser()
    await browser.check("ann")
    browser.send(check("bob", nominate=True))
    await until(lambda: subject.dropped(Drop.STUN_ADDRESS_HELD))
    browser.send(CLIENT_HELLO)
    await until(lambda: subject.listener.dtls)
    assert subject.listener.dtls == [(ANN, CLIENT_HELLO)]
    subject.port.release(ANN)
    await browser.check("bob")
    browser.send(CLIENT_HELLO)
    await until(lambda: len(subject.listener.dtls) == 2)
    assert subject.listener.dtls[1] == (BOB, CLIENT_HELLO)


@pytest.mark.parametrize("nominate", [False, True])
async def test_a_check_that_is_played_again_from_elsewhere_moves_nothing(subject: Subject, nominate: bool) -> None:
    home, thief = subject.browser(), subject.browser()
    recorded = check(nominate=nominate)
    for _ in range(2):  # the browser itself may repeat it
        home.send(recorded)
        await home.receive()
    thief.send(recorded)
    await until(lambda: subject.dropped(Drop.STUN_REPLAYED))
    assert await thief.hears_nothing()
    subject.port.send_dtls(ANN, b"\x16one")
    assert await home.receive() == b"\x16one"
    thief.send(CLIENT_HELLO)
    await until(lambda: subject.dropped(Drop.UNVERIFIED_SOURCE))
    assert subject.listener.dtls == []


async def test_a_peer_that_stops_checking_loses_its_flow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bindings, "CONSENT_TIMEOUT", 0.05)
    for choice in EngineChoice:
        if choice is EngineChoice.PACKETS and not native.BUILT:
            continue
        number = free_port()
        subject = Subject(choose(Settings(engine=choice), Drops(), _fail), number)
        subject._media.open(("127.0.0.1",), number, subject.listener)
        subject.port.admit(ANN, "ann", PASSWORD)
        browser = subject.browser()
        await browser.check()
        await until(lambda listener=subject.listener: listener.lost == [ANN])  # type: ignore[misc]
        # It stays admitted, so it can come back.
        await browser.check()
        await until(lambda listener=subject.listener: len(listener.selected) == 2)  # type: ignore[misc]
        await subject.close()


async def test_closing_twice_is_harmless(subject: Subject) -> None:
    await subject.port.close()
    await subject.port.close()
