"""Two stock aiortc peers see and hear each other through a real server on loopback."""

import asyncio

import numpy as np
import pytest
from av import AudioFrame, VideoFrame

from relay.app import Relay
from relay.protocol.messages import Role
from tests.scenario.visitor import PATIENCE, MediaVisitor, visit


async def brightness(viewer: MediaVisitor, expected: int) -> None:
    """Wait until the partner's picture has about this brightness."""
    track = viewer.received(Role.PARTNER_CAMERA)
    async with asyncio.timeout(PATIENCE):
        while True:
            frame = await track.recv()
            assert isinstance(frame, VideoFrame)
            if abs(float(np.mean(frame.to_ndarray(format="gray"))) - expected) < 20:
                return


async def loudness(listener: MediaVisitor) -> None:
    """Wait until the partner's sound is loud."""
    track = listener.received(Role.PARTNER_MICROPHONE)
    async with asyncio.timeout(PATIENCE):
        while True:
            frame = await track.recv()
            assert isinstance(frame, AudioFrame)
            if np.abs(frame.to_ndarray().astype(np.int32)).mean() > 3_000:
                return


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
