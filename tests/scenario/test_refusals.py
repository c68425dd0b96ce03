"""Everything that a visitor may not do is answered by an error, and nobody else notices."""

import asyncio

import aiohttp
import pytest

from relay.app import Relay
from relay.config import Settings
from tests.conftest import free_port
from tests.scenario.test_pairing_and_chat import introduce
from tests.scenario.visitor import visit


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("nonsense", "invalid_message"),
        ('{"event": "fly"}', "unknown_event"),
        ('{"event": "webrtc_answer", "data": {"sdp": ""}}', "reserved_event"),
        ('{"event": "chat_message", "data": {"text": "hello?"}}', "out_of_turn"),
        ('{"event": "webrtc_offer", "data": {"sdp": "v=0", "lines": {}}}', "invalid_offer"),
        (f'"{"x" * 70_000}"', "message_too_large"),
    ],
)
async def test_a_refused_frame_changes_nothing(relay: Relay, frame: str, code: str) -> None:
    port = relay.settings.port
    async with visit(port) as ann, visit(port) as bob:
        await ann.socket.send_str(frame)
        assert (await ann.hear("error"))["code"] == code
        await introduce(ann, bob)


async def test_a_binary_frame_is_refused(relay: Relay) -> None:
    async with visit(relay.settings.port) as ann:
        await ann.socket.send_bytes(b"\x00")
        assert (await ann.hear("error"))["code"] == "invalid_message"


async def test_searching_twice_is_out_of_turn(relay: Relay) -> None:
    async with visit(relay.settings.port) as ann:
        await ann.say("find_partner")
        await ann.hear("waiting_for_partner")
        await ann.say("find_partner")
        assert (await ann.hear("error"))["code"] == "out_of_turn"


async def test_candidates_are_ignored_up_to_a_limit(relay: Relay) -> None:
    async with visit(relay.settings.port) as ann:
        for _ in range(65):
            await ann.say("webrtc_ice_candidate", candidate="candidate:1 1 udp 1 198.51.100.7 9 typ host")
        assert (await ann.hear("error"))["code"] == "too_many_candidates"


async def test_a_frame_far_over_the_limit_ends_only_its_sender(relay: Relay) -> None:
    port = relay.settings.port
    async with visit(port) as ann, visit(port) as bob, visit(port) as eve:
        await introduce(ann, bob)
        await eve.socket.send_str("x" * 300_000)
        assert await eve.hear_close() == aiohttp.WSCloseCode.MESSAGE_TOO_BIG
        await ann.say("chat_message", text="still here")
        await bob.hear("chat_message")


async def test_a_reader_that_never_reads_is_sent_away_without_slowing_its_partner(relay: Relay) -> None:
    port = relay.settings.port
    async with visit(port) as ann, visit(port) as bob:
        await introduce(ann, bob)
        # Nothing reads Bob's socket: his receive buffers fill, then his outbox.
        transport = bob.socket._response.connection.transport  # type: ignore[union-attr]
        assert transport is not None
        transport.pause_reading()
        for _ in range(6_000):
            await ann.say("chat_message", text="x" * 2_000)
        assert await ann.hear("partner_disconnected") == {"reason": "disconnected"}
        transport.resume_reading()


class TestAFullServer:
    @pytest.fixture
    def settings(self) -> Settings:
        return Settings(port=free_port(), bind=("127.0.0.1",), public_address=("127.0.0.1",), max_people=2)

    async def test_newcomers_are_told_when_to_come_back(self, relay: Relay) -> None:
        port = relay.settings.port
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


async def test_a_stopping_server_says_so(settings: Settings) -> None:
    server = Relay(settings)
    await server.start()
    async with visit(settings.port) as ann:
        started = asyncio.get_running_loop().time()
        stopping = asyncio.create_task(server.stop())
        assert await ann.hear_close() == aiohttp.WSCloseCode.GOING_AWAY
        await stopping
        assert asyncio.get_running_loop().time() - started < 5
