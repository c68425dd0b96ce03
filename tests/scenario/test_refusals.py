"""Everything that a visitor may not do is answered by an error, and nobody else notices."""

import asyncio
import errno
import re
from typing import Any

import aiohttp
import pytest

from relay.app import Relay
from relay.config.settings import Settings
from relay.media import connections as connections_module
from relay.observe.happenings import KeptOut, TaskFailed
from relay.peer import connection as connection_module
from relay.session import presence
from relay.web import visit as visit_module
from tests.kit.offers import ROLES, offer
from tests.kit.people import Visitor, introduce, until, visit
from tests.kit.servers import on_loopback, running


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("nonsense", "invalid_message"),
        ('{"event": "fly"}', "unknown_event"),
        ('{"event": "webrtc_answer", "data": {"sdp": ""}}', "reserved_event"),
        ('{"event": "chat_message", "data": {"id": "1", "text": "hello?"}}', "out_of_turn"),
        ('{"event": "typing", "data": {"active": true}}', "out_of_turn"),
        ('{"event": "webrtc_offer", "data": {"sdp": "v=0", "lines": {}}}', "invalid_offer"),
        (f'"{"x" * 70_000}"', "message_too_large"),
    ],
)
async def test_a_refused_frame_changes_nothing(relay: Relay, frame: str, code: str) -> None:
    port = relay.port
    async with visit(port) as ann, visit(port) as bob:
        await ann.socket.send_str(frame)
        assert (await ann.hear("error"))["code"] == code
        await introduce(ann, bob)


async def test_a_binary_frame_is_refused(relay: Relay) -> None:
    async with visit(relay.port) as ann:
        await ann.socket.send_bytes(b"\x00")
        assert (await ann.hear("error"))["code"] == "invalid_message"


async def test_a_refused_chat_message_is_named(relay: Relay) -> None:
    async with visit(relay.port) as ann:
        await ann.say("chat_message", id="my-7", text="hello?")
        refused = await ann.hear("error")
        assert (refused["refused"], refused["id"]) == ("chat_message", "my-7")


async def test_searching_twice_is_out_of_turn(relay: Relay) -> None:
    async with visit(relay.port) as ann:
        await ann.say("find_partner")
        await ann.hear("waiting_for_partner")
        await ann.say("find_partner")
        assert (await ann.hear("error"))["code"] == "out_of_turn"


async def test_candidates_are_ignored_up_to_a_limit(relay: Relay) -> None:
    async with visit(relay.port) as ann:
        for _ in range(65):
            await ann.say("webrtc_ice_candidate", candidate="candidate:1 1 udp 1 198.51.100.7 9 typ host")
        assert (await ann.hear("error"))["code"] == "too_many_candidates"


async def test_a_frame_far_over_the_limit_ends_only_its_sender(relay: Relay) -> None:
    port = relay.port
    async with visit(port) as ann, visit(port) as bob, visit(port) as eve:
        await introduce(ann, bob)
        await eve.socket.send_str("x" * 300_000)
        assert await eve.hear_close() == aiohttp.WSCloseCode.MESSAGE_TOO_BIG
        await ann.say("chat_message", id="1", text="still here")
        await bob.hear("chat_message")


class TestASlowReader:
    @pytest.fixture
    def settings(self) -> Settings:
        """Somebody may write as much as it takes to fill the reader's buffers."""
        return on_loopback(rate_chat=1_000_000_000)

    async def test_is_sent_away_with_a_reason_without_slowing_the_partner(
        self, relay: Relay, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(visit_module, "FLUSH_TIMEOUT", 20.0)
        port = relay.port
        async with visit(port) as ann, visit(port) as bob:
            await introduce(ann, bob)
            # Nothing reads Bob's socket: his receive buffers fill, then his outbox.
            transport = bob.socket._response.connection.transport  # type: ignore[union-attr]
            assert transport is not None
            transport.pause_reading()
            written = delivered = 0
            told = None
            while told is None:
                for _ in range(100):
                    await ann.say("chat_message", id=str(written), text="x" * 2_000)
                    written += 1
                while delivered < written and told is None:
                    message = await ann.socket.receive_json(timeout=5)
                    if message["event"] == "message_delivered":
                        delivered += 1
                    elif message["event"] == "partner_disconnected":
                        told = message["data"]
            assert told == {"reason": "disconnected", "searching": True}
            assert relay.stats().people == 1
            # Behind everything that he did not read in time is why.
            transport.resume_reading()
            async with asyncio.timeout(15):
                while (message := await bob.socket.receive()).type is aiohttp.WSMsgType.TEXT:
                    pass
            assert (message.type, message.data, message.extra) == (aiohttp.WSMsgType.CLOSE, 4000, "slow_reader")


async def test_a_fault_of_the_server_ends_no_conversation(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("an answer that the server's authors did not think of")

    async with visit(relay.port) as ann, visit(relay.port) as bob:
        await introduce(ann, bob)
        with monkeypatch.context() as fault:
            fault.setattr(connections_module, "consider", broken)
            await ann.say("webrtc_offer", sdp=offer(), lines=ROLES)
            refused = await ann.hear("error")
        assert (refused["code"], refused["refused"]) == ("internal", "webrtc_offer")
        assert "authors" not in refused["message"]
        await ann.say("chat_message", id="1", text="still here")
        await bob.hear("chat_message")
        await ann.hear("message_delivered")
        await ann.say("webrtc_offer", sdp=offer(), lines=ROLES)
        await ann.hear("webrtc_answer")


class TestAFullServer:
    @pytest.fixture
    def settings(self) -> Settings:
        return on_loopback(max_people=2)

    async def test_newcomers_are_told_when_to_come_back(self, relay: Relay) -> None:
        port = relay.port
        async with (
            visit(port),
            visit(port),
            aiohttp.ClientSession() as client,
            client.ws_connect(f"http://127.0.0.1:{port}/ws") as socket,
        ):
            refusal = await socket.receive_json(timeout=5)
            assert refusal["data"]["code"] == "server_full"
            assert refusal["data"]["retry_after"] > 0
            await socket.receive(timeout=5)
            assert socket.close_code == aiohttp.WSCloseCode.TRY_AGAIN_LATER

    async def test_of_an_address_with_most_places_the_newest_goes_and_is_told_why(self, relay: Relay) -> None:
        port = relay.port
        async with visit(port) as ann, visit(port) as bob:
            await introduce(ann, bob)
            async with visit(port, "127.0.0.2") as eve:
                refusal = await bob.hear("error")
                assert (refusal["code"], refusal["retry_after"]) == ("too_many_connections", 60.0)
                assert await bob.hear_close() == aiohttp.WSCloseCode.TRY_AGAIN_LATER
                assert (await ann.hear("partner_disconnected"))["reason"] == "disconnected"
                await ann.hear("waiting_for_partner")
                await eve.say("find_partner")
                await asyncio.gather(ann.hear("partner_found"), eve.hear("partner_found"))
                # Nothing of who went is left behind.
                assert (relay.stats().people, relay.stats().rooms) == (2, 1)
        await until(lambda: relay.stats().people == 0)


class TestACrowdedAddressWhosePeopleDoNothing:
    @pytest.fixture
    def settings(self) -> Settings:
        return on_loopback(max_per_address=2)

    async def test_somebody_new_gets_the_place_of_who_has_not_begun(self, relay: Relay) -> None:
        port = relay.port
        async with visit(port) as ann, visit(port) as idle:
            await ann.say("find_partner")
            await ann.hear("waiting_for_partner")
            for session in relay._directory.sessions():
                session.opened_at -= presence.JUST_OPENED
            async with visit(port) as bob:
                assert (await idle.hear("error"))["code"] == "too_many_connections"
                await bob.say("find_partner")
                await asyncio.gather(ann.hear("partner_found"), bob.hear("partner_found"))


@pytest.mark.parametrize(
    ("event", "data", "allowed"),
    [
        ("next_partner", {}, 20),
        ("webrtc_offer", {"sdp": "", "lines": {}}, 10),
        ("webrtc_ice_candidate", {"candidate": ""}, 100),
    ],
)
async def test_what_comes_too_often_is_refused_with_a_time(
    relay: Relay, event: str, data: dict[str, Any], allowed: int
) -> None:
    async with visit(relay.port) as ann:
        for _ in range(allowed + 1):
            await ann.say(event, **data)
        await ann.say("chat_message", id="end", text="x")
        async with asyncio.timeout(10):
            heard: list[dict[str, Any]] = []
            while not heard or heard[-1].get("id") != "end":
                heard.append((await ann.socket.receive_json())["data"])
        limited = [data for data in heard if data.get("code") == "rate_limited"]
        assert len(limited) == 1
        assert limited[0]["refused"] == event
        assert 0 < limited[0]["retry_after"] < 60


async def test_chat_comes_no_faster_than_its_rate(relay: Relay) -> None:
    async with visit(relay.port) as ann, visit(relay.port) as bob:
        await introduce(ann, bob)
        for number in range(31):
            await ann.say("chat_message", id=str(number), text="x")
        for _ in range(30):
            await ann.hear("message_delivered")
        assert (await ann.hear("error"))["id"] == "30"


async def test_a_flood_of_nonsense_is_read_slowly_disturbs_nobody_and_ends(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visit_module, "FLOOD_PATIENCE", 1.0)
    port = relay.port
    async with visit(port) as ann, visit(port) as bob, visit(port) as eve:
        await introduce(ann, bob)
        for _ in range(2_000):
            await eve.socket.send_str("nonsense")
        await ann.say("chat_message", id="1", text="undisturbed")
        await bob.hear("chat_message")
        await until(lambda: relay.stats().people == 2)
        assert relay.stats().refusals["invalid_message"] < 100


async def test_a_page_of_someone_else_may_not_connect(relay: Relay) -> None:
    url = f"http://127.0.0.1:{relay.port}/ws"
    async with aiohttp.ClientSession() as client:
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await client.ws_connect(url, origin="https://evil.example")
        assert caught.value.status == 403
        async with client.ws_connect(url, origin=f"http://127.0.0.1:{relay.port}") as socket:
            assert (await socket.receive_json(timeout=5))["event"] == "connected"


class TestACrowdedAddress:
    @pytest.fixture
    def settings(self) -> Settings:
        return on_loopback(max_per_address=2)

    async def test_the_next_connection_is_turned_away_until_one_ends(self, relay: Relay) -> None:
        url = f"http://127.0.0.1:{relay.port}/ws"
        async with aiohttp.ClientSession() as client, visit(relay.port):
            async with visit(relay.port), client.ws_connect(url) as socket:
                refusal = await socket.receive_json(timeout=5)
                assert refusal["data"]["code"] == "too_many_connections"
                await socket.receive(timeout=5)
                assert socket.close_code == aiohttp.WSCloseCode.TRY_AGAIN_LATER
            await until(lambda: relay.stats().people == 1)
            async with visit(relay.port):
                pass


async def test_who_answers_no_pings_is_lost_and_the_partner_told(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visit_module, "PING_INTERVAL", 0.2)
    async with visit(relay.port) as ann, aiohttp.ClientSession() as client:
        url = f"http://127.0.0.1:{relay.port}/ws"
        async with client.ws_connect(url, autoping=False) as socket:
            bob = Visitor(socket)
            await bob.hear("connected")
            await introduce(ann, bob)
            # Ann's client answers pings while it waits; Bob's does not.
            await ann.hear("partner_reconnecting")


async def test_a_later_offer_restarts_ice_or_replaces_the_connection(relay: Relay) -> None:
    restart = offer().replace("ufrag:wxyz", "ufrag:again")
    # As Chromium does it, the same extensions come in another order.
    extensions = [line for line in restart.splitlines(keepends=True) if line.startswith("a=extmap:")][:2]
    assert "".join(extensions) in restart
    restart = restart.replace("".join(extensions), "".join(reversed(extensions)))
    async with visit(relay.port) as ann:
        await ann.say("webrtc_offer", sdp=offer(), lines=ROLES)
        first = (await ann.hear("webrtc_answer"))["sdp"]
        await ann.say("webrtc_offer", sdp=offer(), lines=ROLES)
        assert (await ann.hear("error"))["code"] == "out_of_turn"
        await ann.say("webrtc_offer", sdp=restart, lines=ROLES)
        second = (await ann.hear("webrtc_answer"))["sdp"]
        assert credentials(first) != credentials(second)
        assert without_credentials(first) == without_credentials(second)
        await ann.say("webrtc_offer", sdp=offer().replace("apt=96", "apt=45"), lines=ROLES)
        assert (await ann.hear("error"))["code"] == "invalid_offer"
        assert relay.stats().media_connections == 1
        await ann.say("webrtc_offer", sdp=offer().replace("AB:AB", "CD:CD"), lines=ROLES)
        third = (await ann.hear("webrtc_answer"))["sdp"]
        assert without_credentials(third) != without_credentials(first)
        assert relay.stats().media_connections == 1


def credentials(answer: str) -> set[str]:
    return set(re.findall(r"a=ice-(?:ufrag|pwd):\S+", answer))


def without_credentials(answer: str) -> str:
    return re.sub(r"a=ice-(?:ufrag|pwd):\S+", "", answer)


async def test_a_lost_media_connection_is_reported_and_can_be_replaced(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "CHECK_TIMEOUT", 0.3)
    async with visit(relay.port) as ann:
        await ann.say("webrtc_offer", sdp=offer(), lines=ROLES)
        await ann.hear("webrtc_answer")
        # No check ever comes.
        assert (await ann.hear("error"))["code"] == "connection_failed"
        await ann.say("webrtc_offer", sdp=offer(), lines=ROLES)
        await ann.hear("webrtc_answer")
        assert relay.stats().setups_failed == {"no_check": 1}


async def test_a_stopping_server_says_so(settings: Settings) -> None:
    server = Relay(settings)
    await server.start()
    async with visit(settings.network.port) as ann:
        started = asyncio.get_running_loop().time()
        stopping = asyncio.create_task(server.stop())
        assert await ann.hear_close() == aiohttp.WSCloseCode.GOING_AWAY
        await stopping
        assert asyncio.get_running_loop().time() - started < 5


async def test_a_stopped_server_leaves_no_task_behind(settings: Settings) -> None:
    before = asyncio.all_tasks()
    async with running(settings) as relay, visit(relay.port) as ann, visit(relay.port) as bob:
        await introduce(ann, bob)
    await until(lambda: asyncio.all_tasks() <= before)


def test_only_a_lack_of_descriptors_is_no_mistake_of_ours(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    relay = Relay(settings)
    noted: list[type] = []
    monkeypatch.setattr(relay.journal, "note", lambda happening: noted.append(type(happening)))
    for failure in (OSError(errno.EMFILE, "too many"), OSError(errno.EIO, "a broken disk"), ValueError("a mistake")):
        relay.report("something", failure)
    assert noted == [KeptOut, TaskFailed, TaskFailed]
