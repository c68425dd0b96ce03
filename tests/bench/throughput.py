"""How much passes before any of it is lost, with one media thread and with two.

`python -m tests.bench.throughput` has more and more people talk through a server, each number through one that has just
started, and prints the packets a second that reached people before a thousandth of them did not. Each media thread has
a core, and each of the other cores a generator. Where generators come to their limit first, the server carries at
least so much. With fewer than four cores two threads share one with a generator, which is said.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from enum import Enum
from functools import partial

from tests.bench import servers
from tests.bench.__main__ import FEWEST_CORES, is_valid
from tests.bench.awake import awake
from tests.kit import generator
from tests.kit.generator import Player, Report

MOST_LOST = 0.001
FEWEST, MOST = 200, 5_000
"""People."""
GROWTH = 1.25
JOIN_RATE = 100
"""A second, of all generators together."""

UNLIMITED = {"RELAY_MAX_CPU": "1", "RELAY_MAX_LAG": "60", "RELAY_MAX_PACKETS": "100000000"}
"""It is to be overloaded: nobody is refused for that."""


@dataclass(frozen=True, slots=True)
class Step:
    """So many people for some seconds."""

    people: int
    packets: float
    """That reached people, a second."""
    loss: float
    """1 where somebody did not get in."""
    is_in_time: bool
    """The generators sent what they were to send, when they were."""


class End(Enum):
    """Why no more people were tried."""

    LOSS = "lost"
    GENERATORS = "generators at their limit"
    PEOPLE = "no more people"


@dataclass(frozen=True, slots=True)
class Limit:
    """What a server carried."""

    best: Step | None
    """The last step without loss; None where even the first had some."""
    end: End
    at: Step
    """The step that ended it."""


def numbers() -> Iterator[int]:
    """How many people are tried, in order; even numbers."""
    people = float(FEWEST)
    while people <= MOST:
        yield 2 * round(people / 2)
        people *= GROWTH


def search(measure: Callable[[int], Step], people: Iterator[int]) -> Limit:
    """Go on until something is lost, or the generators can't follow."""
    best = step = None
    for number in people:
        step = measure(number)
        if not step.is_in_time:
            return Limit(best, End.GENERATORS, step)
        if step.loss >= MOST_LOST:
            return Limit(best, End.LOSS, step)
        best = step
    assert step is not None
    return Limit(best, End.PEOPLE, step)


def told(threads: int, limit: Limit) -> str:
    """A line for people."""
    name = f"{threads} media thread{'s' if threads > 1 else ''}"
    if limit.best is None:
        return f"{name}: nothing to tell, as {limit.at.people} people are too many: {limit.end.value}"
    least = "" if limit.end is End.LOSS else "at least "
    carried = f"{name}: {least}{limit.best.packets:,.0f} packets/s ({limit.best.people} people)"
    if limit.end is End.PEOPLE:
        return f"{carried}; more were not tried"
    after = f"{100 * limit.at.loss:.2f} % lost" if limit.end is End.LOSS else limit.end.value
    return f"{carried}; with {limit.at.people}: {after}"


def shares(people: int, parts: int) -> list[int]:
    """People of each generator: whole pairs."""
    pairs = people // 2
    return [2 * (pairs // parts + (part < pairs % parts)) for part in range(parts)]


def measure(people: int, seconds: float, own: Sequence[int], players: Sequence[int]) -> Step:
    """Have so many people talk through a server on its own cores, a media thread on each."""
    second = own[1] if len(own) > 1 else None
    with ExitStack() as stack:
        server = stack.enter_context(servers.relay("packets", people, own[0], more=UNLIMITED, second_core=second))
        options = ("--seconds", str(seconds), "--settle", "0", "--join-rate", str(JOIN_RATE))
        standing_by: list[Player] = []
        for core, share in zip(players, shares(people, len(players)), strict=True):
            playing = generator.stand_by(
                server.route, server.address, "--people", str(share), *options, core=core, on_phase=lambda *_: None
            )
            standing_by.append(stack.enter_context(playing))
        with ThreadPoolExecutor(len(standing_by)) as pool:
            list(pool.map(Player.measure, standing_by))
        return summed(people, seconds, [player.finish() for player in standing_by])


def summed(people: int, seconds: float, reports: Sequence[Report]) -> Step:
    """What came of all generators together."""
    sent, delivered = sum(report.sent for report in reports), sum(report.delivered for report in reports)
    is_whole = sent > 0 and not any(report.failures for report in reports)
    return Step(
        people=people,
        packets=sum(report.received for report in reports) / seconds,
        loss=1 - delivered / sent if is_whole else 1.0,
        is_in_time=all(map(is_valid, reports)),
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, nargs="+", choices=(1, 2), default=[1, 2])
    parser.add_argument("--seconds", type=float, default=5.0, help="of each step")
    chosen = parser.parse_args()
    available = sorted(os.sched_getaffinity(0))
    if len(available) < 2:
        print("throughput: server and generator need a core each, and there is only one", file=sys.stderr)
        return 2
    generator.build()
    limits: dict[int, Limit] = {}
    try:
        with awake(available):
            for threads in chosen.threads:
                own = available[:threads]
                players = available[threads:] if len(available) >= FEWEST_CORES else available[1:]
                if set(own) & set(players):
                    print(f"{threads} media threads: one of them shares its core with a generator")
                step = partial(measure, seconds=chosen.seconds, own=own, players=players)
                limits[threads] = search(step, numbers())
                print(told(threads, limits[threads]), flush=True)
    except servers.UnavailableError as reason:
        print(f"throughput: {reason}", file=sys.stderr)
        return 2
    one, two = (limits[threads].best if threads in limits else None for threads in (1, 2))
    if one and two:
        print(f"2 threads / 1 thread: {two.packets / one.packets:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
