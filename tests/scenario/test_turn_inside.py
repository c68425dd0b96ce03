"""What browsers are told of the server's own TURN: by which name and port, and with which credentials."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from aiortc import RTCIceServer

from relay.app import Relay
from relay.config.settings import EngineChoice, Settings, TlsChoice, TurnChoice
from relay.observe.drops import Drop, Drops
from relay.session.turn import TurnCredentials
from relay.transport import outside
from relay.transport.asyncio_port import AsyncioPort
from relay.transport.native import NativePort
from tests.kit.certificates import anyone
from tests.kit.offers import ROLES, offer
from tests.kit.people import MediaVisitor, Visitor, brightness, introduce, until, visit
from tests.kit.ports import free_port
from tests.kit.servers import on_loopback, running

NAME = "talk.example.org"
PROXY = "127.0.0.1"


@pytest.fixture
def settings() -> Settings:
    """There is none on the frames engine."""
    return on_loopback(engine=EngineChoice.PACKETS)


class Told:
    """What the media port was told of TURN, in the order in which it was."""

    def __init__(self) -> None:
        self.names: dict[str, bytes] = {}
        self.peers: list[list[tuple[str, int]]] = []


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    told = Told()
    admit, release, peers = NativePort.admit_turn, NativePort.release_turn, NativePort.tell_turn_peers

    def admit_turn(port: NativePort, username: str, key: bytes) -> None:
        told.names[username] = key
        admit(port, username, key)

    def release_turn(port: NativePort, username: str) -> None:
        del told.names[username]
        release(port, username)

    def tell_turn_peers(port: NativePort, addresses: Sequence[tuple[str, int]]) -> None:
        told.peers.append(list(addresses))
        peers(port, addresses)

    monkeypatch.setattr(NativePort, "admit_turn", admit_turn)
    monkeypatch.setattr(NativePort, "release_turn", release_turn)
    monkeypatch.setattr(NativePort, "tell_turn_peers", tell_turn_peers)
    return told


@asynccontextmanager
async def greeted(relay: Relay, tls: ssl.SSLContext | None = None, **headers: str) -> AsyncIterator[list[Any]]:
    """The TURN servers that somebody is told who asks with these headers; they stay until the end."""
    url = f"{'http' if tls is None else 'https'}://127.0.0.1:{relay.port}/ws"
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    async with (
        aiohttp.ClientSession() as client,
        client.ws_connect(url, ssl=tls or True, headers=given) as socket,
    ):
        yield (await Visitor(socket).hear("connected"))["ice_servers"]


async def urls(relay: Relay, tls: ssl.SSLContext | None = None, **headers: str) -> list[str]:
    async with greeted(relay, tls, **headers) as servers:
        return [url for server in servers for url in server["urls"]]


@asynccontextmanager
async def secure(folder: Path, **settings: object) -> AsyncIterator[Relay]:
    given: dict[str, object] = {
        "engine": EngineChoice.PACKETS,
        "tls": TlsChoice.SELF_SIGNED,
        "state_dir": str(folder),
        **settings,
    }
    async with running(on_loopback(**given)) as relay:
        yield relay


async def test_over_our_own_tls_it_has_the_name_and_port_that_the_page_has(tmp_path: Path) -> None:
    async with secure(tmp_path, hosts=(NAME, "203.0.113.9", "2001:db8::1")) as relay:
        for host, written in (
            (f"{NAME}:8443", f"{NAME}:8443"),
            (NAME, f"{NAME}:443"),
            ("Talk.Example.org.", f"{NAME}:443"),
            ("203.0.113.9:8443", "203.0.113.9:8443"),
            ("[2001:db8::1]:8443", "[2001:db8::1]:8443"),
            ("[2001:DB8:0::1]", "[2001:db8::1]:443"),
        ):
            assert await urls(relay, anyone(), Host=host) == [f"turns:{written}?transport=tcp"]
    assert relay.settings.turn.turn_inside is TurnChoice.TLS


async def test_over_plain_http_it_is_the_media_port(relay: Relay) -> None:
    async with greeted(relay) as (server,):
        assert server["urls"] == [f"turn:127.0.0.1:{relay.port}?transport=tcp"]
        assert [session.tls_host for session in relay._directory.sessions()] == [None]


@pytest.mark.parametrize("header", ["X_Forwarded_For", "Forwarded", "Via"])
@pytest.mark.parametrize("trusted", [(PROXY,), ()])
async def test_behind_a_proxy_that_ends_tls_it_is_the_media_port_though_we_have_a_certificate_too(
    tmp_path: Path, header: str, trusted: tuple[str, ...]
) -> None:
    said = {"X_Forwarded_For": "192.0.2.9", "Forwarded": "for=192.0.2.9", "Via": "1.1 proxy"}[header]
    async with secure(tmp_path, trusted_proxies=trusted, public_tcp_port=8_765) as relay:
        assert await urls(relay, anyone(), **{header: said}) == ["turn:127.0.0.1:8765?transport=tcp"]


async def test_all_kinds_are_offered_where_they_are_asked_for(tmp_path: Path) -> None:
    async with secure(tmp_path, turn_inside=TurnChoice.ALL, public_udp_port=3_478) as relay:
        assert await urls(relay, anyone()) == [
            f"turns:127.0.0.1:{relay.port}?transport=tcp",
            "turn:127.0.0.1:3478?transport=udp",
            f"turn:127.0.0.1:{relay.port}?transport=tcp",
        ]


@pytest.mark.parametrize("settings", [{"turn_inside": TurnChoice.OFF}, {"engine": EngineChoice.FRAMES}])
async def test_nothing_is_offered_where_it_is_off_or_there_is_no_core(
    tmp_path: Path, settings: dict[str, object], told: Told
) -> None:
    async with secure(tmp_path, **settings) as relay, greeted(relay, anyone()) as servers:
        assert servers == []
        assert told.names == {}


async def test_credentials_are_the_ports_while_the_session_lasts(relay: Relay, told: Told) -> None:
    async with greeted(relay) as (ann,), greeted(relay) as (bob,):
        keys = {each["username"]: TurnCredentials(each["username"], each["credential"]).key for each in (ann, bob)}
        assert len(keys) == 2
        assert told.names == keys
    await until(lambda: told.names == {})


async def test_who_resumes_keeps_them(relay: Relay, told: Told) -> None:
    async with visit(relay.port) as ann, visit(relay.port) as bob:
        for person in (ann, bob):
            await person.say("find_partner", mode="text")
        (server,) = msgspec.json.decode(ann.frames[0])["data"]["ice_servers"]
        await ann.hear("waiting_for_partner")
        await ann.hear("partner_found")
        ann.vanish()
        async with visit(relay.port) as again:
            await again.say("resume", token=ann.token)
            assert (await again.hear("resumed"))["ice_servers"] == [server]
            assert len(told.names) == 2
            assert server["username"] in told.names


@pytest.mark.parametrize("way", ["turn_udp", "turn_tcp", "turn_tls"])
@pytest.mark.usefixtures("loopback_candidates")
async def test_a_call_that_goes_through_it_is_counted_as_such(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both see and hear each other, and nothing of it is left when they have gone."""
    # For aiortc, which verifies the certificate as browsers do.
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "self-signed.pem"))
    wanted = {"turn_udp": "?transport=udp", "turn_tcp": "turn:127.0.0.1", "turn_tls": "turns:"}[way]
    async with secure(tmp_path, turn_inside=TurnChoice.ALL) as relay:

        async def come(luma: int, visits: AsyncExitStack) -> tuple[Visitor, MediaVisitor]:
            url = f"https://127.0.0.1:{relay.port}/ws"
            client = await visits.enter_async_context(aiohttp.ClientSession())
            visitor = Visitor(await visits.enter_async_context(client.ws_connect(url, ssl=anyone(), max_msg_size=0)))
            (server,) = (await visitor.hear("connected"))["ice_servers"]
            (only,) = (each for each in server["urls"] if wanted in each and ("=tcp" in each or way == "turn_udp"))
            turn = RTCIceServer(urls=only, username=server["username"], credential=server["credential"])
            person = MediaVisitor(visitor, luma, turn=turn)
            await person.connect()
            return visitor, person

        async with AsyncExitStack() as visits:
            (ann, one), (bob, other) = await come(60, visits), await come(200, visits)
            assert relay.figures().media.turn_allocations == 2
            await introduce(ann, bob)
            await asyncio.gather(brightness(one, 200), brightness(other, 60))
            assert relay.stats().paths == {way: 2}
            await ann.say("media_path", type="relay", protocol="udp", relay_protocol=way.removeprefix("turn_"))
            await bob.say("media_path", type="host", protocol="udp")
            await until(lambda: relay.stats().paths == {way: 1, "disputed": 1})
            # What is void with the session is gone while the browser still holds it.
            await bob.socket.close()
            await until(lambda: relay.figures().media.turn_allocations == 1)
            await asyncio.gather(one.close(), other.close())
        await until(lambda: relay.figures().media.turn_allocations == 0)


async def test_the_port_knows_what_may_be_named_before_anybody_is_told(
    monkeypatch: pytest.MonkeyPatch, told: Told
) -> None:
    monkeypatch.setattr(outside, "LOOK_INTERVAL", 0.05)
    now = ["203.0.113.7"]

    async def look_up(name: str) -> list[str]:
        return list(now)

    monkeypatch.setattr(outside, "_addresses_of", look_up)
    port = free_port()
    settings = on_loopback(
        port=port, http_bind=("127.0.0.1",), public_address=("chat.example", "2001:db8::7"), public_udp_port=3_478
    )
    async with running(settings) as relay:
        assert told.peers == [[("203.0.113.7", 3_478), ("2001:db8::7", 3_478)]]
        async with visit(relay.port) as ann:
            now[:] = ["203.0.113.8"]
            await until(lambda: "203.0.113.8" in relay.addresses)
            await ann.say("webrtc_offer", sdp=offer(), lines=ROLES)
            answer = (await ann.hear("webrtc_answer"))["sdp"]
        assert "203.0.113.8 3478 typ host" in answer
        assert told.peers[1:] == [[("203.0.113.8", 3_478), ("2001:db8::7", 3_478)]]


async def test_the_port_of_the_frames_engine_takes_no_turn() -> None:
    drops = Drops()
    ours, theirs = socket.socketpair()
    AsyncioPort(drops, lambda task, failure: None).adopt_turn(ours, None, b"")
    with theirs:
        assert theirs.recv(1) == b""
    assert drops[Drop.TCP_UNKNOWN] == 1
