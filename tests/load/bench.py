"""What one relayed packet costs, ours beside the yardsticks, measured in one run on equal terms.

Server and generator are pinned to a core each. Per row: the server's whole process, Python
included, is charged with each packet that reached a person. *floor* is the kernel's price:
the generator's packets received, rewritten and sent in batches, nothing else. *coturn* relays by
ChannelData. Latency is what the relay adds to the same pairs talking from socket to socket.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from tests.load import generator, servers
from tests.load.clip import write_clip
from tests.load.generator import Report
from tests.load.usage import core_seconds, cpu_seconds, pss_kib

SCHEMA = 1

BUSIEST_GENERATOR = 85.0
"""Per cent of its core above which the generator may be what is measured."""
LATEST_SEND_MS = 2.0
"""The 99th percentile of the generator's lateness above which its packets were not those that were meant."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the result; None where a figure does not apply."""

    engine: str
    people: int
    packets_per_person: float
    us_per_packet: float
    core_percent_per_person: float
    loss: float | None
    added_ms_p50: float | None
    added_ms_p99: float | None
    join_ms_p50: float | None
    join_ms_p95: float | None
    join_cpu_ms: float | None
    kib_per_person: float | None
    valid: bool
    generator_core_percent: float


class Result(msgspec.Struct, frozen=True):
    schema: int
    profile: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Profile:
    """How much is measured. The frames engine transcodes: two people are all that a core can take."""

    name: str
    people: tuple[int, ...]
    seconds: float


FULL = Profile("full", (2, 8, 32, 64, 300), 10.0)
QUICK = Profile("quick", (2, 32), 3.0)
FRAMES_PEOPLE = 2


@dataclass(frozen=True, slots=True)
class Cores:
    server: int
    generator: int


@dataclass(slots=True)
class Meter:
    """Reads a server's clocks when the generator's phases change."""

    pid: int
    core: int
    people: int
    cpu: dict[str, float] = field(default_factory=dict)
    busy: dict[str, float] = field(default_factory=dict)
    memory: dict[str, int] = field(default_factory=dict)

    def note(self, phase: str) -> None:
        self.cpu[phase] = cpu_seconds(self.pid)
        self.busy[phase] = core_seconds(self.core)
        self.memory[phase] = pss_kib(self.pid)

    def used(self, start: str, end: str) -> float | None:
        """CPU seconds between two phases, if both were there."""
        return self.cpu[end] - self.cpu[start] if start in self.cpu and end in self.cpu else None

    def kib_per_person(self) -> float:
        return (self.memory["measuring"] - self.memory["start"]) / self.people

    def foreign_percent(self, seconds: float) -> float:
        """How much of the server's core others had while it was measured."""
        used = self.used("measuring", "draining") or 0.0
        return 100 * max(self.busy["draining"] - self.busy["measuring"] - used, 0.0) / seconds


def measure(
    engine: str, server: servers.Server, people: int, seconds: float, cores: Cores, direct: Report, clip: Path | None
) -> tuple[Row, float]:
    """Load one server. Returns the row, and how busy others kept the server's core, in per cent."""
    meter = Meter(server.pid, cores.server, people)
    meter.note("start")
    options = [*_load(people, seconds), *(["--vp8", str(clip), "--foreign"] if clip else [])]
    report = generator.play(server.route, server.address, *options, core=cores.generator, on_phase=meter.note)
    used = meter.used("measuring", "draining") or 0.0
    joining = meter.used("start", "pairing")
    row = Row(
        engine=engine,
        people=people,
        packets_per_person=report.packets_per_person,
        us_per_packet=1e6 * used / max(report.received, 1),
        core_percent_per_person=100 * used / report.seconds / people,
        loss=report.loss if report.loss is not None else report.gaps,
        added_ms_p50=_minus(report.latency_ms.p50, direct.latency_ms.p50),
        added_ms_p99=_minus(report.latency_ms.p99, direct.latency_ms.p99),
        join_ms_p50=report.join_ms.p50,
        join_ms_p95=report.join_ms.p95,
        join_cpu_ms=1e3 * joining / people if joining is not None else None,
        kib_per_person=meter.kib_per_person() if server.route != "forwarder" else None,
        valid=_is_valid(report) and _is_valid(direct),
        generator_core_percent=report.generator_core_percent,
    )
    for reason, count in report.failures.items():
        print(f"{engine} with {people}: {count} x {reason}", file=sys.stderr)
    return row, meter.foreign_percent(report.seconds)


def bench(profile: Profile, cores: Cores) -> Iterator[tuple[Row, float]]:
    """All rows of a profile, as they are measured. What can't be had is said and left out."""
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.ivf"
        write_clip(clip)
        for people in profile.people:
            load = _load(people, profile.seconds)
            direct = generator.play("direct", "127.0.0.1:9", *load, core=cores.generator)
            for engine, start in _servers(people, cores):
                try:
                    with start() as server:
                        shown = clip if engine == "frames" else None
                        yield measure(engine, server, people, profile.seconds, cores, direct, shown)
                except servers.UnavailableError as reason:
                    print(f"{engine} with {people}: left out: {reason}", file=sys.stderr)


def _servers(people: int, cores: Cores) -> Iterator[tuple[str, Callable[[], AbstractContextManager[servers.Server]]]]:
    if people == FRAMES_PEOPLE:
        yield "frames", lambda: servers.relay("frames", people, cores.server)
    yield "packets", lambda: servers.relay("packets", people, cores.server)
    yield "floor", lambda: servers.forwarder(cores.server)
    yield "coturn", lambda: servers.coturn(cores.server)


def _load(people: int, seconds: float) -> list[str]:
    return ["--people", str(people), "--seconds", str(seconds)]


def _is_valid(report: Report) -> bool:
    late = report.send_late_ms.p99
    return report.generator_core_percent < BUSIEST_GENERATOR and late is not None and late < LATEST_SEND_MS


def _minus(whole: float | None, part: float | None) -> float | None:
    return None if whole is None or part is None else whole - part


HEADINGS = (
    "engine  people  pkt/s each  us/packet  core %/person   loss %  added p50     p99  join p50     p95"
    "  join CPU  KiB each  gen %  others %  valid\n"
    "                                                                      ms      ms        ms      ms        ms"
)


def display(row: Row, foreign: float) -> str:
    """A row for people."""

    def number(value: float | None, width: int, places: int, scale: float = 1.0) -> str:
        return "-".rjust(width) if value is None else f"{scale * value:{width}.{places}f}"

    return "".join(
        (
            f"{row.engine:8}{row.people:6}",
            number(row.packets_per_person, 12, 1),
            number(row.us_per_packet, 11, 1),
            number(row.core_percent_per_person, 15, 3),
            number(row.loss, 9, 3, 100),
            number(row.added_ms_p50, 11, 3),
            number(row.added_ms_p99, 8, 3),
            number(row.join_ms_p50, 10, 1),
            number(row.join_ms_p95, 8, 1),
            number(row.join_cpu_ms, 10, 2),
            number(row.kib_per_person, 10, 0),
            number(row.generator_core_percent, 7, 0),
            number(foreign, 10, 0),
            "    yes" if row.valid else "     NO",
        )
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer people and shorter: under 90 seconds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result there, too")
    arguments = parser.parse_args()
    available = sorted(os.sched_getaffinity(0))
    if len(available) < 2:
        print("bench: server and generator need a core each, and there is only one", file=sys.stderr)
        return 2
    generator.build()
    profile = QUICK if arguments.quick else FULL
    print(HEADINGS)
    rows = []
    for row, foreign in bench(profile, Cores(server=available[0], generator=available[1])):
        print(display(row, foreign), flush=True)
        rows.append(row)
    if arguments.json:
        arguments.json.write_bytes(msgspec.json.encode(Result(SCHEMA, profile.name, tuple(rows))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
