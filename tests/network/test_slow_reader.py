"""A browser on TCP stops reading for ten seconds: the server's memory stays bounded, and the picture comes back."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from relay.config.settings import EngineChoice
from tests.kit.cameras import HEIGHT, WIDTH, camera
from tests.network.conftest import NO_TURN, Connect
from tests.network.internet import SERVER, Internet
from tests.network.people import COLOURS, CONNECT_TIMEOUT, ann_and_bob, meet
from tests.network.processes import serving

URL = f"http://{SERVER}:8080/"
PAUSE = 10.0
LEEWAY = 24 * 1024 * 1024
"""Bytes; what is sent in ten seconds without a bound is not more, but it would stay."""

BAND = range(150, 205)
"""Rows of the picture that nobody looks at."""

NEW_FRAMES = """async (before) => {
  const frames = document.querySelector('video[aria-label="Partner video"]').getVideoPlaybackQuality().totalVideoFrames;
  return frames > before + 10;
}"""
FRAMES = """() =>
  document.querySelector('video[aria-label="Partner video"]').getVideoPlaybackQuality().totalVideoFrames"""


def restless(colour: str, folder: Path) -> None:
    """The camera of this colour with a band of noise, which takes ten times the bits."""
    whole = bytearray(camera(colour, folder).read_bytes())
    at = whole.index(b"FRAME\n")
    while at < len(whole):
        first = at + len(b"FRAME\n") + BAND.start * WIDTH
        whole[first : first + len(BAND) * WIDTH] = os.urandom(len(BAND) * WIDTH)
        at += len(b"FRAME\n") + WIDTH * HEIGHT * 3 // 2
    (folder / f"{colour}-restless.y4m").write_bytes(whole)


@asynccontextmanager
async def frozen(internet: Internet, person: str) -> AsyncIterator[None]:
    """The whole browser stands still for `PAUSE` seconds, and its system goes on acknowledging."""
    processes = internet.processes(person)
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        await asyncio.sleep(PAUSE)
        yield
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)


@pytest.mark.parametrize("engine", list(EngineChoice))
async def test_who_stops_reading_loses_media_and_gets_the_picture_back(
    connect: Connect, tmp_path: Path, engine: EngineChoice
) -> None:
    internet = connect(ipv6=False)
    internet.forbid("udp_blocked")
    internet.shrink_receive_buffers("ann")
    for colour in COLOURS:
        restless(colour, tmp_path)
    flags = [f"--use-file-for-fake-video-capture={tmp_path}/{{colour}}-restless.y4m"]
    settings = {"engine": engine.value, **NO_TURN}
    async with serving(internet, **settings) as server, ann_and_bob(internet, URL, tmp_path, flags) as (ann, bob):
        await meet(ann, bob)
        before = server.program.resident()
        sent = (await server.stats())["packets_received"]
        async with frozen(internet, "ann"):
            during = await server.stats()
            assert during["packets_received"] > sent + 200, "bob goes on sending"
            assert during["media_connections"] == 2
            assert server.program.resident() < before + LEEWAY
        assert await bob.page.evaluate("window.connection.connectionState") == "connected"
        for person in (ann, bob):
            frames = await person.page.evaluate(FRAMES)
            await person.page.wait_for_function(NEW_FRAMES, arg=frames, timeout=CONNECT_TIMEOUT)
        await asyncio.gather(ann.sees(bob.colour), bob.sees(ann.colour))
        drops = (await server.stats())["drops"]
        assert drops.get("tcp_stuck", 0) == 0
        assert drops["tcp_backlog"] > 0, "the pause was too short to fill anything"
