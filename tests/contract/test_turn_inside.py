"""TURN that ends in the core (RFC 8656), as an independent client speaks it: over UDP and over TCP."""

import asyncio
import hashlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aioice import stun, turn

from relay.config.settings import EngineChoice
from relay.observe.drops import Drop
from relay.transport.port import Path, Transport
from tests.contract.media_ports import ANN, BROWSER, CLIENT_HELLO, PATIENCE, SILENCE, Subject, check, until
from tests.kit.call import answer_to, question_in

HOST = "127.0.0.1"
STRANGER = ("192.0.2.1", 9)
NAME, PASSWORD = "ann", "secret"
CHANNEL = 0x4000
CARRIERS = [Transport.TURN_UDP, Transport.TURN_TCP]

pytestmark = [pytest.mark.parametrize("subject", [EngineChoice.PACKETS], indirect=True)]


class Client(asyncio.DatagramProtocol):
    """A client with an allocation. It answers checks as a browser does."""

    def __init__(self, protocol: turn.TurnClientProtocol) -> None:
        self.protocol = protocol
        self.datagrams: asyncio.Queue[tuple[bytes, tuple[str, int]]] = asyncio.Queue()
        protocol.receiver = self

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        question = question_in(data)
        if question is None:
            self.datagrams.put_nowait((data, addr))
        else:
            self.send(answer_to(question, BROWSER.password), addr)

    def send(self, datagram: bytes, peer: tuple[str, int]) -> None:
        """By the channel that is bound to the peer."""
        head = CHANNEL.to_bytes(2) + len(datagram).to_bytes(2)
        self.protocol._send(head + datagram)

    def indicate(self, datagram: bytes, peer: tuple[str, int]) -> None:
        """Without a channel."""
        message = stun.Message(stun.Method.SEND, stun.Class.INDICATION)
        message.attributes.update({"XOR-PEER-ADDRESS": peer, "DATA": datagram})
        self.protocol._send(bytes(message))

    async def receive(self) -> tuple[bytes, tuple[str, int]]:
        async with asyncio.timeout(PATIENCE):
            return await self.datagrams.get()

    async def bind(self, peer: tuple[str, int], channel: int = CHANNEL) -> None:
        await self.protocol.channel_bind(channel, peer)
        self.protocol.channel_to_peer[channel] = peer
        self.protocol.peer_to_channel[peer] = channel

    async def permit(self, peer: tuple[str, int]) -> None:
        request = stun.Message(stun.Method.CREATE_PERMISSION, stun.Class.REQUEST)
        request.attributes["XOR-PEER-ADDRESS"] = peer
        await self.protocol.request_with_retry(request)
        self.protocol.peer_to_channel.setdefault(peer, 0)


def ours(subject: Subject) -> tuple[str, int]:
    return HOST, subject._number


def admit(subject: Subject, name: str = NAME) -> None:
    key = hashlib.md5(f"{name}:relay:{PASSWORD}".encode(), usedforsecurity=False).digest()
    subject.port.admit_turn(name, key)
    subject.port.tell_turn_peers([ours(subject)])


@asynccontextmanager
async def client(subject: Subject, carrier: Transport, name: str = NAME) -> AsyncIterator[Client]:
    """Without an allocation yet."""
    loop = asyncio.get_running_loop()
    given = (ours(subject), name, PASSWORD, 600, 300)
    protocol: turn.TurnClientProtocol
    if carrier is Transport.TURN_UDP:
        _, protocol = await loop.create_datagram_endpoint(
            lambda: turn.TurnClientUdpProtocol(*given), remote_addr=ours(subject)
        )
    else:
        with socket.create_server((HOST, 0)) as listener:
            near = socket.create_connection(listener.getsockname())
            far, _ = listener.accept()
        near.setblocking(False)
        _, protocol = await loop.create_connection(lambda: turn.TurnClientTcpProtocol(*given), sock=near)
        subject.port.adopt_turn(far, None, b"")
    try:
        yield Client(protocol)
    finally:
        if protocol.refresh_task:
            protocol.refresh_task.cancel()
        protocol.transport.abort()


@pytest.mark.parametrize("carrier", CARRIERS)
async def test_a_browser_that_reaches_us_through_turn_has_a_flow_like_others(
    subject: Subject, carrier: Transport
) -> None:
    admit(subject)
    async with client(subject, carrier) as browser:
        relayed = await browser.protocol.connect()
        assert relayed[0] == HOST
        await browser.permit(ours(subject))
        browser.indicate(check(), ours(subject))
        answer, peer = await browser.receive()
        assert peer == ours(subject)
        assert stun.parse_message(answer).attributes["XOR-MAPPED-ADDRESS"] == relayed
        await until(lambda: subject.listener.selected)
        assert subject.listener.selected == [(ANN, Path(*relayed, HOST, carrier))]
        await browser.bind(ours(subject))
        browser.send(check(nominate=True), ours(subject))
        await browser.receive()
        browser.send(CLIENT_HELLO, ours(subject))
        await until(lambda: subject.listener.dtls)
        assert subject.listener.dtls == [(ANN, CLIENT_HELLO)]
        subject.port.send_dtls(ANN, CLIENT_HELLO)
        assert await browser.receive() == (CLIENT_HELLO, ours(subject))


@pytest.mark.parametrize("carrier", CARRIERS)
async def test_nobody_but_the_media_port_is_reached(subject: Subject, carrier: Transport) -> None:
    admit(subject)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((HOST, 0))
        other.settimeout(SILENCE)
        async with client(subject, carrier) as browser:
            await browser.protocol.connect()
            for peer in (STRANGER, other.getsockname()):
                with pytest.raises(stun.TransactionFailed) as refused:
                    await browser.bind(peer)
                assert refused.value.response.attributes["ERROR-CODE"][0] == 403
            with pytest.raises(stun.TransactionFailed):
                await browser.permit(STRANGER)
            await browser.permit(ours(subject))
            browser.indicate(b"hello", other.getsockname())
            await until(lambda: subject.dropped(Drop.TURN_FORBIDDEN) == 4)
            with pytest.raises(TimeoutError):
                other.recv(100)


@pytest.mark.parametrize("carrier", CARRIERS)
async def test_who_has_no_credentials_or_void_ones_is_kept_out(subject: Subject, carrier: Transport) -> None:
    admit(subject)
    async with client(subject, carrier, "bob") as stranger:
        with pytest.raises(stun.TransactionFailed) as refused:
            await stranger.protocol.connect()
        assert refused.value.response.attributes["ERROR-CODE"][0] == 401
    async with client(subject, carrier) as browser:
        await browser.protocol.connect()
        assert subject.allocations() == 1
        admit(subject, "bob")
        subject.port.release_turn(NAME)
        await until(lambda: subject.allocations() == 0)
        with pytest.raises((stun.TransactionFailed, ConnectionError)):
            await browser.bind(ours(subject))


async def test_a_connection_without_an_allocation_is_closed_and_one_that_ends_takes_its_path_along(
    subject: Subject,
) -> None:
    admit(subject)
    async with client(subject, Transport.TURN_TCP) as browser:
        await browser.protocol.connect()
        await browser.permit(ours(subject))
        browser.indicate(check(), ours(subject))
        await browser.receive()
        await until(lambda: subject.allocations() == 1)
    await until(lambda: subject.allocations() == 0)
    subject.port.send_dtls(ANN, CLIENT_HELLO)
    await until(lambda: subject.dropped(Drop.SEND_FAILED) == 1)


async def test_who_is_refused_all_the_time_is_cut_off(subject: Subject) -> None:
    admit(subject)
    with socket.create_server((HOST, 0)) as listener:
        near = socket.create_connection(listener.getsockname())
        far, _ = listener.accept()
    subject.port.adopt_turn(far, None, b"")
    loop = asyncio.get_running_loop()
    near.setblocking(False)
    bind = stun.Message(stun.Method.CHANNEL_BIND, stun.Class.REQUEST)
    bind.attributes.update({"USERNAME": "x", "REALM": "relay", "NONCE": b"0" * 20})
    bind.add_message_integrity(b"x")
    await loop.sock_sendall(near, bytes(bind) * 100)
    received = b""
    async with asyncio.timeout(PATIENCE):
        while piece := await loop.sock_recv(near, 65_536):
            received += piece
    near.close()
    assert 10 < received.count(b"\x01\x19") <= 17
    assert subject.dropped(Drop.TURN_REFUSED) == 17


async def test_who_is_refused_now_and_then_is_not(subject: Subject) -> None:
    """A nonce is too old after an hour, and a call may take many."""
    admit(subject)
    async with client(subject, Transport.TURN_TCP) as browser:
        await browser.protocol.connect()
        await browser.bind(ours(subject))
        for _ in range(50):
            browser.protocol._send((CHANNEL + 1).to_bytes(2) + bytes(2))  # bound to nobody
            browser.send(check(), ours(subject))
            assert stun.parse_message((await browser.receive())[0]).message_class is stun.Class.RESPONSE
        assert subject.dropped(Drop.TURN_REFUSED) == 50


async def test_what_was_read_before_is_not_lost(subject: Subject) -> None:
    """Behind TLS, the first message has been read when the core takes the connection over."""
    admit(subject)
    with socket.create_server((HOST, 0)) as listener:
        near = socket.create_connection(listener.getsockname())
        far, _ = listener.accept()
    allocate = stun.Message(stun.Method.ALLOCATE, stun.Class.REQUEST)
    allocate.attributes["REQUESTED-TRANSPORT"] = 17 << 24
    subject.port.adopt_turn(far, None, bytes(allocate))
    near.setblocking(False)
    async with asyncio.timeout(PATIENCE):
        answer = await asyncio.get_running_loop().sock_recv(near, 2_048)
    near.close()
    assert stun.parse_message(answer).attributes["ERROR-CODE"][0] == 401
