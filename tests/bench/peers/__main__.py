"""What other media servers take for the same people: `README.md` beside this says what is compared, and what is unfair.

The rows are those of `make bench`, measured in turns by the same generator, with Pion and LiveKit added.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tests.bench import servers
from tests.bench.__main__ import Line, Profile, Starter, compete
from tests.bench.contest import Cores
from tests.bench.peers import peers

PROFILE = Profile("peers", (8, 32, 64), 9, 1.0)


def everybody(people: int, cores: Cores) -> Iterator[tuple[str, Starter]]:
    """The product, the yardsticks and the peers. The product has the default engine."""
    yield "packets", lambda: servers.relay("packets", people, cores.server)
    yield "floor", lambda: servers.forwarder(cores.server)
    yield "coturn", lambda: servers.coturn(cores.server)
    yield "pion", lambda: peers.pion(cores.server)
    yield "livekit", lambda: peers.livekit(cores.server)


def verdicts(lines: list[Line]) -> Iterator[str]:
    """How much the others take of CPU and memory for what takes ours 1."""
    for ours in (line.row for line in lines if line.row.engine == "packets"):
        for row in (line.row for line in lines if line.row.people == ours.people):
            if row is not ours:
                told = (
                    f"{row.engine} / packets with {row.people} people: {row.us_per_packet / ours.us_per_packet:.2f} CPU"
                )
                if row.kib_per_person is not None and ours.kib_per_person:
                    told += f", {row.kib_per_person / ours.kib_per_person:.2f} memory"
                yield told


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, nargs="+", metavar="N", help="only with so many people (even numbers)")
    parser.add_argument("--turns", type=int, default=PROFILE.turns, help="of each server")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result there, too")
    arguments = parser.parse_args()
    people = tuple(arguments.people or PROFILE.people)
    if any(number % 2 for number in people):
        parser.error("the peers pair people for life: nobody may be left over")
    try:
        peers.build()
    except servers.UnavailableError as reason:
        print(f"peers: {reason}", file=sys.stderr)
        return 2
    profile = replace(PROFILE, people=people, turns=arguments.turns)
    return compete(profile, everybody, verdicts, arguments.json)


if __name__ == "__main__":
    sys.exit(main())
