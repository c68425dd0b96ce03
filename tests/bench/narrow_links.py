"""How a sender follows a link that becomes narrow and wide again: `make measure-narrow`.

Real Chromium, each behind an emulated link of its own; one direction takes 400 kbit/s for a while.
"""

import argparse
import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from statistics import mean

from playwright.async_api import async_playwright

from tests.bench.bad_links import WATCHED, WAY, WINDOW, busy_scene
from tests.bench.link import AccessLinks, Conditions, Link, access_links
from tests.kit.browsers import EXPOSE, Person, at_the_page, meet
from tests.kit.cameras import camera
from tests.kit.ports import free_port
from tests.kit.servers import serving

FULL = 1_000_000
"""Bits per second that a sender may send; the scene takes more."""
RATE = 400_000
"""Of the narrow link."""
WIDE = Conditions(delay=WAY)
NARROW = Conditions(delay=WAY, rate=RATE, queue=0.2)

BEFORE, DURING, AFTER = 12, 20, 20
"""Seconds; the last are those within which the sender is to be back."""
SETTLING = 5
"""Seconds after the cut that do not count."""
LATEST = 3
"""Seconds by which a rate is judged."""
RESTORED = 0.8
"""Of what the sender was at: then it is back."""

SELECTED = """async () => {
  const reports = await window.connection.getStats();
  const transport = [...reports.values()].find(({ type }) => type === 'transport');
  const local = reports.get(reports.get(transport.selectedCandidatePairId).localCandidateId);
  return [local.protocol, local.relatedPort ?? local.port];
}"""
"""The protocol and the port of one's own socket; the link is like a NAT that gives it another one."""


class Where(StrEnum):
    """Which direction becomes narrow."""

    DOWN = "the partner's downlink"
    UP = "the sender's uplink"


@dataclass(frozen=True, slots=True)
class Second:
    """Of the sender's way to the partner."""

    sent: float
    """kbit/s that the narrow link was given, with headers, sound and repeats."""
    lost: float
    """Of those packets, the share that found its queue full."""
    fps: float
    frozen: float
    """Seconds."""
    width: float


@dataclass(frozen=True, slots=True)
class Followed:
    """What came of it, second by second."""

    before: list[Second]
    during: list[Second]
    after: list[Second]

    @property
    def settled(self) -> list[Second]:
        return self.during[SETTLING:]

    @property
    def is_back(self) -> bool:
        return bool(self.after) and rate(self.after[-LATEST:]) > RESTORED * rate(self.before[-LATEST:])


def rate(seconds: Sequence[Second]) -> float:
    return mean(second.sent for second in seconds)


@asynccontextmanager
async def behind_links(folder: Path, colours: tuple[str, ...]) -> AsyncIterator[tuple[AccessLinks, list[Person]]]:
    """People at the page. Their media goes over their links or nowhere.

    Only the first one's picture takes a megabit, and windows are small: what two cores show by software is not much.
    """
    port, outside = free_port(), free_port()
    async with (
        access_links(outside, ("127.0.0.1", port), WIDE, WIDE, 1) as links,
        serving(
            port=str(port),
            public_udp_port=str(outside),
            public_tcp_port=str(free_port()),
            max_bitrate=str(FULL),
        ) as served,
        async_playwright() as playwright,
        AsyncExitStack() as stack,
    ):
        people: list[Person] = []
        for colour in colours:
            scene = camera if people else busy_scene
            page = at_the_page(playwright, colour, served.url, folder, WINDOW, script=EXPOSE, scene=scene)
            people.append(await stack.enter_async_context(page))
        yield links, people


async def own_links(person: Person, links: AccessLinks) -> tuple[Link, Link]:
    """Up and down of somebody who is connected, or about to be: two may be paired before."""
    await person.page.wait_for_function("() => window.connection?.connectionState === 'connected'")
    protocol, port = await person.page.evaluate(SELECTED)
    assert protocol == "udp", f"media goes over {protocol}"
    return links.of(port)


async def watch(partner: Person, link: Link, seconds: int) -> list[Second]:
    """What the link is given and the partner sees."""
    clock = asyncio.get_running_loop().time
    watched = []
    at, given, full, seen = clock(), link.given, link.packets, await partner.page.evaluate(WATCHED)
    for _ in range(seconds):
        await asyncio.sleep(max(0.0, at + 1 - clock()))
        elapsed, at = clock() - at, clock()
        before, seen = seen, await partner.page.evaluate(WATCHED)
        (passed, overflowed), full = (now - then for now, then in zip(link.packets, full, strict=True)), link.packets
        sent, given = link.given - given, link.given
        watched.append(
            Second(
                sent=8 * sent / 1_000 / elapsed,
                lost=overflowed / max(1, passed + overflowed),
                fps=(seen[0] - before[0]) / elapsed,
                frozen=seen[1] - before[1],
                width=seen[7],
            )
        )
    return watched


async def follow(where: Where, folder: Path, after: int = AFTER) -> Followed:
    """Two talk while one direction is wide, narrow, and then wide until the sender is back, `after` seconds at most."""
    async with behind_links(folder, ("red", "blue")) as (links, (sender, partner)):
        await meet(sender, partner)
        up, _ = await own_links(sender, links)
        _, down = await own_links(partner, links)
        link = up if where is Where.UP else down
        before = await watch(partner, link, BEFORE)
        link.conditions = NARROW
        during = await watch(partner, link, DURING)
        link.conditions = WIDE
        followed = Followed(before, during, [])
        while len(followed.after) + LATEST <= after and not followed.is_back:
            followed.after.extend(await watch(partner, link, LATEST))
        return followed


async def meet_after_a_thin_partner(folder: Path, seconds: int) -> list[Second]:
    """What the next partner is sent in the first seconds by somebody whose last partner's link was narrow."""
    async with behind_links(folder, ("red", "blue", "green")) as (links, (sender, thin, third)):
        await meet(sender, thin)
        up, _ = await own_links(sender, links)
        _, down = await own_links(thin, links)
        await watch(thin, up, BEFORE)
        down.conditions = NARROW
        narrow = await watch(thin, up, DURING)
        assert rate(narrow[-LATEST:]) < RATE / 1_000, "the sender was not held down"
        await third.start()
        await third.is_told("Looking for a partner")
        await sender.button("Next").click()
        await third.is_told("You are talking")
        return await watch(third, up, seconds)


def show(label: str, seconds: list[Second]) -> None:
    print(f"{label}: {rate(seconds):.0f} kbit/s")
    for second in seconds:
        print(
            f"  sent {second.sent:5.0f} kbit/s, {100 * second.lost:4.1f} % lost, {second.fps:4.1f} fps,"
            f" {second.frozen:.1f} s frozen, {second.width:.0f} wide",
            flush=True,
        )


async def measure(wheres: Sequence[Where]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for where in wheres:
            followed = await follow(where, Path(folder))
            print(f"{where} is cut to {RATE // 1_000} kbit/s")
            show("before", followed.before)
            show("during", followed.during)
            show("back" if followed.is_back else "not back", followed.after)
        show("the next partner", await meet_after_a_thin_partner(Path(folder), SETTLING))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("where", nargs="*", metavar="down|up", default=[])
    chosen = [Where[where.upper()] for where in parser.parse_args().where]
    asyncio.run(measure(chosen or list(Where)))


if __name__ == "__main__":
    main()
