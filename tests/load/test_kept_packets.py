"""What all people's packets may take while they are kept for retransmission."""

import asyncio
import shutil

import pytest

from tests.kit import generator
from tests.kit.servers import LOOPBACK, on_loopback, running

pytestmark = pytest.mark.skipif(shutil.which("cargo") is None, reason="the generator is built with cargo")

LITTLE, BLOCK = 200_000, 8 * 1024
"""Of 8 people's pictures a quarter of what they would need; and in such pieces it is handed out."""


async def test_a_crowd_keeps_what_may_be_kept_and_not_a_block_more() -> None:
    """Everybody has come before the first packet: who came now would be refused."""
    await asyncio.to_thread(generator.build)
    settings = on_loopback(max_cache=LITTLE, max_cpu_per_address=1.0)
    kept: list[int] = []
    async with running(settings) as relay:
        options = ("--people", "8", "--seconds", "3")
        playing = asyncio.create_task(asyncio.to_thread(generator.play, "relay", f"{LOOPBACK}:{relay.port}", *options))
        while not playing.done():
            await asyncio.sleep(0.1)
            kept.append(relay.engine.stats().bytes_kept)
        report, stats = await playing, relay.engine.stats()
    assert (report.failures, report.loss) == ({}, 0)
    assert max(kept) == LITTLE // BLOCK * BLOCK
    # 8 people send 110 packets of a picture a second each.
    assert 0 < stats.packets_unkept <= stats.packets_sent
