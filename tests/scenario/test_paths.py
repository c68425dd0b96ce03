"""The path of each call in the statistics: what the browser says, checked against what the server sees."""

import asyncio

import pytest

from relay.app import Relay
from tests.kit.people import MediaVisitor, Visitor, until, visit


@pytest.mark.usefixtures("loopback_candidates")
async def test_the_path_of_a_call_is_what_the_browser_says_if_we_see_it_too(relay: Relay) -> None:
    async with visit(relay.port) as ann, visit(relay.port) as bob:
        people = [MediaVisitor(ann, 60), MediaVisitor(bob, 200)]
        await asyncio.gather(*(person.connect() for person in people))
        await until(lambda: sum(relay.stats().paths.values()) == 2)
        await ann.say("media_path", type="host", protocol="udp")
        await bob.say("media_path", type="host", protocol="tcp")
        await until(lambda: relay.stats().paths == {"udp": 1, "disputed": 1})
        await asyncio.gather(*(person.close() for person in people))
    await until(lambda: relay.stats().media_connections == 0)
    assert relay.stats().paths == {"udp": 1, "disputed": 1}


async def test_a_claim_without_a_connection_is_ignored(relay: Relay) -> None:
    async with visit(relay.port) as ann:
        await ann.say("media_path", type="relay", protocol="udp", relay_protocol="tls")
        await _settled(ann)
        assert relay.stats().paths == {}


async def _settled(visitor: Visitor) -> None:
    """Wait until everything said before was heard."""
    await visitor.say("find_partner")
    await visitor.hear("waiting_for_partner")
