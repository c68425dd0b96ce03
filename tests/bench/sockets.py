"""Ten thousand visitors who do nothing: what they cost, and how soon a newcomer is paired among them.

`make bench-sockets` runs a server in a process of its own and prints its memory and CPU. The
visitors connect from many loopback addresses, as ports of one address would run out.
"""

import argparse
import asyncio
import json
import resource
import statistics
import sys
import time
from contextlib import AsyncExitStack
from http import HTTPStatus

import aiohttp

from relay.config.settings import EngineChoice
from relay.tasks import Tasks
from tests.bench.servers import OFTEN, RATES
from tests.kit.servers import serving

BATCH = 20
"""Visitors who come at once: an address may have 32 connections that have said nothing yet."""
NEWCOMERS = 20
SPARE = 250
"""Descriptors beside theirs."""
PER_ADDRESS = 5_000
COME_AGAIN = 1.0
"""Seconds."""


async def visit(client: aiohttp.ClientSession, url: str) -> aiohttp.ClientWebSocketResponse:
    while True:
        try:
            socket = await client.ws_connect(f"{url}/ws")
        except aiohttp.WSServerHandshakeError as refusal:
            if refusal.status != HTTPStatus.TOO_MANY_REQUESTS:
                raise
            # Where others have the server's core it may not be their turn for seconds: they come again.
            await asyncio.sleep(COME_AGAIN)
        else:
            assert (await socket.receive_json())["event"] == "connected"
            return socket


async def pair(client: aiohttp.ClientSession, url: str) -> float:
    """Milliseconds from a newcomer's search to their partner, when another one waits."""
    waiting, newcomer = await visit(client, url), await visit(client, url)
    await waiting.send_json({"event": "find_partner"})
    assert (await waiting.receive_json())["event"] == "waiting_for_partner"
    began = time.perf_counter()
    await newcomer.send_json({"event": "find_partner"})
    assert (await newcomer.receive_json())["event"] == "partner_found"
    took = 1_000 * (time.perf_counter() - began)
    await newcomer.close()
    await waiting.close()
    return took


async def measure(people: int, seconds: float) -> dict[str, float]:
    settings = {
        "max_people": str(people + 2 * NEWCOMERS),
        "max_per_address": str(PER_ADDRESS),
        "max_cpu_per_address": "1",
        # What it costs is asked, not when a server that shares its cores with this takes nobody else.
        "max_cpu": "1",
        "max_lag": "60",
        "log_level": "warning",
        **dict.fromkeys(RATES, OFTEN),
    }
    async with (
        serving(EngineChoice.PACKETS, log=None, **settings) as server,
        AsyncExitStack() as stack,
    ):
        url = f"http://127.0.0.1:{server.port}"
        clients: list[aiohttp.ClientSession] = []
        listeners = Tasks("listeners", lambda task, failure: print(f"{task}: {failure!r}", file=sys.stderr))
        empty = server.resident()
        began, cpu = time.perf_counter(), server.cpu_seconds()
        for number in range(-(-people // PER_ADDRESS)):
            connector = aiohttp.TCPConnector(limit=0, local_addr=(f"127.0.1.{number + 1}", 0))
            clients.append(await stack.enter_async_context(aiohttp.ClientSession(connector=connector)))
        came = 0
        while came < people:
            client = clients[came // PER_ADDRESS]
            batch = min(BATCH, people - came)
            sockets = await asyncio.gather(*(visit(client, url) for _ in range(batch)))
            # Everyone listens, so that pings are answered, as in a browser: the first while others still come.
            for socket in sockets:
                listeners.start("listen", socket.receive())
            came += batch
        joined = time.perf_counter() - began
        join_cpu = server.cpu_seconds() - cpu
        full = server.resident()
        began, cpu = time.perf_counter(), server.cpu_seconds()
        await asyncio.sleep(seconds)
        idle_percent = 100 * (server.cpu_seconds() - cpu) / (time.perf_counter() - began)
        async with aiohttp.ClientSession() as newcomers:
            waits = [await pair(newcomers, url) for _ in range(NEWCOMERS)]
            async with newcomers.get(f"{url}/videochat/stats") as response:
                present = (await response.json())["people"]
        await listeners.close()
        assert present >= people, f"only {present} of {people} are left"
        return {
            "people": people,
            "mib": round(full / 2**20, 1),
            "kib_per_person": round((full - empty) / 1_024 / people, 1),
            "join_seconds": round(joined, 1),
            "join_cpu_ms": round(1_000 * join_cpu / people, 2),
            "idle_core_percent": round(idle_percent, 1),
            "pair_ms_p50": round(statistics.median(waits), 1),
            "pair_ms_max": round(max(waits), 1),
        }


def allowed(people: int) -> int:
    """How many of them there can be: the server gives half of the descriptors that it may have to WebSockets."""
    needed = 2 * (people + SPARE)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        needed = min(needed, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
    return needed // 2 - SPARE


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=45.0, help="of idling; pings come every 20")
    chosen = parser.parse_args()
    people = allowed(chosen.people)
    if people < chosen.people:
        print(f"bench-sockets: descriptors (`ulimit -Hn`) suffice for {people:,} people", file=sys.stderr)
    print(json.dumps(asyncio.run(measure(people, chosen.seconds)), indent=2))


if __name__ == "__main__":
    main()
