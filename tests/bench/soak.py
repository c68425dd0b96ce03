"""Churn: people come, are paired, skip, leave, die, come back and write, from a seed; then nothing of it may be left.

`python -m tests.bench.soak` has 100,000 pairs meet (`make soak`). The server is compared with itself after the first
tenth, when everybody has gone both times.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import aiohttp

from relay.machine.collection import INTERVAL, QUIET
from tests.kit import generator
from tests.kit.generator import Report
from tests.kit.ports import free_port
from tests.kit.servers import Served, start

PAIRINGS = 100_000
PEOPLE = 400
BASELINE = 0.1
"""Of the pairings, after which the server is as it should stay."""
LONGEST = 1_800.0
"""Seconds that a part of it may take."""
QUIET_AGAIN = 60.0
"""Seconds in which the server has to have got rid of everybody: those who died, too."""
GROWTH = 0.05
"""Of memory."""

BEHAVIOUR = {
    "text-only": 7,
    "video-kbps": 60,
    "fps": 5,
    "skip-every": 2.5,
    "leave-every": 20,
    "die-every": 120,
    "reconnect-every": 40,
    "chat-every": 1,
    "resume-every": 15,
    "restart-every": 20,
    "settle": 0.1,
    "join-rate": 100,
}

LIMITLESS = "1000000"
SETTINGS = {
    "bind": "127.0.0.1",
    "public_address": "127.0.0.1",
    "log_level": "error",
    "resume_window": "5",
    "metrics_allow": "127.0.0.1",
    # Neither abuse nor overload is what is tried here.
    **dict.fromkeys(("max_people", "max_per_address"), "100000"),
    **dict.fromkeys(("max_lag", "rate_skip", "rate_chat", "rate_offer", "rate_other"), LIMITLESS),
    **dict.fromkeys(("max_cpu", "max_cpu_per_address"), "1"),
}


class Holdings(NamedTuple):
    """What the server holds."""

    resident: int
    threads: int
    descriptors: int
    sockets: int
    tasks: int


class Soak(NamedTuple):
    """What came of it."""

    before: Holdings
    after: Holdings
    reports: tuple[Report, Report]

    def faults(self) -> list[str]:
        """What should not be."""
        faults = [f"{number} x {reason}" for report in self.reports for reason, number in report.failures.items()]
        for name in ("duplicates", "corrupt", "wrong_person", "undecryptable", "malformed", "unknown_stream"):
            faults += [f"{found} {name}" for report in self.reports if (found := getattr(report, name))]
        if self.after.resident > (1 + GROWTH) * self.before.resident:
            faults.append("memory has grown")
        for name in ("threads", "descriptors", "sockets", "tasks"):
            if getattr(self.after, name) > getattr(self.before, name):
                faults.append(f"{name} are left behind")
        return faults


class Server(Served):
    """And what it holds."""

    async def stats(self) -> dict[str, int]:
        async with aiohttp.ClientSession() as client, client.get(f"{self.url}videochat/stats") as response:
            stats: dict[str, int] = await response.json()
            return stats

    async def is_empty(self) -> None:
        """Wait until nobody is there any more."""
        async with asyncio.timeout(QUIET_AGAIN):
            while True:
                stats = await self.stats()
                if not any(stats[what] for what in ("people", "waiting", "rooms", "media_connections")):
                    return
                await asyncio.sleep(0.2)

    def holdings(self) -> Holdings:
        """From the kernel's books, and how many tasks run."""
        process = Path(f"/proc/{self.process.pid}")
        status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
        links = []
        for descriptor in (process / "fd").iterdir():
            try:
                links.append(str(descriptor.readlink()))
            except FileNotFoundError:
                continue
        return Holdings(
            resident=int(status["VmRSS"].split()[0]) * 1024,
            threads=int(status["Threads"]),
            descriptors=len(links),
            sockets=sum(link.startswith("socket:") for link in links),
            tasks=self._tasks,
        )

    _tasks = 0

    async def settle(self) -> Holdings:
        """What it holds once connections that are closing have closed, and memory has been given back."""
        await self.is_empty()
        async with (
            aiohttp.ClientSession() as client,
            client.get(f"{self.url}metrics") as response,
        ):
            lines = (await response.text()).splitlines()
        self._tasks = next(int(float(line.split()[1])) for line in lines if line.startswith("relay_tasks "))
        await asyncio.sleep(INTERVAL * (QUIET + 2))
        return self.holdings()


@asynccontextmanager
async def serving(**settings: str) -> AsyncIterator[Server]:
    """A server that may take its time to end: anyone who talks then is waited for."""
    chosen = {"port": str(free_port()), **SETTINGS, **settings}
    process = await start(log=None, **chosen)
    try:
        server = Server(process, int(chosen["port"]))
        await server.answers()
        yield server
    finally:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(90):
            await process.wait()


async def soak(pairings: int, people: int, seed: int, patience: float = 1.0) -> Soak:
    """Have so many pairs meet. Nobody may wait for so many seconds with somebody whom they might meet."""
    async with serving() as server:

        async def play(number: int, seed: int) -> Report:
            options = {
                "people": people,
                "pairings": number,
                "seconds": LONGEST,
                "seed": seed,
                "patience": patience,
                **BEHAVIOUR,
            }
            flags = [text for name, value in options.items() for text in (f"--{name}", str(value))]
            return await asyncio.to_thread(generator.play, "relay", f"127.0.0.1:{server.port}", *flags)

        first = await play(int(pairings * BASELINE), seed)
        before = await server.settle()
        second = await play(pairings - first.pairings, seed + 1)
        return Soak(before, await server.settle(), (first, second))


def main() -> int:
    """Print what came of it; 1 if something should not be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairings", type=int, default=PAIRINGS)
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    generator.build()
    began = time.monotonic()
    result = asyncio.run(soak(chosen.pairings, chosen.people, chosen.seed))
    for report in result.reports:
        print(
            f"{report.pairings} pairings: {report.chat_read} messages read,"
            f" {report.resumed} sessions resumed, {report.restarted} ICE restarts, {report.acts}"
        )
    for name in Holdings._fields:
        print(f"{name:12} {getattr(result.before, name):>12} then {getattr(result.after, name):>12}")
    faults = result.faults()
    print(f"seed {chosen.seed}, {time.monotonic() - began:.0f} s:", "; ".join(faults) or "no faults")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
