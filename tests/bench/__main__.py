"""What one relayed packet costs, ours beside the yardsticks, measured in one run on equal terms.

Server and generator are pinned to a core each, which never sleeps (`awake.py`). Per row: the server's whole
process, Python included, is charged with each packet that reached a person. *floor* is the kernel's price:
the generator's packets received, rewritten and sent in batches, nothing else. *coturn* relays by
ChannelData; *spliced* is one behind the relay's port, for people who get nothing through but TLS, and both
processes are charged. Latency is what the relay adds to the same pairs talking from socket to socket. All of
them take turns (`contest.py`), and a row shows the median of its turns. *2 threads* is the relay with two media
threads on two cores. Where there are fewer than four, one of these is the generator's: the row says *shared*.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import msgspec

from tests.bench import servers
from tests.bench.awake import awake
from tests.bench.clip import write_clip
from tests.bench.contest import Contender, Cores, enter
from tests.kit import generator
from tests.kit.generator import Player, Report

SCHEMA = 2

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
    shared_core: bool
    """Server and generator took each other's time: the packets are dearer and later than they need be."""
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
    turns: int
    seconds: float
    """Of each turn."""


FULL = Profile("full", (2, 8, 14, 32, 62, 64, 300, 450), 9, 1.0)
"""A media thread begins to gather packets at about 14 people, and did at 63."""
QUICK = Profile("quick", (2, 32), 4, 0.7)
FRAMES_PEOPLE = 2
LINKS_PEOPLE = 32
"""With so many, packets also go over other links than UDP without loss."""
THREADS_PEOPLE = 300
"""With so many or more, there is also a server with two media threads."""
FEWEST_CORES = 4
"""With which two are the server's, one the generator's, and one everybody else's."""

OPTIONS = {
    "frames": ("--foreign",),
    "over TCP": ("--transport", "tcp"),
    "TURN/TLS": ("--transport", "turn-tls"),
    "spliced": ("--transport", "turn-tls"),
    "2 % lost": ("--loss", "0.02"),
}
"""Of the generator, for each engine. Loss is on everybody's link, each way."""

Starter = Callable[[], AbstractContextManager[servers.Server]]
Field = Callable[[int, Cores], Iterator[tuple[str, Starter]]]
"""Who takes part with so many people: names, and how they start."""
Verdicts = Callable[[list["Line"]], Iterator[str]]
"""What is said of all lines together, in sentences."""


@dataclass(frozen=True, slots=True)
class Line:
    """A row, and what is printed beside it."""

    row: Row
    spread: float
    """Of the middle half of the turns, as a fraction."""
    foreign_percent: float | None
    """Of the server's core that others had."""
    start: tuple[float, float]
    """Seconds until the server served, and of CPU by then."""


def bench(profile: Profile, cores: Cores, field: Field) -> Iterator[Line]:
    """All rows of a profile. What can't be had is said and left out."""
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.ivf"
        write_clip(clip)
        for people in profile.people:
            yield from compare(people, profile, cores, field, clip)


def compare(people: int, profile: Profile, cores: Cores, field: Field, clip: Path) -> Iterator[Line]:
    """Measure all servers with so many people, in turns."""
    load = ["--people", str(people), "--seconds", str(profile.seconds), "--settle", "0.3"]
    with ExitStack() as stack:
        silent = generator.stand_by("direct", "127.0.0.1:9", *load, core=cores.generator, on_phase=lambda *_: None)
        direct = stack.enter_context(silent)
        contenders: list[tuple[Contender, Player]] = []
        for engine, start in field(people, cores):
            options = [*load, *OPTIONS.get(engine, ()), *(["--vp8", str(clip)] if engine == "frames" else [])]
            try:
                server = stack.enter_context(start())
            except servers.UnavailableError as reason:
                print(f"{engine} with {people}: left out: {reason}", file=sys.stderr)
                continue
            contenders.append(stack.enter_context(enter(engine, server, people, options, cores)))
        for _ in range(profile.turns):
            direct.measure()
            for _, player in contenders:
                player.measure()
        without = direct.finish()
        for contender, player in contenders:
            yield line(contender, player.finish(), without, profile.seconds)


def line(contender: Contender, report: Report, direct: Report, seconds: float) -> Line:
    """What is told of one server. `seconds` is the length of a turn."""
    people = contender.people
    row = Row(
        engine=contender.engine,
        people=people,
        packets_per_person=report.packets_per_person,
        us_per_packet=contender.us_per_packet(),
        core_percent_per_person=contender.core_percent(seconds) / people,
        loss=report.loss if report.loss is not None else report.gaps,
        added_ms_p50=_minus(report.latency_ms.p50, direct.latency_ms.p50),
        added_ms_p99=_minus(report.latency_ms.p99, direct.latency_ms.p99),
        join_ms_p50=report.join_ms.p50,
        join_ms_p95=report.join_ms.p95,
        join_cpu_ms=contender.join_cpu_ms(),
        kib_per_person=contender.kib_per_person() if contender.server.route != "forwarder" else None,
        valid=is_valid(report) and is_valid(direct),
        shared_core=contender.server.cores > 1 and contender.cores.are_shared,
        generator_core_percent=report.generator_core_percent,
    )
    for reason, count in report.failures.items():
        print(f"{contender.engine} with {people}: {count} x {reason}", file=sys.stderr)
    start = (contender.server.started_in, contender.idle_cpu)
    return Line(row, contender.spread(), contender.foreign_percent(seconds), start)


def yardsticks(people: int, cores: Cores) -> Iterator[tuple[str, Starter]]:
    """The product, the kernel's floor and coturn."""
    if people == FRAMES_PEOPLE:
        yield "frames", lambda: servers.relay("frames", people, cores.server)
    yield "packets", lambda: servers.relay("packets", people, cores.server)
    if people == LINKS_PEOPLE:
        yield "over TCP", lambda: servers.relay("packets", people, cores.server)
        yield "TURN/TLS", lambda: servers.turn_inside(people, cores.server)
        yield "spliced", lambda: servers.turn_spliced(people, cores.server)
        yield "2 % lost", lambda: servers.relay("packets", people, cores.server)
    if people >= THREADS_PEOPLE:
        yield "2 threads", lambda: servers.relay("packets", people, cores.server, second_core=cores.second)
    yield "floor", lambda: servers.forwarder(cores.server)
    yield "coturn", lambda: servers.coturn(cores.server)


def is_valid(report: Report) -> bool:
    """Whether the generator had the time to do what it was told."""
    late = report.send_late_ms.p99
    return report.generator_core_percent < BUSIEST_GENERATOR and late is not None and late < LATEST_SEND_MS


def _minus(whole: float | None, part: float | None) -> float | None:
    return None if whole is None or part is None else whole - part


HEADINGS = (
    "engine   people  pkt/s each  us/packet   +- %  core %/person   loss %  added p50     p99  join p50     p95"
    "  join CPU  KiB each  gen %  others %   valid\n"
    f"{'ms      ms        ms      ms        ms':>116}"
)


def display(line: Line) -> str:
    """A row for people."""
    row = line.row

    def number(value: float | None, width: int, places: int, scale: float = 1.0) -> str:
        return "-".rjust(width) if value is None else f"{scale * value:{width}.{places}f}"

    return "".join(
        (
            f"{row.engine:9}{row.people:6}",
            number(row.packets_per_person, 12, 1),
            number(row.us_per_packet, 11, 1),
            number(line.spread / 2, 7, 0, 100),
            number(row.core_percent_per_person, 15, 3),
            number(row.loss, 9, 3, 100),
            number(row.added_ms_p50, 11, 3),
            number(row.added_ms_p99, 8, 3),
            number(row.join_ms_p50, 10, 1),
            number(row.join_ms_p95, 8, 1),
            number(row.join_cpu_ms, 10, 2),
            number(row.kib_per_person, 10, 0),
            number(row.generator_core_percent, 7, 0),
            number(line.foreign_percent, 10, 0),
            ("  shared" if row.shared_core else "     yes") if row.valid else "      NO",
        )
    )


def verdicts(lines: Sequence[Line]) -> Iterator[str]:
    """The ratios by which the core is judged, as far as these rows tell, and what a start costs."""
    rows = [line.row for line in lines]
    cost = {(row.engine, row.people): row.us_per_packet for row in rows}
    for people in sorted({row.people for row in rows}):
        ours = cost.get(("packets", people))
        for yardstick in ("floor", "coturn"):
            theirs = cost.get((yardstick, people))
            if ours and theirs:
                yield f"packets / {yardstick} with {people} people: {ours / theirs:.2f}"
        pairs = (("TURN/TLS", "spliced"), ("TURN/TLS", "over TCP"), ("2 threads", "packets"))
        for one, other in pairs:
            ours, theirs = cost.get((one, people)), cost.get((other, people))
            if ours and theirs:
                yield f"{one} / {other} with {people} people: {ours / theirs:.2f}"
    each = {(row.engine, row.people): row.core_percent_per_person for row in rows}
    frames = each.get(("frames", FRAMES_PEOPLE))
    crowd = max((people for engine, people in each if engine == "packets" and people <= 32), default=0)
    if frames and crowd:
        yield f"frames with {FRAMES_PEOPLE} / packets with {crowd}, each person: {frames / each['packets', crowd]:.0f}"
    starts = [line.start for line in lines if line.row.engine == "packets"]
    if starts:
        after, cpu = (median(figures) for figures in zip(*starts, strict=True))
        yield f"the server serves {after:.2f} s after its start, which costs {cpu:.2f} s of CPU"


def placed(available: Sequence[int]) -> tuple[int, int, int]:
    """The server's core, the generator's, and the one for a second media thread."""
    server, player = available[:2]
    return server, player, available[2] if len(available) >= FEWEST_CORES else player


def run(profile: Profile, field: Field) -> list[Line] | None:
    """Print a row for each server as it is measured. None where there is no core for each of the two sides."""
    available = sorted(os.sched_getaffinity(0))
    if len(available) < 2:
        print("bench: server and generator need a core each, and there is only one", file=sys.stderr)
        return None
    generator.build()
    server, player, second = placed(available)
    lines = []
    print(HEADINGS)
    with awake(sorted({server, player, second})) as spinners:
        for line in bench(profile, Cores(server, player, spinner=spinners[server], second=second), field):
            print(display(line), flush=True)
            lines.append(line)
    return lines


def write(file: Path, profile: Profile, lines: Sequence[Line]) -> None:
    """For programs."""
    file.write_bytes(msgspec.json.encode(Result(SCHEMA, profile.name, tuple(line.row for line in lines))))


def compete(profile: Profile, field: Field, verdicts: Verdicts, file: Path | None) -> int:
    """Measure, print what came of it, and write it to the file, if there is one. Gives the exit code."""
    lines = run(profile, field)
    if lines is None:
        return 2
    for sentence in verdicts(lines):
        print(sentence)
    if file:
        write(file, profile, lines)
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer people and shorter: under 90 seconds")
    parser.add_argument("--people", type=int, nargs="+", metavar="N", help="only with so many people")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result there, too")
    arguments = parser.parse_args()
    profile = QUICK if arguments.quick else FULL
    if arguments.people:
        profile = replace(profile, people=tuple(arguments.people))
    return compete(profile, yardsticks, verdicts, arguments.json)


if __name__ == "__main__":
    sys.exit(main())
