"""Two stock aiortc peers see and hear each other through a real server on loopback."""

import asyncio

import pytest

from relay import native
from relay.app import Relay
from relay.config.settings import EngineChoice
from tests.kit.people import MediaVisitor, brightness, loudness, visit
from tests.kit.servers import on_loopback, running


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


@pytest.mark.skipif(not native.BUILT, reason="the native core is not built")
@pytest.mark.usefixtures("loopback_candidates")
async def test_with_several_media_threads_each_hears_the_partner_of_now() -> None:
    """In the core they are in as many shards, and move from one to another when they are paired."""
    async with running(on_loopback(engine=EngineChoice.PACKETS, media_threads=2)) as relay:
        async with (
            visit(relay.port) as ann,
            visit(relay.port) as bob,
            visit(relay.port) as eve,
            visit(relay.port) as dan,
        ):
            people = [MediaVisitor(ann, 60), MediaVisitor(bob, 200), MediaVisitor(eve, 130), MediaVisitor(dan, 30)]
            first, second, third, fourth = people
            for person in people:
                await person.connect()
            for one, other in ((ann, bob), (eve, dan)):
                await one.say("find_partner")
                await one.hear("waiting_for_partner")
                await other.say("find_partner")
                await asyncio.gather(one.hear("partner_found"), other.hear("partner_found"))
            await asyncio.gather(brightness(first, 200), brightness(second, 60), loudness(first), loudness(second))
            await asyncio.gather(brightness(third, 30), brightness(fourth, 130), loudness(third), loudness(fourth))

            await bob.say("leave_room")
            await ann.hear("partner_disconnected")
            await ann.hear("waiting_for_partner")
            await dan.say("leave_room")
            await eve.hear("partner_disconnected")
            await asyncio.gather(ann.hear("partner_found"), eve.hear("partner_found"))
            await asyncio.gather(brightness(first, 130), brightness(third, 60), loudness(first), loudness(third))
            await asyncio.gather(*(person.close() for person in people))
        assert relay.engine.stats().routes == 0
        assert relay.engine.stats().packets_received > 0
