"""Calls of more than ten minutes through a proxy that insists on TLS and ends what says nothing for a minute.

TURN's allocations and channels last ten minutes, and its permissions five (RFC 8656 sections 7, 9 and 12): what a
browser does not keep up ends within the call.
"""

import asyncio
import os
from pathlib import Path

import pytest
from playwright.async_api import async_playwright

from tests.kit.browsers import WATCH_FRAMES, Person, meet
from tests.network.conftest import Connect, Report
from tests.network.couples import ANN, BOB, meet_firefox, sees_change
from tests.network.firefox import FirefoxPerson, at_firefox
from tests.network.people import CONNECT_TIMEOUT, CONNECTED, another, at_home, path
from tests.network.processes import serving
from tests.network.ways import FIREFOX_THROUGH_PROXY, NAMED, THROUGH_PROXY, proxies

CALL = float(os.environ.get("NETWORK_CALL", "660"))
"""Seconds."""
IDLE = 60
"""Seconds."""

LASTED = "() => !('disconnected' in window.marks || 'failed' in window.marks)"
LONGEST_GAP = "() => Math.max(...window.frames.slice(1).map((at, index) => at - window.frames[index]))"
GAP = 5_000
"""Milliseconds for which a picture may stand still on a machine that has other things to do."""


@pytest.mark.slow
async def test_calls_outlast_a_proxy_that_ends_what_is_silent(
    connect: Connect, certificate: dict[str, str], tmp_path: Path, report: Report
) -> None:
    """Two are there to write, and write nothing; two see each other; two, one of them at Firefox, are muted with their
    cameras off."""
    internet = connect(ipv6=False)
    through_ann, through_bob = ([flag.format(router=home.router) for flag in THROUGH_PROXY] for home in (ANN, BOB))
    async with (
        proxies(internet, "--tls", f"--idle={IDLE}") as through,
        serving(internet, port="443", **certificate) as server,
        async_playwright() as playwright,
        at_home(playwright, internet, "ann", "red", NAMED, tmp_path, through_ann) as ann,
        at_home(playwright, internet, "bob", "blue", NAMED, tmp_path, through_bob) as bob,
        at_firefox(internet, "ann", NAMED, tmp_path, FIREFOX_THROUGH_PROXY) as quiet_ann,
    ):
        writers = await another(ann, NAMED), await another(bob, NAMED)
        quiet_bob = await another(bob, NAMED)
        await write_only(*writers)
        await meet(*writers)
        await connected(ann, bob)
        await meet(ann, bob)
        await meet_firefox(quiet_ann, quiet_bob)
        await fall_silent(quiet_ann, quiet_bob)
        for person in (ann, bob):
            await person.page.evaluate(WATCH_FRAMES)
        seen = [await path(ann), await path(bob), await quiet_ann.path(), await path(quiet_bob)]
        assert [each["relay"] for each in seen] == ["tls"] * 4
        before = (await server.stats())["paths"]
        assert set(before) == {"turn_tls"}

        await asyncio.sleep(CALL)

        gaps = [await person.page.evaluate(LONGEST_GAP) for person in (ann, bob)]
        ended = [line for program in through for line in program.lines if line.startswith("idle")]
        report(
            f"A call of {CALL:.0f} s over TURN/TLS through a proxy that ends what says nothing for {IDLE} s: longest"
            f" without a frame {' and '.join(f'{each:.0f}' for each in gaps)} ms; it ended {len(ended)} connections"
        )
        for person in (ann, bob, quiet_bob):
            assert await person.page.evaluate(LASTED)
        assert await quiet_ann.evaluate(LASTED)
        assert max(gaps) < GAP
        assert (await server.stats())["paths"] == before, "somebody had to connect anew"
        assert ended, "the proxy had nothing to end, and proves nothing"

        await asyncio.gather(ann.sees_movement(), bob.sees_movement())
        await quiet_bob.button("Turn camera on").click()
        await quiet_ann.press("Turn camera on")
        await asyncio.gather(quiet_ann.sees("blue"), sees_change(quiet_bob))
        for one, other in (writers, writers[::-1]):
            await one.write(f"Are you still there, {other.colour}?")
            await other.chat.get_by_text(f"Are you still there, {other.colour}?").wait_for()


async def write_only(*people: Person) -> None:
    for person in people:
        await person.page.get_by_role("radio", name="Text only").check()


async def connected(*people: Person) -> None:
    for person in people:
        await person.page.wait_for_function(CONNECTED, timeout=CONNECT_TIMEOUT)


async def fall_silent(ann: FirefoxPerson, bob: Person) -> None:
    for button in ("Mute microphone", "Turn camera off"):
        await ann.press(button)
        await bob.button(button).click()
