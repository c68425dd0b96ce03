"""One visit can be followed through the log, from the code that its page shows."""

import json
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from relay.app import Relay
from relay.peer import connection as connection_module
from tests.kit.offers import ROLES, offer
from tests.kit.people import MediaVisitor, Visitor, introduce, until, visit
from tests.kit.ports import free_port
from tests.kit.servers import start


@pytest.fixture(autouse=True)
def _info(caplog: pytest.LogCaptureFixture) -> None:
    """What a server writes that nobody configured otherwise."""
    caplog.set_level(logging.INFO, "relay")


FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@asynccontextmanager
async def with_firefox(port: int) -> AsyncIterator[tuple[Visitor, str]]:
    """A visitor with this browser, and the code on their page."""
    async with (
        aiohttp.ClientSession(headers={"User-Agent": FIREFOX}) as client,
        client.ws_connect(f"http://127.0.0.1:{port}/ws") as socket,
    ):
        visitor = Visitor(socket)
        user = (await visitor.hear("connected"))["user_id"]
        # client/src/ui/support_code.ts
        yield visitor, user[:8]


@pytest.mark.usefixtures("loopback_candidates")
async def test_the_code_finds_browser_path_room_and_end(relay: Relay, capsys: pytest.CaptureFixture[str]) -> None:
    port = relay.port
    async with with_firefox(port) as (ann, code), visit(port) as bob:
        media = MediaVisitor(ann, 60)
        await media.connect()
        await until(lambda: relay.tally.setups_succeeded.total() == 1)
        await introduce(ann, bob)
        await ann.say("leave_room")
        await bob.hear("partner_disconnected")
        await media.close()
    await until(lambda: relay.stats().people == 0)
    followed = [line for line in capsys.readouterr().out.splitlines() if code in line and "debug" not in line]
    events = [line.split("]")[1].split()[0] for line in followed]
    assert events[:4] == ["session_opened", "media_connected", "room_opened", "room_ended"]
    assert events[-1] == "session_closed"
    assert "browser='firefox 140'" in followed[0]
    assert "source=127.0.0.1" in followed[0]
    assert "path=udp" in followed[1]
    assert f"by={code}" in followed[3]
    shown = relay.metrics.render().decode()
    assert 'relay_browser_sessions_opened_total{browser="firefox"} 1.0' in shown
    assert 'relay_browser_setups_total{browser="firefox",outcome="succeeded"} 1.0' in shown


async def test_a_set_up_that_fails_is_found_with_its_browser(
    relay: Relay, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(connection_module, "CHECK_TIMEOUT", 0.05)
    async with with_firefox(relay.port) as (ann, code):
        await ann.say("webrtc_offer", sdp=offer(), lines=ROLES)
        await ann.hear("webrtc_answer")
        await ann.hear("error")
    failed = re.findall(r"media_failed .*", capsys.readouterr().out)
    assert len(failed) == 1
    for part in (code, "reason=no_check", "path=none", "browser='firefox 140'"):
        assert part in failed[0]
    assert 'relay_browser_setups_total{browser="firefox",outcome="failed"} 1.0' in relay.metrics.render().decode()


async def test_at_debug_each_step_of_a_visit_is_a_line(tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    flags = (f"--port={port}", "--bind=127.0.0.1", "--log-level=debug", "--log-format=json")
    with log.open("wb") as errors:
        server = await start(*flags, log=errors)
    try:
        await until(lambda: b'"serving"' in log.read_bytes())
        async with with_firefox(port) as (ann, code):
            await ann.say("webrtc_offer", sdp=offer(), lines=ROLES)
            await ann.hear("webrtc_answer")
            await ann.say("find_partner")
            await ann.hear("waiting_for_partner")
            await ann.say("typing", active=True)
            await ann.hear("error")
    finally:
        server.terminate()
        await server.wait()
    lines: list[dict[str, Any]] = [json.loads(line) for line in log.read_text().splitlines()]
    of_ann = [line["event"] for line in lines if str(line.get("user", "")).startswith(code)]
    assert of_ann[:6] == ["session_opened", "heard", "offer_answered", "heard", "waiting", "heard"]
    assert of_ann[6] == "refused"
    assert any(line["event"] == "connection" and line["kind"] == "http" for line in lines)
