"""The recipes of `docker/proxies`, each with the relay started as it says: everything that a visitor needs comes
through, and media goes its own way."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from relay.checks.finding import Verdict
from relay.checks.probe import probe
from relay.config.settings import EngineChoice
from relay.protocol.messages import Role
from relay.web import visit as visit_module
from relay.web.visit import PING_INTERVAL
from tests.kit.agreeing import answer
from tests.kit.behind import ANN, BOB, BRIEF, MOST, PATIENCE, by_recipe, recipe_settings
from tests.kit.people import MediaVisitor, Visitor, introduce
from tests.kit.proxies import BYTES_RECIPES, FOLDER, FOLDER_RECIPES, PAGE_RECIPES, RECIPES

SHORTEST_TIMEOUT = 60.0
"""Seconds: nginx's and HAProxy's, as the recipes have them. Caddy has none."""


def test_every_recipe_is_run() -> None:
    assert {file.name for file in FOLDER.iterdir()} - {"README.md"} == set(RECIPES)


@pytest.mark.parametrize("recipe", RECIPES)
async def test_the_page_opens_and_so_does_everything_that_a_browser_tries(recipe: str, tmp_path: Path) -> None:
    async with by_recipe(recipe, tmp_path) as place:
        found = await probe(place.url + "/", insecure=True)
        wrong = [finding for finding in found if finding.verdict is Verdict.FAILURE]
        assert wrong == []
        assert {"page", "WebSocket", "media over UDP", "media over TCP"} <= {finding.check for finding in found}
        async with place.somebody(ANN) as session:
            for page in ("", "check", "operator"):
                async with session.get(page) as response:
                    assert response.status == 200
                    named = re.findall(r'(?:src|href)="([^"]+)"', await response.text())
                for address in named:
                    assert await place.status(ANN, address) == 200


@pytest.mark.parametrize("recipe", RECIPES)
async def test_our_page_connects_and_another_does_not(recipe: str, tmp_path: Path) -> None:
    async with by_recipe(recipe, tmp_path) as place, place.somebody(ANN) as session:
        async with session.ws_connect("ws", origin=place.origin, timeout=BRIEF) as visit:
            assert (await visit.receive_json())["event"] == "connected"
        for origin in ("https://evil.example", place.origin.replace("https", "http")):
            with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
                await session.ws_connect("ws", origin=origin)


@pytest.mark.parametrize("lying", [False, True])
@pytest.mark.parametrize("recipe", RECIPES)
async def test_each_visitor_has_limits_of_their_own(
    recipe: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], *, lying: bool
) -> None:
    async with by_recipe(recipe, tmp_path) as place:
        for address in (ANN, BOB):
            assert await place.let_in(address, MOST + 1, lying=lying) == MOST
    # Where bytes are passed on, a visitor's own headers come through, and are remarked on.
    assert ("proxy_" in capsys.readouterr().out) == (lying and recipe in BYTES_RECIPES)


@pytest.mark.parametrize("recipe", [*PAGE_RECIPES, *FOLDER_RECIPES])
async def test_pages_come_by_http_2(recipe: str, tmp_path: Path) -> None:
    async with by_recipe(recipe, tmp_path) as place:
        command = [
            "curl",
            "--silent",
            "--insecure",
            "--output",
            "/dev/null",
            "--write-out",
            "%{http_version} %{http_code}",
        ]
        asked = await asyncio.create_subprocess_exec(
            *command, f"{place.url}/check", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        said, _ = await asked.communicate()
    assert said.decode() == "2 200"


@pytest.mark.usefixtures("loopback_candidates")
@pytest.mark.parametrize("recipe", [*PAGE_RECIPES, *BYTES_RECIPES])
async def test_two_people_talk_and_their_media_goes_past_it(recipe: str, tmp_path: Path, engine: EngineChoice) -> None:
    async with (
        by_recipe(recipe, tmp_path, recipe_settings(recipe, tmp_path).but(engine=engine)) as place,
        place.somebody(ANN) as first,
        place.somebody(BOB) as second,
    ):
        # The cookie comes through as well.
        assert [await answer(session) for session in (first, second)] == [(204, None)] * 2
        async with (
            first.ws_connect("ws", max_msg_size=0) as one,
            second.ws_connect("ws", max_msg_size=0) as other,
        ):
            ann, bob = Visitor(one), Visitor(other)
            await asyncio.gather(ann.hear("connected"), bob.hear("connected"))
            people = [MediaVisitor(ann, 60), MediaVisitor(bob, 200)]
            for person in people:
                await person.connect()
            await introduce(ann, bob)
            async with asyncio.timeout(PATIENCE):
                await asyncio.gather(*(person.received(Role.PARTNER_CAMERA).recv() for person in people))
            settings = place.relay.settings
            assert set(ports(people[0].answer)) == {
                ("udp", settings.network.udp_port),
                ("tcp", settings.network.public_tcp_port or settings.network.tcp_port),
            }
            await asyncio.gather(*(person.close() for person in people))


def ports(answer: str) -> Iterator[tuple[str, int]]:
    """Of the candidates that a browser is told."""
    for protocol, port in re.findall(r"^a=candidate:\S+ \d (\w+) \d+ \S+ (\d+) ", answer, re.MULTILINE):
        yield protocol.lower(), int(port)


def test_pings_are_more_frequent_than_any_recipe_ends_what_is_silent() -> None:
    assert 2 * PING_INTERVAL < SHORTEST_TIMEOUT
    for recipe in RECIPES:
        text = (FOLDER / recipe).read_text()
        written = re.findall(
            r"^ *(?:timeout (?:client|server|tunnel)|proxy_read_timeout) (\d+)s;?$", text, re.MULTILINE
        )
        assert len(written) == (2 if recipe.startswith("haproxy") else 0)
        assert all(float(seconds) >= SHORTEST_TIMEOUT for seconds in written)


SHORT = {
    "nginx.conf": {"location / {": "location / { proxy_read_timeout 2s; proxy_send_timeout 2s;"},
    "haproxy.cfg": {"timeout client 60s": "timeout client 2s", "timeout server 60s": "timeout server 2s"},
    "haproxy-tcp.cfg": {"timeout client 60s": "timeout client 2s", "timeout server 60s": "timeout server 2s"},
}
"""The proxies that end what is silent, and how to make them do so after two seconds."""


@pytest.mark.parametrize("recipe", SHORT)
async def test_who_is_idle_stays_connected_as_long_as_pings_come_in_time(
    recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with by_recipe(recipe, tmp_path, changes=SHORT[recipe]) as place, place.somebody(ANN) as session:
        for interval, stays in ((0.5, True), (PING_INTERVAL, False)):
            monkeypatch.setattr(visit_module, "PING_INTERVAL", interval)
            async with session.ws_connect("ws", timeout=BRIEF) as visit:
                assert await _stays(visit, 5.0) == stays


async def _stays(visit: aiohttp.ClientWebSocketResponse, seconds: float) -> bool:
    """Say nothing, but what the client answers to pings by itself; whether it is still connected after so long."""
    try:
        async with asyncio.timeout(seconds):
            while (await visit.receive()).type is aiohttp.WSMsgType.TEXT:
                pass
    except TimeoutError:
        return True
    return False
