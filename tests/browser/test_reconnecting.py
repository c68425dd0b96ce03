"""Calls survive a lost WebSocket, a restarted server and a browser that is gone."""

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path

import pytest
from playwright.async_api import Playwright, async_playwright, expect

from tests.browser.looks import look
from tests.browser.wire import wire_to
from tests.kit.browsers import WATCH_FRAMES, Person, at_the_page, meet, see_each_other
from tests.kit.servers import Served, serving

CUT_SECONDS = 3.0


LONGEST_GAP = "() => Math.max(...window.frames.slice(1).map((at, index) => at - window.frames[index]))"
"""Milliseconds between two frames."""

SOCKETS = """() => {
  window.sockets = []; window.peers = 0;
  const Plain = window.WebSocket;
  window.WebSocket = class extends Plain {
    constructor(...given) { super(...given); window.sockets.push(this); window.sent ??= [];
      this.addEventListener('close', (event) => { this.ended = event.code; }); }
    send(frame) { window.sent.push(JSON.parse(frame)); super.send(frame); }
  };
  const Peer = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Peer {
    constructor(...given) { super(...given); window.peers += 1; window.peer = this; }
  };
}"""
"""Keeps what the page sends, its sockets, and its media connections."""


Visit = Callable[[str, str], Awaitable[Person]]


@asynccontextmanager
async def _visitors(folder: Path) -> AsyncIterator[Visit]:
    """Opens pages: `await visit("red", url)`."""
    async with async_playwright() as playwright, AsyncExitStack() as stack:
        yield lambda colour, url: stack.enter_async_context(_page(playwright, colour, url, folder))


@asynccontextmanager
async def _page(playwright: Playwright, colour: str, url: str, folder: Path) -> AsyncIterator[Person]:
    async with at_the_page(playwright, colour, url, folder, script=SOCKETS) as person:
        yield person


async def _events(person: Person) -> list[str]:
    sent: list[dict[str, str]] = await person.page.evaluate("window.sent")
    return [message["event"] for message in sent]


async def _processes(person: Person) -> list[int]:
    """All of the person's browser."""
    browser = person.page.context.browser
    assert browser is not None
    session = await browser.new_browser_cdp_session()
    processes = (await session.send("SystemInfo.getProcessInfo"))["processInfo"]
    # The one that holds the sockets is a utility: it would still say goodbye for a browser that went before it.
    return [process["id"] for process in sorted(processes, key=lambda each: each["type"] != "utility")]


def _signal(processes: list[int], number: signal.Signals) -> None:
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, number)


@contextmanager
def _standing_still(processes: list[int]) -> Iterator[None]:
    """As when the lid of a laptop is closed: sockets stay open, and nobody says a word."""
    _signal(processes, signal.SIGSTOP)
    try:
        yield
    finally:
        _signal(processes, signal.SIGCONT)


async def test_a_cut_websocket_leaves_no_gap_in_the_picture(served: Served, tmp_path: Path) -> None:
    async with wire_to(served.port) as wire, _visitors(tmp_path) as visit:
        red, blue = await asyncio.gather(visit("red", f"http://localhost:{wire.port}/"), visit("blue", served.url))
        await meet(red, blue)
        await see_each_other(red, blue)
        await red.write("before")
        await blue.chat.get_by_text("before").wait_for()
        for person in (red, blue):
            await person.page.evaluate(WATCH_FRAMES)
        offers = (await _events(red)).count("webrtc_offer")

        await wire.cut()
        await asyncio.gather(blue.is_told("Your partner is reconnecting"), red.is_told("Reconnecting"))
        await expect(blue.partner).to_be_visible()
        await red.write("written in the meantime")
        await blue.write("from the other side")
        await expect(red.button("Reconnect now")).to_be_visible()
        await expect(red.partner).to_be_visible()
        await asyncio.sleep(CUT_SECONDS)
        await wire.restore()
        await asyncio.gather(red.is_told("You are talking"), blue.is_told("You are talking"))
        await expect(blue.partner).to_be_visible()

        await blue.chat.get_by_text("written in the meantime").wait_for()
        await red.chat.get_by_text("from the other side").wait_for()
        await red.write("after")
        await blue.chat.get_by_text("after").wait_for()
        await expect(red.chat.get_by_text("Sent")).to_be_visible()
        for person in (red, blue):
            for text in ("before", "written in the meantime", "from the other side", "after"):
                assert await person.chat.get_by_text(text, exact=True).count() == 1, (person.colour, text)
        gaps = {person.colour: await person.page.evaluate(LONGEST_GAP) for person in (red, blue)}
        print("longest gap in the picture, ms:", json.dumps(gaps))
        # Media that stopped with the WebSocket would be gone for the whole cut, and for the way back.
        assert max(gaps.values()) < 1_000 * CUT_SECONDS, gaps
        assert await red.page.evaluate("window.peers") == 1
        assert (await _events(red)).count("webrtc_offer") == offers


@pytest.mark.slow
async def test_a_restarted_server_finds_everybody_talking_again(tmp_path: Path) -> None:
    async with _visitors(tmp_path) as visit:
        async with serving() as served:
            red, blue = await asyncio.gather(visit("red", served.url), visit("blue", served.url))
            await meet(red, blue)
            await see_each_other(red, blue)
        await asyncio.gather(red.is_told("The server is restarting"), blue.is_told("The server is restarting"))
        await red.picture("server_restarting")
        async with serving(port=str(served.port)):
            began = time.monotonic()
            await asyncio.gather(red.is_told("You are talking"), blue.is_told("You are talking"))
            await see_each_other(red, blue)
            took = time.monotonic() - began
            print(f"talking again after {took:.1f} s")
            assert took < 5


@pytest.mark.slow
async def test_after_an_upgrade_four_people_talk_again_within_five_seconds(tmp_path: Path) -> None:
    """With whom is for the new server to say: each who comes back is somebody new to it."""
    async with _visitors(tmp_path) as visit:
        async with serving(drain_timeout="1") as old:
            people = await asyncio.gather(*(visit(colour, old.url) for colour in ("red", "blue", "green", "yellow")))
            for one, other in (people[:2], people[2:]):
                await meet(one, other)
            await asyncio.gather(*(person.sees_movement() for person in people))
            old.process.terminate()
            assert await old.process.wait() == 0
        await asyncio.gather(*(person.is_told("The server is restarting") for person in people))
        async with serving(port=str(old.port)):
            began = time.monotonic()
            await asyncio.gather(*(person.is_told("You are talking") for person in people))
            await asyncio.gather(*(person.sees_movement() for person in people))
            took = time.monotonic() - began
            print(f"four people talk again {took:.1f} s after the new server is up")
            assert took < 5


@pytest.mark.slow
async def test_a_killed_browser_is_not_looked_at_any_more(served: Served, tmp_path: Path) -> None:
    async with _visitors(tmp_path) as visit:
        red, blue = await asyncio.gather(visit("red", served.url), visit("blue", served.url))
        await meet(red, blue)
        await see_each_other(red, blue)
        began = time.monotonic()
        # As when its computer crashes.
        _signal(await _processes(red), signal.SIGKILL)
        await blue.is_told("Your partner is reconnecting")
        await expect(blue.partner).not_to_be_visible()
        took = time.monotonic() - began
        print(f"told of a killed browser after {took:.1f} s")
        assert took < 10
        await look(blue, "partner_reconnecting")


@pytest.mark.slow
async def test_a_browser_that_stands_still_is_not_looked_at_until_it_runs_again(served: Served, tmp_path: Path) -> None:
    async with _visitors(tmp_path) as visit:
        red, blue = await asyncio.gather(visit("red", served.url), visit("blue", served.url))
        await meet(red, blue)
        await see_each_other(red, blue)
        processes = await _processes(red)
        began = time.monotonic()
        with _standing_still(processes):
            await blue.is_told("Your partner is reconnecting")
            took = time.monotonic() - began
            await expect(blue.partner).not_to_be_visible()
        print(f"told of a browser that stands still after {took:.1f} s")
        assert took < 10
        await asyncio.gather(red.is_told("You are talking"), blue.is_told("You are talking"))
        await see_each_other(red, blue)
        await asyncio.gather(red.sees_movement(), blue.sees_movement())
        assert await red.page.evaluate("window.peers") == 1


@pytest.mark.slow
async def test_a_picture_that_stops_is_covered_until_it_goes_on(served: Served, tmp_path: Path) -> None:
    async with _visitors(tmp_path) as visit:
        red, blue = await asyncio.gather(visit("red", served.url), visit("blue", served.url))
        await meet(red, blue)
        await see_each_other(red, blue)
        camera = "window.peer.getSenders().filter(({ track }) => track?.kind === 'video')"
        await red.page.evaluate(f"window.paused = {camera}[0]; window.kept = window.paused.track;")
        await red.page.evaluate("window.paused.replaceTrack(null)")
        await blue.is_told("No picture from your partner right now")
        await expect(blue.partner).not_to_be_visible()
        await look(blue, "partner_frozen")
        await red.page.evaluate("window.paused.replaceTrack(window.kept)")
        await blue.is_told("You are talking")
        await blue.sees("red")


@pytest.mark.alone
async def test_a_network_change_restarts_ice_and_keeps_the_call(served: Served, tmp_path: Path) -> None:
    async with _visitors(tmp_path) as visit:
        red, blue = await asyncio.gather(visit("red", served.url), visit("blue", served.url))
        await meet(red, blue)
        await see_each_other(red, blue)
        for person in (red, blue):
            await person.page.evaluate(WATCH_FRAMES)
        ufrag = "window.peer.localDescription.sdp.match(/a=ice-ufrag:(.*)/)[1]"
        before = await red.page.evaluate(ufrag)
        await red.page.evaluate("window.dispatchEvent(new Event('online'))")
        await red.page.wait_for_function(
            f"(before) => {ufrag} !== before && window.peer.signalingState === 'stable'", arg=before
        )
        await asyncio.gather(red.is_told("You are talking"), blue.is_told("You are talking"))
        assert await red.page.evaluate("window.sockets.length") == 2
        # The server closed the first one when the session went over to the second.
        await red.page.wait_for_function("window.sockets[0].ended === 4001")
        await asyncio.gather(red.sees_movement(), blue.sees_movement())
        gaps = {person.colour: await person.page.evaluate(LONGEST_GAP) for person in (red, blue)}
        print("longest gap in the picture, ms:", json.dumps(gaps))
        assert max(gaps.values()) < 1_000, gaps
        assert await red.page.evaluate("window.peers") == 1
        assert await red.page.evaluate("window.peer.connectionState") == "connected"


@pytest.mark.slow
async def test_a_draining_server_says_so_in_the_call(tmp_path: Path) -> None:
    async with _visitors(tmp_path) as visit, serving(drain_timeout="3") as served:
        red, blue = await asyncio.gather(visit("red", served.url), visit("blue", served.url))
        await meet(red, blue)
        await see_each_other(red, blue)
        served.process.terminate()
        await blue.is_told("This server restarts in up to 3 seconds")
        await look(blue, "server_draining")
        await blue.is_told("The server is restarting")
        assert await served.process.wait() == 0
