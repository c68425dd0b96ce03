"""Two stock aiortc peers without a video codec in common, and room for one transcoder: one sees, the other is told."""

import asyncio

import pytest

from relay.app import Relay
from relay.config.settings import EngineChoice, Settings
from tests.kit.people import MediaVisitor, brightness, loudness, until, visit
from tests.kit.servers import on_loopback


@pytest.fixture
def settings() -> Settings:
    """Transcoders are of the packets engine alone: the frames engine converts everything."""
    return on_loopback(engine=EngineChoice.PACKETS, transcoders=1)


@pytest.mark.usefixtures("loopback_candidates")
async def test_one_picture_is_converted_and_who_gets_none_is_told_and_hears(relay: Relay) -> None:
    port = relay.port
    async with visit(port) as ann, visit(port) as bob:
        first, second = MediaVisitor(ann, 60, "H264"), MediaVisitor(bob, 200, "VP8")
        for person in (first, second):
            await person.connect()
        await ann.say("find_partner")
        await ann.hear("waiting_for_partner")
        await bob.say("find_partner")
        await asyncio.gather(ann.hear("partner_found"), bob.hear("partner_found"))

        hearing = {asyncio.ensure_future(of.hear("error")): of for of in (ann, bob)}
        done, others = await asyncio.wait(hearing, timeout=20, return_when=asyncio.FIRST_COMPLETED)
        (told,) = done
        assert told.result()["code"] == "no_common_codec"
        if hearing[told] is ann:
            await asyncio.gather(brightness(second, 60), loudness(first), loudness(second))
        else:
            await asyncio.gather(brightness(first, 200), loudness(first), loudness(second))
        for other in others:
            other.cancel()
        stats = relay.engine.stats()
        assert (stats.transcoders, stats.transcoders_refused) == (1, 1)
        assert stats.pictures_converted > 0

        await ann.say("leave_room")
        await until(lambda: relay.engine.stats().transcoders == 0)
        await asyncio.gather(first.close(), second.close())
    assert relay.engine.stats().routes == 0
