"""What a person and a packet cost, here and in another checkout, measured in turns in one run.

    python -m tests.bench.against FOLDER

The other checkout has everything built (`make core client` there). In each round both servers start anew, people
join, and then both take turns as in `contest.py`. Ratios below 1 say that this checkout is the cheaper one.
"""

import argparse
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median, quantiles

from tests.bench import servers
from tests.bench.awake import awake
from tests.bench.contest import Contender, Cores, enter
from tests.bench.usage import cpu_seconds
from tests.kit import generator

TURNS = 5
"""Of each server in a round."""
SECONDS = 0.7
"""Of each turn."""
RESTING = 0.5
"""Seconds in which a server that rests uses a fiftieth of a core at most."""
METERED = 0.99
"""Of the event loop, what all people together may have where it is metered: so nobody waits. With 1 nothing is."""


def rounds(other: Path, people: int, count: int, cores: Cores) -> Iterator[tuple[Contender, Contender]]:
    """This checkout and the other one after each round. Who is first changes from round to round."""
    # Slowly, so that the account of the one address they come from is never empty.
    load = ["--people", str(people), "--seconds", str(SECONDS), "--settle", "0.3", "--join-rate", "20"]
    for number in range(count):
        with ExitStack() as stack:
            entered = {}
            for checkout in (servers.CHECKOUT, other) if number % 2 else (other, servers.CHECKOUT):
                server = stack.enter_context(servers.relay("packets", people, cores.server, checkout, METERED))
                let_it_rest(server.pid)
                entered[checkout] = stack.enter_context(enter("packets", server, people, load, cores))
            for _ in range(TURNS):
                for _, player in entered.values():
                    player.measure()
            for _, player in entered.values():
                player.finish()
            yield entered[servers.CHECKOUT][0], entered[other][0]


def let_it_rest(pid: int) -> None:
    """Until what a server does after its start is done: nobody's joining is charged with it."""
    used = cpu_seconds(pid)
    while True:
        time.sleep(RESTING)
        before, used = used, cpu_seconds(pid)
        if used - before < RESTING / 50:
            return


def told(what: str, unit: str, here: list[float], there: list[float]) -> str:
    """One line: medians, and the ratio of each pair."""
    ratios = [one / other for one, other in zip(here, there, strict=True)]
    lower, middle, upper = quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else 3 * ratios
    return (
        f"{what:8} {median(here):8.2f} {median(there):8.2f} {unit:6} "
        f"here / there {middle:.3f} (middle half {lower:.3f} to {upper:.3f}, {len(ratios)} rounds)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path, help="folder of the other checkout")
    parser.add_argument("--people", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=8)
    options = parser.parse_args()
    server, player, *_ = sorted(os.sched_getaffinity(0))
    generator.build()
    joins: tuple[list[float], list[float]] = ([], [])
    packets: tuple[list[float], list[float]] = ([], [])
    memory: tuple[list[float], list[float]] = ([], [])
    with awake((server, player)) as spinners:
        cores = Cores(server, player, spinner=spinners[server])
        for pair in rounds(options.other.resolve(), options.people, options.rounds, cores):
            for contender, join, packet, kib in zip(pair, joins, packets, memory, strict=True):
                join.append(contender.join_cpu_ms() or 0.0)
                packet.append(contender.us_per_packet())
                kib.append(contender.kib_per_person())
    print(f"{options.people} people; {'here':>12} {'there':>8}")
    print(told("join", "ms CPU", *joins))
    print(told("packet", "us CPU", *packets))
    print(told("memory", "KiB", *memory))


if __name__ == "__main__":
    main()
