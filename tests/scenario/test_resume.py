"""A lost WebSocket ends nothing at once: who comes back in time finds everything as it was."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from relay.app import Relay
from relay.config.settings import Settings
from tests.kit.offers import ROLES, offer
from tests.kit.people import Visitor, introduce, until, visit
from tests.kit.servers import on_loopback


@pytest.fixture
def settings() -> Settings:
    return on_loopback(resume_window=1.5)


@pytest.fixture
async def ann(relay: Relay) -> AsyncIterator[Visitor]:
    async with visit(relay.port) as visitor:
        yield visitor


@pytest.fixture
async def bob(relay: Relay) -> AsyncIterator[Visitor]:
    async with visit(relay.port) as visitor:
        yield visitor


async def test_who_comes_back_is_in_the_same_room(relay: Relay, ann: Visitor, bob: Visitor) -> None:
    found, _ = await introduce(ann, bob)
    await ann.say("media_state", microphone=False, camera=True)
    await bob.hear("media_state")
    bob.vanish()
    await ann.hear("partner_reconnecting")
    async with visit(relay.port) as again:
        provisional = again.token
        await again.say("resume", token=bob.token)
        resumed = await again.hear("resumed")
        assert resumed["room_id"] == found["room_id"]
        assert (resumed["microphone"], resumed["camera"]) == (False, True)
        assert again.token not in (bob.token, provisional)
        await ann.hear("partner_resumed")
        await again.say("chat_message", id="b1", text="back again")
        assert (await ann.hear("chat_message"))["text"] == "back again"
        assert relay.stats().people == 2
        assert relay.stats().resumes == 1


async def test_chat_is_neither_lost_nor_doubled(relay: Relay, ann: Visitor, bob: Visitor) -> None:
    await introduce(ann, bob)
    for name in ("a1", "a2", "a3"):
        await ann.say("chat_message", id=name, text=name)
        await ann.hear("message_delivered")
    # Bob reads one; the other two are lost with his connection. What he writes is heard, but he is not told.
    assert (await bob.hear("chat_message"))["id"] == "a1"
    await bob.say("chat_message", id="b1", text="b1")
    assert (await ann.hear("chat_message"))["id"] == "b1"
    bob.vanish()
    await ann.hear("partner_reconnecting")
    await ann.say("chat_message", id="a4", text="a4")
    await ann.hear("message_delivered")
    async with visit(relay.port) as again:
        await again.say("resume", token=bob.token, last_message="a1")
        await again.hear("resumed")
        await ann.hear("partner_resumed")
        for name in ("a2", "a3", "a4"):
            assert (await again.hear("chat_message"))["id"] == name
        await again.say("chat_message", id="b1", text="b1")
        assert await again.hear("message_delivered") == {"id": "b1"}
        await again.say("chat_message", id="b2", text="b2")
        assert (await ann.hear("chat_message"))["id"] == "b2"


async def test_who_does_not_come_back_is_gone_after_the_window(relay: Relay, ann: Visitor, bob: Visitor) -> None:
    await introduce(ann, bob)
    loop = asyncio.get_running_loop()
    bob.vanish()
    await ann.hear("partner_reconnecting")
    began = loop.time()
    assert (await ann.hear("partner_disconnected"))["reason"] == "disconnected"
    assert 1.4 < loop.time() - began < 3
    async with visit(relay.port) as late:
        await late.say("resume", token=bob.token)
        assert (await late.hear("error"))["code"] == "resume_failed"
        # The new connection is a visitor like any other.
        await late.say("find_partner")
        await asyncio.gather(late.hear("partner_found"))


async def test_a_closed_page_is_gone_at_once(relay: Relay, ann: Visitor, bob: Visitor) -> None:
    await introduce(ann, bob)
    await bob.socket.close(code=1001)
    assert (await ann.hear("partner_disconnected"))["reason"] == "left"
    async with visit(relay.port) as again:
        await again.say("resume", token=bob.token)
        assert (await again.hear("error"))["code"] == "resume_failed"


async def test_a_token_works_once_and_moves_the_session(relay: Relay, ann: Visitor, bob: Visitor) -> None:
    """Held by one live connection at a time: the one that shows it last has the session."""
    await introduce(ann, bob)
    async with visit(relay.port) as thief, visit(relay.port) as again:
        await thief.say("resume", token=bob.token)
        await thief.hear("resumed")
        assert await bob.hear_close() == 4001
        await again.say("resume", token=bob.token)
        assert (await again.hear("error"))["code"] == "resume_failed"


@pytest.mark.parametrize("token", ["", "x" * 43, "own"])
async def test_no_other_token_opens_anything(ann: Visitor, token: str) -> None:
    await ann.say("resume", token=ann.token if token == "own" else token)
    assert (await ann.hear("error"))["code"] == "resume_failed"


async def test_a_partner_is_not_kept_from_leaving(relay: Relay, ann: Visitor, bob: Visitor) -> None:
    await introduce(ann, bob)
    bob.vanish()
    await ann.hear("partner_reconnecting")
    async with visit(relay.port) as eve:
        await ann.say("next_partner")
        await ann.hear("waiting_for_partner")
        # Nobody is paired with Bob while he is away, though he would search on.
        await eve.say("find_partner")
        await asyncio.gather(ann.hear("partner_found"), eve.hear("partner_found"))
        async with visit(relay.port) as again:
            await again.say("resume", token=bob.token)
            resumed = await again.hear("resumed")
            assert resumed["room_id"] is None
            assert resumed["searching"] is True
            await again.hear("waiting_for_partner")


async def test_who_waits_goes_on_waiting(relay: Relay, ann: Visitor, bob: Visitor) -> None:
    await ann.say("webrtc_offer", sdp=offer(), lines=ROLES)
    await ann.hear("webrtc_answer")
    await ann.say("find_partner")
    await ann.hear("waiting_for_partner")
    ann.vanish()
    await until(lambda: relay.stats().waiting == 0)
    async with visit(relay.port) as again:
        await again.say("resume", token=ann.token)
        assert (await again.hear("resumed"))["searching"] is True
        await again.hear("waiting_for_partner")
        assert relay.stats().media_connections == 1


class TestAFullServer:
    @pytest.fixture
    def settings(self) -> Settings:
        return on_loopback(max_people=2)

    async def test_takes_back_who_was_there(self, relay: Relay, ann: Visitor, bob: Visitor) -> None:
        await introduce(ann, bob)
        bob.vanish()
        await ann.hear("partner_reconnecting")
        async with visit(relay.port) as again:
            await again.say("resume", token=bob.token)
            await again.hear("resumed")
            assert relay.stats().people == 2


async def test_nothing_is_kept_for_who_had_nothing(relay: Relay, ann: Visitor) -> None:
    ann.vanish()
    await until(lambda: relay.stats().people == 0)
