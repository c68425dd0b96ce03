"""Credentials for a TURN server outside stay fresh while a page stays open."""

import asyncio

import msgspec
import pytest

from relay.app import Relay
from relay.config.settings import Settings
from tests.kit.people import visit
from tests.kit.servers import on_loopback

TURN_URL = "turns:192.0.2.1:443?transport=tcp"


@pytest.fixture
def settings() -> Settings:
    return on_loopback(
        turn_urls=(TURN_URL,),
        turn_secret="correct horse",
        turn_lifetime=4,
    )


async def test_turn_credentials_are_renewed_when_they_are_half_used_up(relay: Relay) -> None:
    async with visit(relay.port) as ann:
        began = asyncio.get_running_loop().time()
        greeting = msgspec.json.decode(ann.frames[0])["data"]
        own, first = greeting["ice_servers"]
        same, second = (await ann.hear("ice_servers"))["ice_servers"]
        # Our own end with the session and not before.
        assert same == own
        assert first["urls"] == second["urls"] == [TURN_URL]
        ends, user = first["username"].split(":")
        assert user == greeting["user_id"]
        # After two of four seconds.
        assert 1.5 < asyncio.get_running_loop().time() - began < 3.2
        assert int(second["username"].split(":")[0]) > int(ends)
        assert first["credential"] != second["credential"]
