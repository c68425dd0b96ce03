"""ICE over TCP (RFC 6544) on every media port: connections as browsers make them, handed over unread."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable

import pytest
from aioice import stun

from relay.config.settings import EngineChoice
from relay.ids import PeerId
from relay.observe.drops import Drop
from relay.transport import asyncio_port
from relay.transport.asyncio_port import MOST_UNPROVED, AsyncioPort
from relay.transport.bindings import CONNECTIONS_PER_PEER
from relay.transport.framing import Deframer, frame
from relay.transport.port import Path, Transport
from relay.transport.tcp import LARGEST_BACKLOG, MEDIA_BACKLOG
from tests.contract.media_ports import ADMITTED, ANN, CLIENT_HELLO, PATIENCE, SILENCE, Subject, check, until

KERNEL = 8 * 1024 * 1024
"""More than the system buffers for a reader that does not read."""


PYTHON_ONLY = pytest.mark.parametrize("subject", [EngineChoice.FRAMES], indirect=True)


class Caller:
    """A browser's end of a connection."""

    def __init__(self, subject: Subject, host: str = "127.0.0.1", *, source: str | None = None) -> None:
        with socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as listener:
            address = None if source is None else (source, 0)
            self.socket = socket.create_connection(listener.getsockname()[:2], source_address=address)
            accepted, _ = listener.accept()
        self.socket.setblocking(False)
        self.address: tuple[str, int] = self.socket.getsockname()[:2]
        self.path = Path(self.address[0], self.address[1], host, Transport.TCP)
        self._deframer = Deframer()
        self._received: list[bytes] = []
        subject.port.adopt(accepted)

    async def send(self, *datagrams: bytes) -> None:
        await self.send_raw(b"".join(map(frame, datagrams)))

    async def send_raw(self, content: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.socket, content)

    async def receive(self) -> bytes:
        """The next datagram."""
        async with asyncio.timeout(PATIENCE):
            while not self._received:
                piece = await asyncio.get_running_loop().sock_recv(self.socket, 65_536)
                assert piece, "the connection was closed"
                self._received += self._deframer.feed(piece)
        return self._received.pop(0)

    async def check(self, ufrag: str = "ann", *, nominate: bool = False) -> stun.Message:
        """Send a check, once, and return its answer."""
        request = check(ufrag, nominate=nominate)
        await self.send(request)
        answer = stun.parse_message(await self.receive())
        assert answer.transaction_id == stun.parse_message(request).transaction_id
        return answer

    async def hears_nothing(self) -> bool:
        try:
            async with asyncio.timeout(SILENCE):
                await asyncio.get_running_loop().sock_recv(self.socket, 1)
        except TimeoutError:
            return True
        return False

    async def is_closed(self) -> None:
        """Wait until the other side closed; what it said before does not matter."""
        async with asyncio.timeout(PATIENCE):
            with contextlib.suppress(ConnectionResetError):
                while await asyncio.get_running_loop().sock_recv(self.socket, 65_536):
                    pass


Call = Callable[..., Caller]


@pytest.fixture
async def call(subject: Subject) -> AsyncIterator[Call]:
    """Makes connections, which are closed at the end."""
    made: list[Caller] = []

    def begin(host: str = "127.0.0.1", *, source: str | None = None) -> Caller:
        made.append(Caller(subject, host, source=source))
        return made[-1]

    yield begin
    for caller in made:
        caller.socket.close()


@pytest.fixture
async def caller(call: Call) -> Caller:
    return call()


async def test_a_check_that_waits_in_the_connection_is_answered(subject: Subject, caller: Caller) -> None:
    answer = await caller.check()
    assert answer.attributes["XOR-MAPPED-ADDRESS"] == caller.address
    await until(lambda: subject.listener.selected)
    assert subject.listener.selected == [(ANN, caller.path)]


async def test_who_was_admitted_before_is_answered_at_the_first_check(subject: Subject, call: Call) -> None:
    """Orders come before connections that are handed over later, however busy the threads are."""
    for number in range(ADMITTED):
        peer, ufrag = PeerId(100 + number), f"ufrag{number}"
        subject.admit(peer, ufrag)
        await call().check(ufrag)
        subject.port.release(peer)
    assert subject.dropped(Drop.STUN_UNKNOWN_UFRAG) == 0


async def test_connections_come_over_ipv6_too(subject: Subject, call: Call) -> None:
    caller = call("::1")
    await caller.check()
    await until(lambda: subject.listener.selected == [(ANN, caller.path)])


async def test_dtls_passes_both_ways_however_the_stream_is_cut(subject: Subject, caller: Caller) -> None:
    await caller.check()
    stream = frame(CLIENT_HELLO) + frame(b"") + frame(CLIENT_HELLO * 20)
    for at in range(0, len(stream), 7):
        await caller.send_raw(stream[at : at + 7])
    await until(lambda: len(subject.listener.dtls) == 2)
    assert subject.listener.dtls == [(ANN, CLIENT_HELLO), (ANN, CLIENT_HELLO * 20)]
    subject.port.send_dtls(ANN, b"\x16 first")
    subject.port.send_dtls(ANN, b"\x16 second")
    assert [await caller.receive(), await caller.receive()] == [b"\x16 first", b"\x16 second"]


async def test_a_stranger_hears_nothing(subject: Subject, caller: Caller) -> None:
    await caller.send(check("eve"), check(password="q" * 24), CLIENT_HELLO, b"\x80" + bytes(50), b"\x50")
    assert await caller.hears_nothing()
    for reason in (
        Drop.STUN_UNKNOWN_UFRAG,
        Drop.STUN_BAD_INTEGRITY,
        Drop.UNVERIFIED_SOURCE,
        Drop.UNKNOWN_PROTOCOL,
    ):
        await until(lambda reason=reason: subject.dropped(reason))  # type: ignore[misc]


async def test_what_is_not_framed_ends_the_connection(subject: Subject, caller: Caller) -> None:
    await caller.check()
    await caller.send_raw(b"\xff\xff")
    await caller.is_closed()
    assert subject.dropped(Drop.TCP_MALFORMED) == 1


async def test_when_its_peer_is_released_the_connection_ends(subject: Subject, caller: Caller) -> None:
    await caller.check()
    subject.port.release(ANN)
    await caller.is_closed()


async def test_a_peer_comes_back_on_another_connection(subject: Subject, call: Call) -> None:
    caller = call()
    await caller.check(nominate=True)
    caller.socket.close()
    again = call()
    await again.check(nominate=True)
    await until(lambda: subject.listener.selected[-1:] == [(ANN, again.path)])
    subject.port.send_dtls(ANN, b"\x16 hello")
    assert await again.receive() == b"\x16 hello"
    assert subject.listener.lost == []


async def test_of_a_peer_s_many_connections_the_one_that_was_checked_longest_ago_is_closed(
    subject: Subject, call: Call
) -> None:
    callers = [call() for _ in range(CONNECTIONS_PER_PEER + 1)]
    for caller in callers:
        await caller.check(nominate=caller is callers[0])
    await callers[1].is_closed()
    for caller in [callers[0], *callers[2:]]:
        await caller.check()


async def test_udp_takes_over_by_nomination(subject: Subject, caller: Caller) -> None:
    await caller.check(nominate=True)
    browser = subject.browser()
    await browser.check(nominate=True)
    assert await browser.hears_nothing()
    subject.port.send_dtls(ANN, b"\x16 hello")
    assert await browser.receive() == b"\x16 hello"
    assert await caller.hears_nothing()


async def test_who_never_reads_is_cut_off(subject: Subject, caller: Caller) -> None:
    await caller.check()
    for _ in range(KERNEL // 1_000):
        subject.port.send_dtls(ANN, b"\x16" + bytes(1_000))
        if subject.dropped(Drop.TCP_STUCK):
            break
        await asyncio.sleep(0)
    await caller.is_closed()
    assert subject.dropped(Drop.TCP_STUCK)


@PYTHON_ONLY
async def test_a_slow_reader_loses_media_but_no_answer(subject: Subject, caller: Caller) -> None:
    """Of the port in Python; `flows.rs` has the same for the core, whose media Python never sends."""
    assert isinstance(subject.port, AsyncioPort)
    await caller.check()
    sent = 0
    while not subject.dropped(Drop.TCP_BACKLOG):
        subject.port.send_srtp(ANN, b"\x80" + bytes(1_000))
        sent += 1
    subject.port.send_dtls(ANN, b"\x16 still here")
    received = [await caller.receive() for _ in range(sent)]
    assert received[-1] == b"\x16 still here"
    subject.port.send_srtp(ANN, b"\x80 again")
    assert await caller.receive() == b"\x80 again"
    assert MEDIA_BACKLOG < LARGEST_BACKLOG


@PYTHON_ONLY
async def test_who_proves_nothing_in_time_is_closed(
    monkeypatch: pytest.MonkeyPatch, subject: Subject, call: Call
) -> None:
    monkeypatch.setattr(asyncio_port, "PROOF_TIMEOUT", 0.0)
    caller = call()
    await caller.send(check("eve"))
    await caller.is_closed()
    assert subject.dropped(Drop.TCP_UNPROVED) == 1


@pytest.mark.parametrize("others", [1, 2, 50])
async def test_who_comes_from_another_address_is_served_while_others_fill_the_table(
    subject: Subject, call: Call, others: int
) -> None:
    """Those who prove nothing hold all places, and come again for each that they lose."""
    slow = call(source="127.0.0.200")
    for number in range(MOST_UNPROVED + 100):
        call(source=f"127.0.1.{1 + number % others}")
    assert (await call(source="127.0.0.201").check()).message_class == stun.Class.RESPONSE
    # Nor does one that was there first, and needs a moment, have to go.
    await slow.check()
    await until(lambda: subject.dropped(Drop.TCP_CROWDED) >= 100)


async def test_where_nobody_holds_more_than_another_the_oldest_goes(subject: Subject, call: Call) -> None:
    callers = [call(source=f"127.1.{number // 250}.{1 + number % 250}") for number in range(MOST_UNPROVED + 1)]
    await callers[0].is_closed()
    await callers[1].check()
    await callers[-1].check()
    assert subject.dropped(Drop.TCP_CROWDED) == 1
