"""An operator deploys at noon: nobody new comes in, conversations may end, the rest is told."""

import asyncio

import aiohttp

from relay.app import Relay
from tests.kit.people import introduce, visit
from tests.kit.servers import draining


async def test_conversations_may_end_by_themselves(relay: Relay) -> None:
    port = relay.port
    async with visit(port) as ann, visit(port) as bob, visit(port) as eve:
        await introduce(ann, bob)
        async with draining(relay, 30) as drain:
            for visitor in (ann, bob, eve):
                assert await visitor.hear("server_draining") == {"seconds": 30}
            # Who does not talk is sent away, to find another server.
            assert await eve.hear_close() == aiohttp.WSCloseCode.GOING_AWAY
            assert not relay.figures().ready
            await ann.say("chat_message", id="1", text="one more word")
            await bob.hear("chat_message")
            await ann.hear("message_delivered")
            await ann.say("leave_room")
            assert (await bob.hear("partner_disconnected"))["reason"] == "left"
            await asyncio.wait_for(drain, 5)


async def test_who_still_talks_at_the_end_is_told(relay: Relay) -> None:
    port = relay.port
    async with visit(port) as ann, visit(port) as bob:
        await introduce(ann, bob)
        async with draining(relay, 0.5) as drain:
            for visitor in (ann, bob):
                await visitor.hear("server_draining")
            await asyncio.wait_for(drain, 5)
        assert relay.stats().people == 0


async def test_newcomers_are_refused_meanwhile(relay: Relay) -> None:
    port = relay.port
    async with visit(port) as ann, visit(port) as bob, aiohttp.ClientSession() as client:
        await introduce(ann, bob)
        async with draining(relay, 30):
            await ann.hear("server_draining")
            async with client.ws_connect(f"http://127.0.0.1:{port}/ws") as socket:
                refusal = await socket.receive_json(timeout=5)
                assert refusal["data"]["code"] == "server_draining"
