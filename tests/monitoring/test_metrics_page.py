"""Prometheus's own tool finds nothing wrong with `/metrics`, while people talk as well. Needs promtool."""

import asyncio
import re
import subprocess

import aiohttp
import pytest

from relay.app import Relay
from relay.config.settings import EngineChoice, Settings
from relay.media.engine import links
from tests.kit.people import MediaVisitor, introduce, until, visit
from tests.kit.prometheus import page
from tests.kit.servers import on_loopback

TOKEN = "a token of Prometheus"


def complaints(text: str) -> str:
    """What promtool has to say of such a page."""
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert checked.returncode == 0 or checked.stderr, checked
    return checked.stderr


def test_everything_that_is_ever_shown_is_as_prometheus_wants_it() -> None:
    assert complaints(page()) == ""


class TestWhileTwoPeopleTalk:
    @pytest.fixture
    def settings(self, engine: EngineChoice) -> Settings:
        return on_loopback(
            engine=engine,
            metrics_token=TOKEN,
            max_cpu=1.0,
            max_lag=60.0,
        )

    @pytest.mark.usefixtures("loopback_candidates")
    async def test_it_is_so_too_and_their_links_are_on_it(self, relay: Relay, engine: EngineChoice) -> None:
        port = relay.port
        async with visit(port) as ann, visit(port) as bob:
            people = [MediaVisitor(ann, 60), MediaVisitor(bob, 200)]
            for person in people:
                await person.connect()
            await introduce(ann, bob)
            if engine is EngineChoice.PACKETS:
                await until(lambda: len(links(relay.engine.peer_stats().values()).round_trips) == 2)
                await until(lambda: relay._survey.round_trip.count >= 2)
            text = await _read(port)
            await asyncio.gather(*(person.close() for person in people))
        assert complaints(text) == ""
        if engine is EngineChoice.PACKETS:
            assert re.search(r"^relay_link_round_trip_seconds_count [1-9]", text, re.MULTILINE)
            assert re.search(r'^relay_link_loss_ratio_count{direction="out"} [1-9]', text, re.MULTILINE)


async def _read(port: int) -> str:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with aiohttp.ClientSession() as prometheus:
        answer = await prometheus.get(f"http://127.0.0.1:{port}/metrics", headers=headers)
        return await answer.text()
