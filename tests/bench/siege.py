"""Besieges signalling, pages and TLS class by class, and prints who still got in: `make attacks`.

A row is one class from 1, 2 or 50 addresses, at a fresh server in a process of its own, as it is by default. Two people
write to each other meanwhile, ten newcomers come one after the other, one more from an attacker's own address, and two
with cameras meet. What misses a goal has a `!` behind it.
"""

import argparse
import asyncio
import contextlib
import dataclasses
import itertools
import os
import re
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from relay.config.settings import EngineChoice
from tests.bench.attack.besiegers import addresses, besieger
from tests.bench.attack.field import Siege, Toll
from tests.bench.attack.sieges import all_sieges
from tests.bench.attack.townspeople import NEIGHBOUR, Arrival, Chat, Meeting, arrive, bystanders, median, pair
from tests.kit.servers import Served, serving

NEWCOMERS = 10
ADDRESSES = (1, 2, 50)
SETTLED = 1.0
"""Seconds after which the first newcomer comes."""


@dataclass(frozen=True, slots=True)
class Goals:
    """What every row should keep."""

    greeted: float = 0.5
    """Seconds, at most."""
    media: float = 3.0
    """Seconds, at most."""
    chat: float = 0.1
    """Seconds, half of all lines at most."""
    memory: int = 512 << 20
    """Bytes, at most."""


GOALS = Goals()


@dataclass(frozen=True, slots=True)
class Row:
    """What was seen of one siege."""

    siege: Siege
    addresses: int
    toll: Toll
    lines: list[float]
    arrivals: list[Arrival]
    neighbours: list[Arrival]
    meeting: Meeting
    cpu: float
    """Of one core, the server's."""
    resident: int
    """Bytes, at most."""
    log_lines: int
    load: float
    """Average of the machine."""
    ended: bool = True
    """Whether the server ended in time when it was told to."""

    @property
    def greeted(self) -> list[float]:
        return sorted(arrival.seconds for arrival in self.arrivals if arrival.refusal is None)

    def told(self) -> str:
        chat, greeted = median(self.lines), self.greeted
        refusals = Counter(arrival.refusal for arrival in self.arrivals if arrival.refusal)
        refused = ", ".join(f"{count} {code}" for code, count in refusals.items())
        neighbours = f"{sum(one.refusal is None for one in self.neighbours)}/{len(self.neighbours)}"
        media = self.meeting.seen
        return (
            f"{self.siege.name:28} {self.addresses:3} {self.toll.opened / self.toll.elapsed:7,.0f} {self.toll.held:6,}"
            f" {self.toll.messages / self.toll.elapsed:9,.0f} {self.toll.octets / self.toll.elapsed / 1e6:6.1f}"
            f" {_ms(chat, GOALS.chat)} {_ms(self.lines[-1] if self.lines else None, None)}"
            f" {_ms(median(greeted), None)} {_ms(greeted[-1] if greeted else None, GOALS.greeted)}"
            f" {_seconds(self.meeting.connected, self.meeting.trouble)}"
            f" {_seconds(media, self.meeting.trouble)}{_mark(media is None or media > GOALS.media)}"
            f" {len(greeted):3}/{len(self.arrivals)}{_mark(len(greeted) < len(self.arrivals))} {neighbours:>4}"
            f" {100 * self.cpu:5.0f} {100 * self.toll.cpu / self.toll.elapsed:4.0f}"
            f" {self.resident / 2**20:6.0f}{_mark(self.resident > GOALS.memory)} {self.log_lines:6} {self.load:5.1f}"
            f"  {refused}{'' if self.ended else ', did not end in time'}"
        )


HEAD = (
    f"{'':32} {'opened':>7} {'':6} {'messages':>9} {'sent':>6} {'chat, ms':>16} {'greeted, ms':>16} {'keys':>6}"
    f" {'seen':>7} {'let':>6} {'':5} {'CPU, %':>10} {'most':>7} {'log':>6}\n"
    f"{'class':28} {'of':>3} {'/s':>7} {'held':>6} {'/s':>9} {'MB/s':>6} {'half':>8} {'worst':>7} {'half':>8}"
    f" {'worst':>7} {'s':>6} {'s':>7} {'in':>6} {'same':>5} {'serv':>5} {'att':>4} {'MiB':>7} {'lines':>6} {'load':>5}"
    "  refused"
)


def _mark(missed: bool) -> str:
    return "!" if missed else " "


def _ms(seconds: float | None, goal: float | None) -> str:
    if seconds is None:
        return f"{'-':>7}{_mark(goal is not None)}"
    return f"{1_000 * seconds:7,.0f}{_mark(goal is not None and seconds > goal)}"


def _seconds(seconds: float | None, trouble: str) -> str:
    return f"{seconds:6.2f}" if seconds is not None else f"{trouble[:6]:>6}"


async def lay(siege: Siege, count: int, served: Served, log: Path, seconds: float) -> Row:
    """One row of the table."""
    url = served.url.replace("http", "https", 1) if siege.over_tls else served.url
    url = url.replace("localhost", "127.0.0.1")
    with (
        besieger(siege, served.port, addresses(count), seconds) as running,
        contextlib.closing(pair(url, seconds - SETTLED)) as couple,
    ):
        await asyncio.to_thread(couple.wait_for_start)
        chat = Chat()
        async with bystanders(url, chat):
            loop = asyncio.get_running_loop()
            await asyncio.sleep(0.5)
            chat.sent.clear()
            usage = _Usage(served, log)
            running.begin()
            began = loop.time()
            coming: list[asyncio.Task[Arrival]] = []
            neighbours: list[asyncio.Task[Arrival]] = []
            await asyncio.sleep(SETTLED)
            couple.begin()
            for number in range(NEWCOMERS):
                coming.append(asyncio.ensure_future(arrive(url, f"127.0.8.{1 + number}")))
                if number % 3 == 1:
                    neighbours.append(asyncio.ensure_future(arrive(url, NEIGHBOUR)))
                await asyncio.sleep((seconds - 2 * SETTLED) / NEWCOMERS)
            await asyncio.sleep(max(0.0, began + seconds - loop.time()))
            cpu, written = usage.cpu(), usage.log_lines()
            latencies = chat.seconds()
            toll = await asyncio.to_thread(running.result)
            meeting = await asyncio.to_thread(couple.result)
            arrivals = await asyncio.gather(*coming)
            return Row(siege, count, toll, latencies, arrivals, await asyncio.gather(*neighbours), meeting, cpu,
                       usage.most_resident(), written, os.getloadavg()[0])  # fmt: skip


class _Usage:
    """What a server uses from now on."""

    def __init__(self, served: Served, log: Path) -> None:
        self._served = served
        self._log = log
        self._lines = 0
        self._lines = self.log_lines()
        self._folder = Path(f"/proc/{served.process.pid}")
        self._cpu = served.cpu_seconds()
        self._began = asyncio.get_running_loop().time()
        # 5: forget the peak so far (proc_pid_clear_refs(5)).
        (self._folder / "clear_refs").write_text("5")

    def cpu(self) -> float:
        elapsed = asyncio.get_running_loop().time() - self._began
        return (self._served.cpu_seconds() - self._cpu) / elapsed

    def log_lines(self) -> int:
        return self._log.read_bytes().count(b"\n") - self._lines

    def most_resident(self) -> int:
        found = re.search(r"VmHWM:\s+(\d+) kB", (self._folder / "status").read_text())
        assert found
        return int(found[1]) << 10


async def besiege(siege: Siege, count: int, seconds: float, engine: EngineChoice) -> Row:
    """At a server of its own: nothing is left of the last row."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        settings = {"tls": "self-signed", "state_dir": folder} if siege.over_tls else {}
        row = None
        with path.open("wb") as log:
            try:
                async with serving(engine, log=log, **settings) as served:
                    row = await lay(siege, count, served, path, seconds)
            except TimeoutError:
                served.process.kill()
                if row is None:
                    raise
                row = dataclasses.replace(row, ended=False)
    return row


async def table(sieges: Sequence[Siege], counts: Sequence[int], seconds: float, engine: EngineChoice) -> None:
    for siege, count in itertools.product(sieges, counts):
        try:
            print((await besiege(siege, count, seconds, engine)).told(), flush=True)
        except (AssertionError, OSError, TimeoutError) as failed:
            print(f"{siege.name:28} {count:3} failed: {failed!r}", flush=True)


PEACE = [Siege(name="none", per_address=0), Siege(name="none, TLS", per_address=0, over_tls=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0, help="for each row")
    parser.add_argument("--engine", type=EngineChoice, default=EngineChoice.PACKETS)
    parser.add_argument("--addresses", type=int, action="append", help=f"of the attackers; {ADDRESSES} if not given")
    parser.add_argument("--only", action="append", default=[], metavar="CLASS")
    options = parser.parse_args()
    counts = options.addresses or ADDRESSES
    wanted = [siege for siege in all_sieges() if not options.only or siege.name in options.only]
    print(HEAD, flush=True)
    asyncio.run(table(PEACE, [1], options.seconds, options.engine))
    asyncio.run(table(wanted, counts, options.seconds, options.engine))


if __name__ == "__main__":
    main()
