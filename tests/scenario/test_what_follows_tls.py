"""Behind one certificate on one port: pages, whether or not their reader names HTTP beforehand, and TURN."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import aiohttp
import pytest
from aioice import stun

from relay.app import Relay
from relay.config.settings import EngineChoice, TlsChoice
from relay.front import core_tls, handover
from relay.observe.drops import Drop
from relay.transport.native import NativePort
from relay.web import guests
from tests.kit.certificates import anyone
from tests.kit.hellos import client_hello, in_records_of
from tests.kit.people import PATIENCE, until
from tests.kit.servers import on_loopback, running

if TYPE_CHECKING:
    from relay.native import TlsConnection

LIVE = b"GET /videochat/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Adopted(NamedTuple):
    """What the media port was given."""

    connection: socket.socket
    tls: "TlsConnection | None"
    first: bytes


@pytest.fixture
def adopted(monkeypatch: pytest.MonkeyPatch) -> list[Adopted]:
    """In the place of the core's TURN: tells what it is given, and does nothing about it."""
    given: list[Adopted] = []

    def adopt(_: NativePort, connection: socket.socket, tls: "TlsConnection | None", first: bytes) -> None:
        given.append(Adopted(connection, tls, first))

    monkeypatch.setattr(NativePort, "adopt_turn", adopt)
    return given


def secured(folder: Path, **more: object) -> dict[str, object]:
    return {"tls": TlsChoice.SELF_SIGNED, "state_dir": str(folder), "engine": EngineChoice.PACKETS, **more}


def allocate() -> bytes:
    request = stun.Message(stun.Method.ALLOCATE, stun.Class.REQUEST, transaction_id=b"transaction1")
    request.attributes["REQUESTED-TRANSPORT"] = 0x11000000
    return bytes(request)


async def connect(relay: Relay, *protocols: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", relay.port, ssl=anyone(*protocols))


async def first_line(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(PATIENCE):
        return await reader.readline()


async def is_closed(reader: asyncio.StreamReader) -> bool:
    async with asyncio.timeout(PATIENCE):
        with contextlib.suppress(ConnectionResetError, ssl.SSLError):
            return await reader.read(1) == b""
    return True


async def ends(reader: asyncio.StreamReader) -> None:
    """Wait until the server closes, whatever it says before."""
    async with asyncio.timeout(PATIENCE):
        with contextlib.suppress(ConnectionResetError):
            await reader.read()


@pytest.mark.parametrize("offers", [(), ("http/1.1",), ("h2", "http/1.1"), ("stun.turn",), ("h3",)])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_pages_and_websockets_are_served_whatever_their_reader_says_beforehand(
    tmp_path: Path, offers: Sequence[str], version: ssl.TLSVersion
) -> None:
    context = anyone(*offers)
    context.maximum_version = version
    async with running(on_loopback(**secured(tmp_path))) as relay, aiohttp.ClientSession() as client:
        base = f"https://127.0.0.1:{relay.port}"
        for _ in range(2):
            async with client.get(f"{base}/videochat/health", ssl=context) as response:
                assert response.status == 200
                assert response.headers["Server"] == "relay"
        async with client.get(f"{base}/", ssl=context) as response:
            assert len(await response.read()) > 1_000
        async with client.ws_connect(f"{base}/ws", ssl=context) as websocket:
            assert "connected" in await websocket.receive_str()
        _, writer = await connect(relay, *offers)
        chosen = writer.get_extra_info("ssl_object").selected_alpn_protocol()
        assert chosen == next((offered for offered in offers if offered in ("http/1.1", "stun.turn")), None)
        writer.close()


@pytest.mark.parametrize("pieces", [1, 3, 1_000])
@pytest.mark.parametrize("protocols", [(), ("stun.turn",), ("http/1.1",)])
async def test_turn_reaches_the_media_port_with_its_tls(
    tmp_path: Path, adopted: list[Adopted], pieces: int, protocols: Sequence[str]
) -> None:
    request = allocate()
    async with running(on_loopback(**secured(tmp_path))) as relay:
        reader, writer = await connect(relay, *protocols)
        for at in range(0, len(request), pieces):
            writer.write(request[at : at + pieces])
            await writer.drain()
            await asyncio.sleep(0)
        await until(lambda: bool(adopted))
        connection, tls, first = adopted[0]
        assert tls is not None
        # The rest of what was said is still in the socket, and the answer goes the same way.
        connection.setblocking(False)
        loop = asyncio.get_running_loop()
        said = first
        async with asyncio.timeout(PATIENCE):
            while len(said) < len(request):
                said += tls.receive(await loop.sock_recv(connection, 4_096))
        assert said == request
        await loop.sock_sendall(connection, tls.send(b"answered\n"))
        assert await first_line(reader) == b"answered\n"
        writer.write(b"and on")
        assert tls.receive(await loop.sock_recv(connection, 4_096)) == b"and on"
        await until(lambda: len(relay._guests) == 0)
        connection.close()
        writer.close()
    assert len(adopted) == 1


async def test_the_core_answers_turn_over_tls_and_without_it(tmp_path: Path) -> None:
    async with running(on_loopback(**secured(tmp_path))) as relay:
        relay._port.admit_turn("somebody", bytes(16))
        for context in (anyone(), anyone("stun.turn"), None):
            reader, writer = await asyncio.open_connection("127.0.0.1", relay.port, ssl=context)
            writer.write(allocate())
            async with asyncio.timeout(PATIENCE):
                head = await reader.readexactly(20)
                answer = stun.parse_message(head + await reader.readexactly(int.from_bytes(head[2:4])))
            assert answer.message_class is stun.Class.ERROR
            assert answer.attributes["ERROR-CODE"][0] == 401
            assert answer.attributes["REALM"] == "relay"
            writer.close()


async def test_turn_without_tls_reaches_the_media_port_unread(adopted: list[Adopted]) -> None:
    async with running(on_loopback(engine=EngineChoice.PACKETS)) as relay:
        _, writer = await asyncio.open_connection("127.0.0.1", relay.port)
        writer.write(allocate())
        await until(lambda: bool(adopted))
        connection, tls, first = adopted[0]
        assert (tls, first) == (None, b"")
        assert connection.recv(1_000) == allocate()
        connection.close()
        writer.close()


async def test_what_is_neither_turn_nor_http_is_closed_unanswered(tmp_path: Path, adopted: list[Adopted]) -> None:
    async with running(on_loopback(**secured(tmp_path))) as relay:
        for said in (b"\xffSMB", b"\0\x14\0\x02", client_hello("again")):
            reader, writer = await connect(relay)
            writer.write(said)
            assert await is_closed(reader)
            writer.close()
        assert relay.stats().drops[Drop.TCP_UNKNOWN] == 3
    assert not adopted


async def test_who_names_http_2_and_speaks_turn_is_closed(tmp_path: Path, adopted: list[Adopted]) -> None:
    async with running(on_loopback(**secured(tmp_path))) as relay:
        reader, writer = await connect(relay, "h2")
        writer.write(allocate())
        async with asyncio.timeout(PATIENCE):
            assert (await reader.read()).startswith(b"HTTP/1.0 400")
        writer.close()
    assert not adopted


async def test_who_says_nothing_after_the_handshake_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guests, "REQUEST_TIMEOUT", 0.2)
    monkeypatch.setattr(guests, "WATCH_INTERVAL", 0.05)
    async with running(on_loopback(**secured(tmp_path))) as relay:
        reader, writer = await connect(relay)
        assert await is_closed(reader)
        writer.close()
        assert relay.stats().drops[Drop.TCP_SILENT] == 1


async def test_who_is_undecided_when_the_server_ends_is_closed(tmp_path: Path) -> None:
    async with running(on_loopback(**secured(tmp_path))) as relay:
        reader, writer = await connect(relay)
    assert await is_closed(reader)
    writer.close()


@pytest.mark.parametrize("said", [2, 300, 600])
async def test_tls_that_stops_half_way_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: int) -> None:
    """Whether or not all of the ClientHello has come."""
    monkeypatch.setattr(core_tls, "HANDSHAKE_TIMEOUT", 0.2)
    monkeypatch.setattr("relay.front.mux.PATIENCE", 0.2)
    async with running(on_loopback(**secured(tmp_path))) as relay:
        reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
        writer.write(client_hello(None)[:said])
        await ends(reader)
        writer.close()
        await until(lambda: len(relay._guests) == 0)


async def test_of_many_handshakes_the_oldest_of_an_address_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handover, "MOST_HANDSHAKES_PER_ADDRESS", 2)
    async with running(on_loopback(**secured(tmp_path))) as relay:
        begun = []
        for _ in range(3):
            begun.append(await asyncio.open_connection("127.0.0.1", relay.port))
            begun[-1][1].write(client_hello(None))
            await begun[-1][0].read(65_536)
        await ends(begun[0][0])
        assert relay.stats().drops[Drop.TCP_CROWDED] == 1
        for _, writer in begun:
            writer.close()


@pytest.mark.parametrize("size", [1, 9])
async def test_a_hello_in_many_records_leads_to_turn(tmp_path: Path, adopted: list[Adopted], size: int) -> None:
    async with running(on_loopback(**secured(tmp_path))) as relay:
        reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        person = anyone().wrap_bio(incoming, outgoing)
        with pytest.raises(ssl.SSLWantReadError):
            person.do_handshake()
        writer.write(in_records_of(size, outgoing.read()))
        async with asyncio.timeout(PATIENCE):
            while True:
                incoming.write(await reader.read(65_536))
                with contextlib.suppress(ssl.SSLWantReadError):
                    person.do_handshake()
                    break
        # The end of the handshake and the first message in one piece.
        person.write(allocate())
        writer.write(outgoing.read())
        await until(lambda: bool(adopted))
        connection, tls, first = adopted[0]
        assert tls is not None
        assert first == allocate()
        connection.sendall(tls.send(b"answered"))
        answered = b""
        async with asyncio.timeout(PATIENCE):
            while not answered:
                incoming.write(await reader.read(65_536))
                with contextlib.suppress(ssl.SSLWantReadError):
                    answered = person.read()
        assert answered == b"answered"
        connection.close()
        writer.close()


async def test_turn_that_ends_at_once_is_nobodys(tmp_path: Path, adopted: list[Adopted]) -> None:
    async with running(on_loopback(**secured(tmp_path))) as relay:
        reader, writer = await connect(relay)
        # Both go in one segment: the core would be given what has ended.
        transport = writer.transport
        transport.write(allocate())
        transport.close()
        assert await is_closed(reader)
        await until(lambda: len(relay._guests) == 0)
        for connection, _, _ in adopted:
            connection.close()


async def test_a_page_is_sent_whole_to_a_slow_reader(tmp_path: Path) -> None:
    async with running(on_loopback(**secured(tmp_path))) as relay, aiohttp.ClientSession() as client:
        url = f"https://127.0.0.1:{relay.port}/"
        bodies = []
        for context in (anyone(), anyone("h2", "http/1.1")):
            async with client.get(url, ssl=context, headers={"Accept-Encoding": "identity"}) as response:
                body = b""
                while piece := await response.content.read(100):
                    body += piece
                    await asyncio.sleep(0)
                bodies.append(body)
        assert bodies[0] == bodies[1]


async def test_a_certificate_that_the_core_can_not_use_serves_pages_without_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, adopted: list[Adopted]
) -> None:
    class Unusable:
        def __init__(self, chain: bytes, key: bytes) -> None:
            raise ValueError("it is odd")

    monkeypatch.setattr("relay.native.TlsContext", Unusable)
    async with running(on_loopback(**secured(tmp_path))) as relay:
        assert not relay._front.takes_turn
        reader, writer = await connect(relay)
        writer.write(LIVE)
        assert await first_line(reader) == b"HTTP/1.1 200 OK\r\n"
        writer.close()
        reader, writer = await connect(relay)
        writer.write(allocate())
        async with asyncio.timeout(PATIENCE):
            assert (await reader.read()).startswith(b"HTTP/1.0 400")
        writer.close()
    assert not adopted
