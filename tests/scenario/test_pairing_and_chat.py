"""The protocol as two or three visitors see it, over real WebSockets."""

import asyncio

from relay.app import Relay
from tests.scenario.visitor import Visitor, until, visit


async def introduce(one: Visitor, other: Visitor) -> None:
    """Pair two visitors of an otherwise empty server."""
    await one.say("find_partner")
    await one.hear("waiting_for_partner")
    await other.say("find_partner")
    rooms = await asyncio.gather(one.hear("partner_found"), other.hear("partner_found"))
    assert rooms[0]["room_id"] == rooms[1]["room_id"]


async def test_strangers_are_paired_and_chat(relay: Relay) -> None:
    port = relay.settings.port
    async with visit(port) as ann, visit(port) as bob:
        await introduce(ann, bob)
        await ann.say("chat_message", text="hello <b>you</b>")
        assert await bob.hear("chat_message") == {"text": "hello <b>you</b>"}
        await bob.say("chat_message", text="hello")
        assert await ann.hear("chat_message") == {"text": "hello"}


async def test_the_longest_waiting_is_matched_first(relay: Relay) -> None:
    port = relay.settings.port
    async with visit(port) as ann, visit(port) as bob, visit(port) as eve:
        await introduce(ann, bob)
        await eve.say("find_partner")
        await eve.hear("waiting_for_partner")
        await bob.say("next_partner")
        assert await ann.hear("partner_disconnected") == {"reason": "next"}
        await asyncio.gather(bob.hear("partner_found"), eve.hear("partner_found"))
        await bob.say("chat_message", text="new here?")
        await eve.hear("chat_message")


async def test_a_partner_who_leaves_is_reported_and_may_return(relay: Relay) -> None:
    port = relay.settings.port
    async with visit(port) as ann, visit(port) as bob:
        await introduce(ann, bob)
        await bob.say("leave_room")
        assert await ann.hear("partner_disconnected") == {"reason": "left"}
        await introduce(ann, bob)


async def test_a_partner_who_vanishes_is_reported(relay: Relay) -> None:
    async with visit(relay.settings.port) as ann:
        async with visit(relay.settings.port) as bob:
            await introduce(ann, bob)
        assert await ann.hear("partner_disconnected") == {"reason": "disconnected"}


async def test_who_left_the_queue_is_not_paired(relay: Relay) -> None:
    port = relay.settings.port
    async with visit(port) as ann, visit(port) as bob:
        await ann.say("find_partner")
        await ann.hear("waiting_for_partner")
        await ann.say("leave_room")
        await bob.say("find_partner")
        await bob.hear("waiting_for_partner")
        await introduce_second(bob, ann)


async def introduce_second(waiting: Visitor, newcomer: Visitor) -> None:
    await newcomer.say("find_partner")
    await asyncio.gather(waiting.hear("partner_found"), newcomer.hear("partner_found"))


async def test_nothing_is_left_of_people_who_went(relay: Relay) -> None:
    async with visit(relay.settings.port) as ann, visit(relay.settings.port) as bob:
        await introduce(ann, bob)
        assert (relay.health().people, relay.health().rooms) == (2, 1)
    await until(lambda: relay.health().people == 0)
    assert (relay.health().rooms, relay.health().waiting) == (0, 0)
