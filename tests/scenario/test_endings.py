"""Whoever goes, and however: what was theirs is freed at once, and nothing waits for the garbage collector."""

import asyncio
import gc
import inspect
import socket
import ssl
import weakref
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from types import CoroutineType, FrameType, FunctionType, MethodType
from unittest import mock

import aiohttp
import pytest
from aiohttp import web

from relay.app import Relay
from relay.config.settings import EngineChoice, Settings, TlsChoice
from relay.front.core_tls import Tls
from relay.ledger.turns import Turns
from relay.machine import collection
from relay.media.frames.peer import FramesPeer
from relay.peer.connection import PeerConnection
from relay.peer.dtls import Dtls
from relay.session.session import Session
from relay.web import visit as visit_module
from relay.web.guests import Guest
from relay.web.metered import Metered
from relay.web.visit import Visit
from tests.kit.certificates import anyone
from tests.kit.hellos import client_hello
from tests.kit.offers import ROLES, offer
from tests.kit.payers import payer
from tests.kit.people import MediaVisitor, Visitor, introduce, until, visit
from tests.kit.servers import draining, on_loopback, running
from tests.kit.wire import wire

OF_SOMEBODY = (
    *(Session, Visit, Guest, Metered, PeerConnection, Dtls, FramesPeer, Tls),
    *(web.RequestHandler, web.WebSocketResponse, web.BaseRequest),
)
"""What there is for each person, connection and request."""

Ending = Callable[[Relay], Awaitable[None]]

ENDINGS: list[Ending] = []


def ending(one: Ending) -> Ending:
    """One more way to go."""
    ENDINGS.append(one)
    return one


@pytest.fixture
def settings(engine: EngineChoice) -> Settings:
    return on_loopback(engine=engine, resume_window=0.5, rate_other=1_200)


@pytest.fixture(autouse=True)
def uncollected(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Not by the server either."""
    monkeypatch.setattr(collection, "INTERVAL", 1_000.0)
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def of_somebody() -> Counter[str]:
    """What is still there, whether or not anybody knows it."""
    return Counter(type(each).__qualname__ for each in gc.get_objects() if isinstance(each, OF_SOMEBODY))


def waiting_for_collection() -> Counter[str]:
    """What of the server only the garbage collector would have freed."""
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        gc.collect()
        return Counter(name for each in gc.garbage if (name := name_in_server(each)))
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.collect()


def name_in_server(each: object) -> str:
    """Empty for what is of its clients, who are in the same process, or of nobody in particular."""
    match each:
        case FrameType():
            module, name = inspect.getmodulename(each.f_code.co_filename) or "", each.f_code.co_qualname
            module = "relay" if "/relay/" in each.f_code.co_filename else module
        case MethodType():
            return name_in_server(each.__func__)
        case FunctionType() | CoroutineType():
            module, name = getattr(each, "__module__", None) or "", each.__qualname__
        case _:
            module, name = type(each).__module__, type(each).__qualname__
    return f"{module}.{name}" if module.partition(".")[0] == "relay" or module.startswith("aiohttp.web_") else ""


async def nothing_is_left(relay: Relay) -> None:
    """Wait until all have gone, and ask the collector whether it finds anything."""
    with suppress(TimeoutError):
        await until(lambda: not of_somebody())
    assert of_somebody() == Counter()
    assert waiting_for_collection() == Counter()


@asynccontextmanager
async def socket_to(
    relay: Relay, context: ssl.SSLContext | None = None, origin: str | None = None
) -> AsyncIterator[Visitor]:
    """A WebSocket to whatever the server says to it."""
    url = f"{'http' if context is None else 'https'}://127.0.0.1:{relay.port}/ws"
    async with (
        aiohttp.ClientSession() as client,
        client.ws_connect(url, ssl=context or True, origin=origin) as opened,
    ):
        yield Visitor(opened)


@ending
async def a_page_is_closed(relay: Relay) -> None:
    async with visit(relay.port) as ann:
        await ann.socket.close(code=1001)


@ending
async def a_connection_is_lost_with_nothing_to_go_on_with(relay: Relay) -> None:
    async with visit(relay.port) as ann:
        ann.vanish()


@ending
async def people_talk_press_next_and_leave(relay: Relay) -> None:
    async with visit(relay.port) as ann, visit(relay.port) as bob:
        await introduce(ann, bob, "text")
        await ann.say("chat_message", id="1", text="hello")
        await bob.hear("chat_message")
        await ann.say("next_partner")
        await bob.hear("partner_disconnected")


@ending
async def somebody_is_lost_and_comes_back(relay: Relay) -> None:
    async with visit(relay.port) as ann, visit(relay.port) as bob:
        await introduce(ann, bob, "text")
        bob.vanish()
        await ann.hear("partner_reconnecting")
        async with visit(relay.port) as again:
            await again.say("resume", token=bob.token)
            await again.hear("resumed")


@ending
async def somebody_comes_back_before_their_old_connection_has_ended(relay: Relay) -> None:
    async with visit(relay.port) as ann, visit(relay.port) as bob:
        await introduce(ann, bob, "text")
        async with visit(relay.port) as again:
            await again.say("resume", token=bob.token)
            await again.hear("resumed")
            await bob.hear_close()


@ending
async def somebody_is_lost_and_does_not_come_back(relay: Relay) -> None:
    async with visit(relay.port) as ann, visit(relay.port) as bob:
        await introduce(ann, bob, "text")
        bob.vanish()
        await ann.hear("partner_reconnecting")
        await ann.hear("partner_disconnected")


@ending
async def a_call_ends(relay: Relay) -> None:
    async with visit(relay.port) as ann, visit(relay.port) as bob:
        call = MediaVisitor(ann, 60), MediaVisitor(bob, 200)
        await asyncio.gather(*(person.connect() for person in call))
        await introduce(ann, bob)
        await asyncio.gather(*(person.close() for person in call))


@ending
async def people_without_a_common_codec_part(relay: Relay) -> None:
    async with visit(relay.port) as ann, visit(relay.port) as bob:
        call = MediaVisitor(ann, 60, "VP8"), MediaVisitor(bob, 200, "H264")
        await asyncio.gather(*(person.connect() for person in call))
        await introduce(ann, bob)
        await asyncio.sleep(0.5)
        await asyncio.gather(*(person.close() for person in call))


@ending
async def somebody_offers_and_goes_before_anything_comes_of_it(relay: Relay) -> None:
    async with visit(relay.port) as ann:
        await ann.say("webrtc_offer", sdp=offer(), lines=ROLES)
        await ann.hear("webrtc_answer")


@ending
async def what_somebody_says_is_not_understood(relay: Relay) -> None:
    async with visit(relay.port) as ann:
        await ann.say("webrtc_offer", sdp="v=0", lines=ROLES)
        await ann.hear("error")
        await ann.say("resume", token="x" * 43)
        await ann.hear("error")
        await ann.socket.send_bytes(b"\0")
        await ann.hear("error")
        await ann.socket.send_str("x" * 1_000_000)
        await ann.hear_close()


@ending
async def somebody_says_too_much(relay: Relay) -> None:
    with mock.patch.object(visit_module, "FLOOD_PATIENCE", 0.2):
        async with visit(relay.port) as ann:
            for _ in range(500):
                await ann.socket.send_str("{}")
            await until(lambda: relay.stats().people == 0)


@ending
async def a_frame_is_broken(relay: Relay) -> None:
    async with wire(relay.port) as raw:
        await raw.send(
            b"GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" + b"\xff" * 50
        )
        await raw.rest()


@ending
async def another_origin_is_refused(relay: Relay) -> None:
    with suppress(aiohttp.WSServerHandshakeError):
        async with socket_to(relay, origin="http://elsewhere.example"):
            pass


@ending
async def requests_are_answered_and_refused(relay: Relay) -> None:
    async with aiohttp.ClientSession() as client:
        for method, path in (("GET", ""), ("GET", "nothing"), ("DELETE", "videochat/stats"), ("GET", "metrics")):
            async with client.request(method, f"http://127.0.0.1:{relay.port}/{path}") as answer:
                await answer.read()


@ending
async def a_request_is_none(relay: Relay) -> None:
    async with wire(relay.port) as raw:
        await raw.send(b"POST nonsense\r\n\r\n")
        await raw.rest()
    async with wire(relay.port) as raw:
        await raw.send(b"GET / HTTP/1.1\r\n")


@ending
async def the_server_drains(relay: Relay) -> None:
    async with visit(relay.port) as ann, visit(relay.port) as bob, visit(relay.port) as eve:
        await introduce(ann, bob, "text")
        async with draining(relay, 0.5) as drain:
            await drain
            await eve.hear("server_draining")
            await eve.hear_close()
            async with socket_to(relay) as late:
                assert (await late.hear("error"))["code"] == "server_draining"


@ending
async def the_server_stops(relay: Relay) -> None:
    async with visit(relay.port) as ann, visit(relay.port) as bob:
        await introduce(ann, bob, "text")
        await relay.stop()


@pytest.mark.usefixtures("loopback_candidates")
@pytest.mark.parametrize("goes", ENDINGS, ids=lambda goes: goes.__name__)
async def test_nothing_is_left_when(relay: Relay, goes: Ending) -> None:
    await goes(relay)
    await nothing_is_left(relay)


@pytest.mark.parametrize(("most", "code"), [("max_people", "server_full"), ("max_per_address", "too_many_connections")])
async def test_nothing_is_left_of_somebody_who_is_turned_away(most: str, code: str) -> None:
    async with running(on_loopback(**{most: 2})) as relay, AsyncExitStack() as stack:
        ann, bob = [await stack.enter_async_context(visit(relay.port)) for _ in range(2)]
        await introduce(ann, bob, "text")
        before = of_somebody()
        async with socket_to(relay) as late:
            assert (await late.hear("error"))["code"] == code
        await until(lambda: of_somebody() == before)
        assert waiting_for_collection() == Counter()


@pytest.mark.parametrize("offers", [(), ("h2", "http/1.1")], ids=["the core's", "OpenSSL's"])
async def test_nothing_is_left_of_tls(tmp_path: Path, offers: tuple[str, ...]) -> None:
    async with running(on_loopback(tls=TlsChoice.SELF_SIGNED, state_dir=str(tmp_path))) as relay:
        async with socket_to(relay, anyone(*offers)) as ann:
            await ann.hear("connected")
            ann.vanish()
        async with wire(relay.port) as raw:
            await raw.send(client_hello("localhost", offers))
        async with wire(relay.port) as raw:
            await raw.send(client_hello("localhost", offers) + b"\x16\x03\x03\x00\x05wrong")
            await raw.rest()
        with suppress(ssl.SSLError):
            context = ssl.create_default_context()
            context.set_alpn_protocols(list(offers))
            async with socket_to(relay, context):
                pass
        await nothing_is_left(relay)


async def test_nothing_is_left_of_a_socket() -> None:
    """asyncio's transport refers to itself."""
    ours, theirs = socket.socketpair()
    ended = asyncio.Event()

    def make() -> Metered:
        metered = Metered(asyncio.Protocol(), payer(), Turns())
        metered.ended = ended.set
        return metered

    transport, _ = await asyncio.get_running_loop().create_connection(make, sock=ours)
    gone = weakref.ref(transport)
    theirs.close()
    await ended.wait()
    del transport, _
    await until(lambda: gone() is None)
