"""Calls under a flood, in figures: `measure.py` asks for more, and of every class."""

import asyncio
from pathlib import Path

import pytest

from relay.config.settings import EngineChoice
from tests.bench.attack.attackers import Attack, attackers, strange_attacks
from tests.bench.attack.audience import Audience, Crowd, Seen, browsers_over_tcp
from tests.bench.attack.besieged import Besieged, besieged
from tests.kit import generator

pytestmark = pytest.mark.alone

PEOPLE = 8
SECONDS = 3.0
DATAGRAMS = 20_000
CONNECTIONS = 200

LARGEST_GROWTH = 60 << 20
"""Bytes, people and their connections included."""
MOST_LINES = 300
"""Of the log; 60,000 datagrams and 600 connections must not be as many lines."""
LOST = 0.02
"""Fraction: what a machine that does everything at once may lose without any attack."""
FROZEN = 2.0
"""Seconds: likewise."""


def flood(*, over_tcp: bool) -> Attack:
    """Everything that a stranger can send."""
    of_this_kind = [attack for attack in strange_attacks() if attack.over_tcp == over_tcp]
    return Attack("all", tuple(content for attack in of_this_kind for content in attack.contents), over_tcp=over_tcp)


async def under(attack: Attack, server: Besieged, audience: Audience) -> Seen:
    """What the audience sees; the server's books must stay thin meanwhile."""
    rate = CONNECTIONS if attack.over_tcp else DATAGRAMS
    with attackers([attack], server.port, SECONDS, rate) as running:
        before = await asyncio.to_thread(server.books)
        seen = await audience.watch(SECONDS, running[0].begin)
        after = await asyncio.to_thread(server.books)
        assert await asyncio.to_thread(running[0].rate) > rate / 10
    assert after.resident - before.resident < LARGEST_GROWTH
    assert after.log_lines - before.log_lines < MOST_LINES
    assert "Traceback" not in server.log()
    return seen


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("over_tcp", [False, True], ids=["UDP", "TCP"])
async def test_a_crowd_loses_nothing_while_strangers_flood_the_port(
    tmp_path: Path, over_tcp: bool, transport: str
) -> None:
    await asyncio.to_thread(generator.build)
    async with besieged(EngineChoice.PACKETS, tmp_path, PEOPLE) as server:
        people = Crowd(server.port, "--transport", transport, people=PEOPLE)
        seen = await under(flood(over_tcp=over_tcp), server, people)
    assert seen.loss is not None
    assert seen.loss < LOST


async def test_browsers_over_tcp_see_each_other_while_strangers_flood_the_port(tmp_path: Path) -> None:
    async with (
        besieged(EngineChoice.PACKETS, tmp_path, PEOPLE) as server,
        browsers_over_tcp(server, tmp_path) as audience,
    ):
        assert await audience.protocols() == {"tcp"}
        seen = await under(flood(over_tcp=False), server, audience)
    assert seen.pictures is not None
    assert seen.pictures > 5
    assert seen.gap is not None
    assert seen.gap < FROZEN
