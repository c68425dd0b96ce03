"""Two stock aiortc peers see and hear each other through a real server on loopback."""

import asyncio

import pytest

from relay.app import Relay
from tests.kit.people import MediaVisitor, brightness, loudness, visit


@pytest.mark.usefixtures("loopback_candidates")
async def test_partners_see_and_hear_each_other_and_next_changes_the_picture(relay: Relay) -> None:
    port = relay.port
    async with visit(port) as ann, visit(port) as bob, visit(port) as eve:
        people = [MediaVisitor(ann, 60), MediaVisitor(bob, 200), MediaVisitor(eve, 130)]
        first, second, third = people
        for person in people:
            await person.connect()
        await ann.say("find_partner")
        await ann.hear("waiting_for_partner")
        await bob.say("find_partner")
        await asyncio.gather(ann.hear("partner_found"), bob.hear("partner_found"))
        await asyncio.gather(brightness(first, 200), brightness(second, 60), loudness(first), loudness(second))

        await eve.say("find_partner")
        await eve.hear("waiting_for_partner")
        await ann.say("next_partner")
        assert (await bob.hear("partner_disconnected"))["reason"] == "next"
        await bob.say("leave_room")
        await asyncio.gather(ann.hear("partner_found"), eve.hear("partner_found"))
        await asyncio.gather(brightness(first, 130), brightness(third, 60), loudness(first), loudness(third))

        await asyncio.gather(*(person.close() for person in people))
    assert relay.engine.stats().routes == 0
