"""Whatever is bounded, nobody can take all of it: those who come from another address are served at once."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import ClassVar

import pytest

from relay.app import Relay
from relay.config.settings import EngineChoice, TlsChoice
from relay.media import connections
from tests.bench.attack.besiegers import addresses
from tests.bench.attack.sieges import UPGRADE, offers
from tests.bench.attack.townspeople import ANYONE, arrive
from tests.hostile.crowd import NEWCOMER, QUESTION, WITNESS, crowd, hear, is_noticed, url
from tests.kit.hellos import client_hello
from tests.kit.offers import ROLES, offer
from tests.kit.people import MediaVisitor, Visitor, brightness, until, visit
from tests.kit.servers import on_loopback, running
from tests.kit.wire import status_of, wire

pytestmark = pytest.mark.alone

EVERYTHING = 600
"""Connections: more than any table holds of those that are not known yet."""
NEIGHBOURS = 64
"""Silent connections of one address: twice what it may have."""
FRAMED_CHECK = b"\x00\x14\x00\x01\x00\x00\x21\x12\xa4\x42"
"""The beginning of one; what follows is waited for."""

fifty_others = pytest.mark.parametrize("others", [1, 2, 50])


@fifty_others
async def test_a_slow_connection_is_waited_for_while_others_say_nothing(relay: Relay, others: int) -> None:
    port = relay.port
    async with wire(port, NEWCOMER) as slow:
        await is_noticed(port)
        with crowd(port, addresses(others), EVERYTHING):
            await is_noticed(port)
            await slow.send(QUESTION)
            assert (await slow.head()).startswith(b"HTTP/1.1 200")


async def test_a_slow_connection_is_waited_for_while_others_of_its_address_say_nothing(relay: Relay) -> None:
    port = relay.port
    (shared,) = addresses(1)
    with crowd(port, [shared], NEIGHBOURS):
        await is_noticed(port)
        async with wire(port, shared) as slow:
            await is_noticed(port)
            await slow.send(QUESTION)
            assert (await slow.head()).startswith(b"HTTP/1.1 200")


@fifty_others
async def test_a_newcomer_shakes_hands_while_others_begin_to(tmp_path: Path, others: int) -> None:
    async with running(on_loopback(tls=TlsChoice.SELF_SIGNED, state_dir=str(tmp_path))) as relay:
        port = relay.port
        with crowd(port, addresses(others), min(EVERYTHING, 290 * others), client_hello("here")):
            async with wire(port, NEWCOMER, ANYONE) as newcomer:
                await newcomer.send(QUESTION)
                assert (await newcomer.head()).startswith(b"HTTP/1.1 200")


@fifty_others
async def test_a_handshake_that_is_under_way_is_let_finish_while_others_begin(tmp_path: Path, others: int) -> None:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    browser = ANYONE.wrap_bio(incoming, outgoing, server_hostname="here")
    with pytest.raises(ssl.SSLWantReadError):
        browser.do_handshake()
    hello = outgoing.read()
    async with running(on_loopback(tls=TlsChoice.SELF_SIGNED, state_dir=str(tmp_path))) as relay:
        port = relay.port
        async with wire(port, NEWCOMER) as slow:
            await slow.send(hello)
            incoming.write(await slow.reader.read(65_536))
            with crowd(port, addresses(others), min(EVERYTHING, 290 * others), client_hello("here")):
                async with wire(port, WITNESS, ANYONE):
                    pass
                browser.do_handshake()
                browser.write(QUESTION)
                await slow.send(outgoing.read())
                assert await slow.reader.read(1)


@fifty_others
async def test_a_page_is_served_while_others_hold_connections(relay: Relay, others: int) -> None:
    port = relay.port
    idle = QUESTION.replace(b"Connection: close\r\n", b"")
    with crowd(port, addresses(others), EVERYTHING, idle):
        assert await status_of(port, QUESTION, NEWCOMER) == 200


async def test_a_page_is_served_while_others_of_the_address_hold_connections_for_nothing(relay: Relay) -> None:
    port = relay.port
    (shared,) = addresses(1)
    with crowd(port, [shared], EVERYTHING, QUESTION.replace(b"Connection: close\r\n", b"")):
        await is_noticed(port)
        assert await status_of(port, QUESTION, shared) == 200


@fifty_others
async def test_a_tcp_connection_for_media_is_kept_while_others_open_them(relay: Relay, others: int) -> None:
    port = relay.port
    async with wire(port, NEWCOMER) as slow:
        await slow.send(FRAMED_CHECK)
        await is_noticed(port)
        with crowd(port, addresses(others), EVERYTHING, FRAMED_CHECK):
            await is_noticed(port)
            assert await slow.is_open(0.3)


@pytest.mark.parametrize("others", [2, 50])
async def test_a_visitor_is_let_in_while_others_sit_on_every_place(engine: EngineChoice, others: int) -> None:
    """One address alone can't: it may have half of the places here."""
    async with running(on_loopback(engine=engine, max_people=100, max_per_address=50)) as relay:
        with crowd(relay.port, addresses(others), 100, UPGRADE):
            await until(lambda: relay.stats().people == 100)
            assert (await arrive(url(relay), NEWCOMER)).refusal is None


@fifty_others
async def test_visitors_are_let_in_while_others_cut_sessions_that_wait_to_be_resumed(
    engine: EngineChoice, others: int
) -> None:
    async with running(on_loopback(engine=engine, max_people=10)) as relay:
        port, sources = relay.port, addresses(others)
        for number in range(50):
            with crowd(port, [sources[number % others]], 1, UPGRADE + offers(1)[0]) as (member,):
                await hear(member, b'"webrtc_answer"', b'"error"')
            await is_noticed(port)
        for number in range(3):
            assert (await arrive(url(relay), f"127.0.8.{1 + number}")).refusal is None


@fifty_others
async def test_a_connection_without_keys_is_kept_while_others_make_them(
    engine: EngineChoice, others: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MOST_UNSECURED", 60)
    async with (
        running(on_loopback(engine=engine, max_people=400, max_per_address=200)) as relay,
        visit(relay.port, NEWCOMER) as slow,
    ):
        await slow.say("webrtc_offer", sdp=offer(), lines={mid: role.value for mid, role in ROLES.items()})
        await slow.hear("webrtc_answer")
        with crowd(relay.port, addresses(others), 150, UPGRADE + offers(1)[0]) as members:
            for member in members:
                assert await hear(member, b'"webrtc_answer"', b'"error"')
            await slow.say("find_partner")
            await slow.hear("waiting_for_partner")


@pytest.mark.parametrize("others", [2, 50])
async def test_a_newcomer_is_led_to_the_turn_server_while_others_hold_every_way(others: int) -> None:
    """One address alone can't: it may have half of the ways here."""
    echoing = await asyncio.get_running_loop().create_server(_Echo, "127.0.0.1", 0)
    backend = f"127.0.0.1:{echoing.sockets[0].getsockname()[1]}"
    turn: dict[str, object] = {
        "turn_urls": ("turns:turn.test:443?transport=tcp",),
        "turn_secret": "correct horse",
        "turn_sni": "turn.test",
        "turn_backend": backend,
        "max_people": 20,
        "max_per_address": 12,
    }
    hello = client_hello("turn.test")
    async with echoing, running(on_loopback(**turn)) as relay:
        with crowd(relay.port, addresses(others), 90, hello):
            await is_noticed(relay.port)
            async with wire(relay.port, NEWCOMER) as newcomer:
                await newcomer.send(hello)
                async with asyncio.timeout(10):
                    assert await newcomer.reader.read(len(hello)) == hello
        await until(lambda: not _Echo.connected)


@pytest.mark.usefixtures("loopback_candidates")
async def test_pictures_are_converted_for_a_pair_while_others_have_all_converters() -> None:
    async with (
        running(on_loopback(engine=EngineChoice.PACKETS, transcoders=2)) as relay,
        contextlib.AsyncExitStack() as stack,
    ):
        (greedy,) = addresses(1)
        await stack.enter_async_context(_pair_without_a_common_codec(relay, [greedy, greedy]))
        await until(lambda: relay.engine.stats().transcoders == 2)
        pair = await stack.enter_async_context(_pair_without_a_common_codec(relay, [NEWCOMER, WITNESS]))
        looking = [
            asyncio.ensure_future(brightness(person, luma)) for person, luma in zip(pair, (200, 60), strict=True)
        ]
        try:
            done, _ = await asyncio.wait(looking, timeout=15, return_when=asyncio.FIRST_COMPLETED)
            done.pop().result()
        finally:
            for task in looking:
                task.cancel()
            await asyncio.gather(*looking, return_exceptions=True)


class _Echo(asyncio.Protocol):
    """Sends back what comes. `connected` holds those that are open."""

    connected: ClassVar[set[asyncio.BaseTransport]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.connected.add(transport)

    def data_received(self, data: bytes) -> None:
        self._transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.connected.discard(self._transport)


@asynccontextmanager
async def _pair_without_a_common_codec(relay: Relay, sources: Sequence[str]) -> AsyncIterator[list[MediaVisitor]]:
    """Two who are paired, of brightness 60 and 200."""
    async with contextlib.AsyncExitStack() as stack:
        pair = []
        for source, luma, codec in zip(sources, (60, 200), ("H264", "VP8"), strict=True):
            visitor: Visitor = await stack.enter_async_context(visit(relay.port, source))
            person = MediaVisitor(visitor, luma, codec)
            await person.connect()
            stack.push_async_callback(person.close)
            pair.append(person)
        await pair[0].visitor.say("find_partner")
        await pair[0].visitor.hear("waiting_for_partner")
        await pair[1].visitor.say("find_partner")
        await asyncio.gather(*(person.visitor.hear("partner_found") for person in pair))
        yield pair
