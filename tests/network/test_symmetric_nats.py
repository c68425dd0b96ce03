"""Where two browsers can't reach each other at all, both reach the relay."""

import asyncio
import sys
from pathlib import Path

from playwright.async_api import Page

from tests.kit.browsers import Person
from tests.network.conftest import ENGINE, Connect, Tell
from tests.network.internet import SERVER
from tests.network.people import ann_and_bob, meet, path
from tests.network.processes import running, serving

URL = f"http://{SERVER}:8080/"
STUN = f"stun:{SERVER}:3478"
STUN_SERVER = (sys.executable, "-m", "tests.network.stun", SERVER, "3478")

GIVE_UP = 8.0
"""Seconds; where it works at all it takes one."""

OPEN = """async (stun) => {
  window.direct = new window.PlainConnection({ iceServers: [{ urls: stun }] });
  window.direct.createDataChannel('x');
}"""
DESCRIBE = """async (remote) => {
  if (remote) await window.direct.setRemoteDescription(remote);
  await window.direct.setLocalDescription();
  await new Promise((done) => {
    const look = () => window.direct.iceGatheringState === 'complete' && done();
    window.direct.addEventListener('icegatheringstatechange', look);
    look();
  });
  return window.direct.localDescription.toJSON();
}"""
ACCEPT = "(remote) => window.direct.setRemoteDescription(remote)"
CONNECTED = "() => window.direct.connectionState === 'connected'"


async def connects_directly(one: Page, other: Page) -> bool:
    """Whether plain peer-to-peer, with a STUN server, gets through."""
    for page in (one, other):
        await page.evaluate(OPEN, STUN)
    offer = await one.evaluate(DESCRIBE)
    assert "srflx" in offer["sdp"], "the STUN server was not reached"
    await one.evaluate(ACCEPT, await other.evaluate(DESCRIBE, offer))
    deadline = asyncio.get_running_loop().time() + GIVE_UP
    while asyncio.get_running_loop().time() < deadline:
        if await one.evaluate(CONNECTED):
            return True
        await asyncio.sleep(0.1)
    return False


async def test_behind_ordinary_nats_browsers_reach_each_other(connect: Connect, tmp_path: Path) -> None:
    """The control: it is the kind of NAT that the next test is about."""
    internet = connect(ipv6=False)
    async with (
        running(internet, "server", *STUN_SERVER, ready="listening"),
        serving(internet, **ENGINE),
        ann_and_bob(internet, URL, tmp_path) as (ann, bob),
    ):
        assert await connects_directly(ann.page, bob.page)


async def test_behind_symmetric_nats_they_do_not_and_meet_through_the_relay(
    connect: Connect, tmp_path: Path, tell: Tell
) -> None:
    internet = connect(ipv6=False, symmetric=True)
    async with (
        running(internet, "server", *STUN_SERVER, ready="listening"),
        serving(internet, **ENGINE) as server,
        ann_and_bob(internet, URL, tmp_path) as people,
    ):
        ann, bob = people
        assert not await connects_directly(ann.page, bob.page)
        tell("Symmetric NATs", await meet(ann, bob))
        await server.has_paths({"udp": 2})
        for person in people:
            await _goes_to_the_relay_over_udp(person)


async def _goes_to_the_relay_over_udp(person: Person) -> None:
    selected = await path(person)
    assert (selected["protocol"], selected["remote"], selected["port"]) == ("udp", SERVER, 8080)
