"""Past capacity: those inside keep their quality, and newcomers are told at once that the server is full.

`python -m tests.bench.overload` plays people who send more packets than the server is set to carry, lets others knock
meanwhile, and prints what those inside lost and how long the others waited for their refusal.
"""

import argparse
import asyncio
import sys
import time
from typing import NamedTuple

import aiohttp

from tests.bench.soak import serving
from tests.kit import generator
from tests.kit.generator import Report

PEOPLE = 32
PACKETS_PER_PERSON = 160
"""A second, at the generator's defaults."""
CARRIED = 0.8
"""Of what they send, what the server is set to carry."""
SETTLE = 6
"""Seconds until the server has measured it."""
KNOCK_EVERY = 0.02
"""Seconds."""


class Overload(NamedTuple):
    """What came of it."""

    report: Report
    refusals: list[float]
    """Seconds from knocking to the refusal."""
    admitted: int


async def overload(people: int, seconds: float) -> Overload:
    """Play so many people past the server's capacity, for so long."""
    limit = int(people * PACKETS_PER_PERSON * CARRIED)
    async with (
        serving(max_packets=str(limit)) as server,
        aiohttp.ClientSession() as client,
        asyncio.TaskGroup() as group,
    ):
        measuring, loop = asyncio.Event(), asyncio.get_running_loop()

        def on_phase(phase: str, _received: int) -> None:
            if phase == "measuring":
                loop.call_soon_threadsafe(measuring.set)

        options = ("--people", str(people), "--seconds", str(seconds), "--settle", str(SETTLE))
        playing = group.create_task(
            asyncio.to_thread(generator.play, "relay", f"127.0.0.1:{server.port}", *options, on_phase=on_phase)
        )
        refusals: list[float] = []
        admitted = 0
        await measuring.wait()
        ends = loop.time() + seconds
        while loop.time() < ends and not playing.done():
            began = time.monotonic()
            async with client.ws_connect(f"http://127.0.0.1:{server.port}/ws") as socket:
                message = await socket.receive_json()
                if message["event"] == "error" and message["data"]["code"] == "server_full":
                    refusals.append(time.monotonic() - began)
                else:
                    admitted += 1
            await asyncio.sleep(KNOCK_EVERY)
    return Overload(playing.result(), sorted(refusals), admitted)


def main() -> int:
    """Print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--seconds", type=float, default=10)
    chosen = parser.parse_args()
    generator.build()
    result = asyncio.run(overload(chosen.people, chosen.seconds))
    refusals = [1_000 * seconds for seconds in result.refusals]
    report = result.report
    print(f"{chosen.people} inside: loss {100 * (report.loss or 0):.3f} %, {report.failures or 'no failures'}")
    print(
        f"{len(refusals)} refused, p50 {refusals[len(refusals) // 2]:.1f}, max {refusals[-1]:.1f} ms;"
        f" {result.admitted} let in"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
