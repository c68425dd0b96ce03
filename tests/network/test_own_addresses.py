"""The server's own addresses come late, change, and are many: it tells those that lead to it now, the best first."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median

from playwright.async_api import async_playwright

from tests.network.conftest import ENGINE, Connect, Report
from tests.network.internet import SERVER, Internet
from tests.network.people import CONNECT_TIMEOUT, CONNECTED, ann_and_bob, at_home, meet, path
from tests.network.processes import Server, running, serving

PORT = 8080
ROUTER = "203.0.113.1"
LATER, LAST = "203.0.113.77", "203.0.113.78"

FOLLOWS = 3.0
"""Seconds after a change until offers are answered by it."""
MOVES_WITHIN = 4.0
"""Seconds until media goes to the server's new address."""
STEADY_SECONDS = 3.0
"""How long a call has gone on when the next change comes."""

DEAD = 9
CONNECT_BAR = 150
"""Milliseconds from the offer until the connection is up, with so many addresses that lead nowhere."""
REPEATS = int(os.environ.get("NETWORK_REPEATS", "5"))


async def told(internet: Internet, person: str, address: str) -> list[str]:
    """What the answer names to somebody who asks at this address: `udp ADDRESS` and `tcp ADDRESS`."""
    command = internet.inside(person, sys.executable, "-m", "tests.network.candidates", f"http://{address}:{PORT}/")
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    assert process.returncode == 0
    return [line.rpartition(" ")[0] for line in output.decode().splitlines()]


def over_both(*addresses: str) -> list[str]:
    return [f"{protocol} {address}" for protocol in ("udp", "tcp") for address in addresses]


def take_away(internet: Internet, *addresses: str) -> None:
    internet.order("server", *(f"addr del {address}/24 dev eth0" for address in addresses))


def give(internet: Internet, address: str) -> None:
    internet.order("server", f"addr add {address}/24 dev eth0", f"route replace default via {ROUTER} src {address}")


def crowd(internet: Internet) -> None:
    """Two hundred addresses more, and some that are nobody's business: of a bridge of containers, one that is given up,
    and one of an interface that is down."""
    internet.order(
        "server",
        "link add many type veth peer name most",
        "link set many up",
        "link set most up",
        *(f"addr add 10.0.{number}.1/24 dev many" for number in range(200)),
        "link add docker0 type bridge",
        "link add veth1 type veth peer name veth2",
        "link set veth2 master docker0",
        *(f"link set {device} up" for device in ("veth1", "veth2", "docker0")),
        "addr add 172.17.0.1/16 dev docker0",
        "addr add 198.18.0.1/24 dev many preferred_lft 0",
        "link add away type bridge",
        "addr add 198.18.1.1/24 dev away",
    )


async def test_the_network_comes_after_the_server(connect: Connect, report: Report) -> None:
    internet = connect(ipv6=False)
    take_away(internet, SERVER)
    async with serving(internet, **ENGINE) as server:
        await server.program.has_said("only_loopback")
        give(internet, SERVER)
        began = time.monotonic()
        while await told(internet, "ann", SERVER) != over_both(SERVER):
            assert time.monotonic() - began < FOLLOWS
        report(f"A network that came late is told of after {time.monotonic() - began:.1f} s")
        await server.program.has_said("addresses_changed")
        (changed,) = (line for line in server.program.lines if "addresses_changed" in line)
        assert SERVER in changed
        assert sum("only_loopback" in line for line in server.program.lines) == 1


async def test_addresses_change_and_are_two_hundred(connect: Connect, report: Report) -> None:
    internet = connect(ipv6=False)
    async with serving(internet, **ENGINE):
        assert await told(internet, "ann", SERVER) == over_both(SERVER)
        take_away(internet, SERVER)
        give(internet, LATER)
        await asyncio.sleep(FOLLOWS)
        assert await told(internet, "ann", LATER) == over_both(LATER)
        crowd(internet)
        await asyncio.sleep(FOLLOWS)
        some = await told(internet, "ann", LATER)
        report(f"Of 204 addresses {len(some) // 2} are told: {' '.join(some[:3])} ...")
        assert some[0] == f"udp {LATER}"
        assert len(some) == 16
        assert all(line.split()[1].startswith(("203.0.113.", "10.0.")) for line in some)


async def test_what_is_not_listened_on_is_not_told(connect: Connect) -> None:
    internet = connect()
    give(internet, LATER)
    async with serving(internet, bind=LATER, **ENGINE):
        assert await told(internet, "ann", LATER) == over_both(LATER)


@asynccontextmanager
async def behind_a_proxy(internet: Internet, folder: Path, **settings: str) -> AsyncIterator[Server]:
    """Pages and WebSockets come through another machine, `ROUTER`, which finds the server wherever it is."""
    way = str(folder / "way")
    command = (sys.executable, "-m", "tests.network.forwarder")
    async with (
        serving(internet, hosts=ROUTER, **settings) as server,
        running(internet, "server", *command, way, f"127.0.0.1:{PORT}", ready="listening"),
        running(internet, "backbone", *command, f"{ROUTER}:{PORT}", way, ready="listening"),
    ):
        yield server


async def test_a_call_goes_on_through_each_change(connect: Connect, tmp_path: Path, report: Report) -> None:
    internet = connect(ipv6=False)
    take_away(internet, SERVER)
    async with behind_a_proxy(internet, tmp_path, **ENGINE) as server:
        give(internet, SERVER)
        async with ann_and_bob(internet, f"http://{ROUTER}:{PORT}/", tmp_path) as people:
            await meet(*people)
            for person in people:
                assert (await path(person))["remote"] == SERVER
            for old, new in ((SERVER, LATER), (LATER, LAST)):
                await asyncio.sleep(STEADY_SECONDS)
                take_away(internet, old)
                give(internet, new)
                began = time.monotonic()
                for person in people:
                    while (await path(person))["remote"] != new:
                        assert time.monotonic() - began < MOVES_WITHIN
                        await asyncio.sleep(0.05)
                report(f"From {old} to {new}: the call goes on after {time.monotonic() - began:.1f} s")
                await asyncio.gather(*(person.sees_movement() for person in people))
            crowd(internet)
            await asyncio.sleep(FOLLOWS)
            for person in people:
                assert (await path(person))["remote"] == LAST
                await person.sees_movement()
            assert (await server.stats())["rooms"] == 1


async def test_addresses_that_lead_nowhere_cost_no_time(connect: Connect, tmp_path: Path, report: Report) -> None:
    internet = connect(ipv6=False)
    take_away(internet, SERVER)
    internet.order("server", *(f"addr add 198.18.{number}.1/32 dev eth0" for number in range(DEAD)))
    give(internet, SERVER)
    url = f"http://{SERVER}:{PORT}/"
    async with serving(internet, **ENGINE), async_playwright() as playwright:
        taken = []
        for attempt in range(REPEATS):
            folder = tmp_path / str(attempt)
            folder.mkdir()
            async with at_home(playwright, internet, "ann", "red", url, folder, ()) as ann:
                await ann.page.wait_for_function(CONNECTED, timeout=CONNECT_TIMEOUT)
                marks = await ann.page.evaluate("window.marks")
                taken.append(marks["connected"] - marks["offer"])
        report(f"{DEAD} dead addresses: connected after {' '.join(f'{each:.0f}' for each in taken)} ms")
        assert median(taken) <= CONNECT_BAR
