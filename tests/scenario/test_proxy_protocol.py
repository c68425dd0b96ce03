"""A proxy that passes bytes on says whose they are, and nobody else is believed about it."""

import asyncio
import contextlib
import ipaddress
from collections.abc import Callable

import pytest

from relay.app import Relay
from relay.config.settings import Settings
from relay.front.proxy_protocol import SIGNATURE_V2
from relay.observe.drops import Drop
from tests.kit.people import PATIENCE
from tests.kit.servers import on_loopback

VISITOR = "198.51.100.7"
QUESTION = b"GET /videochat/health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def header_v1(source: str) -> bytes:
    return f"PROXY TCP4 {source} 127.0.0.1 4711 443\r\n".encode()


def header_v2(source: str) -> bytes:
    addresses = ipaddress.IPv4Address(source).packed + ipaddress.IPv4Address("127.0.0.1").packed
    extra = b"\x20" + bytes(range(200))
    content = addresses + (4711).to_bytes(2) + (443).to_bytes(2) + extra
    return SIGNATURE_V2 + b"\x21\x11" + len(content).to_bytes(2) + content


async def ask(port: int, *pieces: bytes) -> bytes:
    """The answer to what is said piece by piece; empty if the connection is closed without one."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = b""
    with contextlib.suppress(ConnectionError):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.01)  # so that each comes by itself
        async with asyncio.timeout(PATIENCE):
            answer = await reader.read()
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    return answer


class TestTrusted:
    @pytest.fixture
    def settings(self) -> Settings:
        return on_loopback(
            trusted_proxies=("127.0.0.1",),
            rate_address_connection=6,
        )

    @pytest.mark.parametrize("header", [header_v1, header_v2])
    async def test_each_visitor_counts_as_themselves(self, relay: Relay, header: Callable[[str], bytes]) -> None:
        port = relay.port
        first = [await ask(port, header(VISITOR) + QUESTION) for _ in range(3)]
        assert [answer[:12] for answer in first] == [b"HTTP/1.1 200"] * 2 + [b""]
        assert relay.drops[Drop.TCP_CROWDED] == 1
        assert (await ask(port, header("198.51.100.8") + QUESTION)).startswith(b"HTTP/1.1 200")
        for _ in range(5):
            # The proxy itself looks whether we live, and says nothing of anybody.
            assert (await ask(port, QUESTION)).startswith(b"HTTP/1.1 200")

    @pytest.mark.parametrize("header", [header_v1, header_v2])
    async def test_it_may_come_in_pieces(self, relay: Relay, header: Callable[[str], bytes]) -> None:
        said = header(VISITOR) + QUESTION
        cuts = (3, 13, 20, len(header(VISITOR)), len(header(VISITOR)) + 1)
        pieces = [said[start:end] for start, end in zip((0, *cuts), (*cuts, len(said)), strict=True)]
        assert (await ask(relay.port, *pieces)).startswith(b"HTTP/1.1 200")

    @pytest.mark.parametrize("nonsense", [b"PROXY TCP4 x y 1 2\r\n", SIGNATURE_V2 + b"\x31\x11\x00\x0c" + bytes(12)])
    async def test_nonsense_ends_the_connection(self, relay: Relay, nonsense: bytes) -> None:
        assert await ask(relay.port, nonsense + QUESTION) == b""
        assert relay.drops[Drop.TCP_MALFORMED] == 1


@pytest.mark.parametrize("header", [header_v1, header_v2])
async def test_a_stranger_is_not_believed(relay: Relay, header: Callable[[str], bytes]) -> None:
    answer = await ask(relay.port, header(VISITOR) + QUESTION)
    assert not answer.startswith(b"HTTP/1.1 200")
