"""What joining costs: one after the other, and everybody at once, as after a restart.

    python -m tests.bench.joins [FOLDER]

A join is a WebSocket, an offer and its answer, ICE and the DTLS handshake, up to the keys. Of each crowd it prints
the CPU that a join takes of the server, with that how many a second one core can take, how long people waited, and how
many came in a second. CPU says what the code costs, even where others use the machine; waiting says that only where
nobody does. With another checkout's FOLDER, where everything is built, both take turns.
"""

import argparse
import os
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

from tests.bench import servers
from tests.bench.against import METERED, let_it_rest
from tests.bench.awake import awake
from tests.bench.usage import cpu_seconds
from tests.kit import generator

IN_TURN = 20
"""Joins a second, so that each is alone."""
AT_ONCE = 100_000
"""Joins a second, more than anybody can take."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """People who join, and how fast they come."""

    name: str
    people: int
    a_second: int


@dataclass(frozen=True, slots=True)
class Joined:
    """What became of a crowd."""

    cpu_ms: float
    """Of the server, for each."""
    p50_ms: float
    p95_ms: float
    seconds: float
    """Until all were in."""
    missing: int


def join(crowd: Crowd, checkout: Path, server_core: int, player_core: int) -> Joined:
    """A server starts, the crowd comes, and the server ends."""
    with servers.relay("packets", crowd.people, server_core, checkout, METERED) as server:
        let_it_rest(server.pid)
        began, cpu = time.monotonic(), cpu_seconds(server.pid)
        seconds = cpu_ms = 0.0

        def note(phase: str, received: int) -> None:
            nonlocal seconds, cpu_ms
            if phase == "pairing":
                seconds = time.monotonic() - began
                cpu_ms = 1e3 * (cpu_seconds(server.pid) - cpu) / crowd.people

        options = ["--people", str(crowd.people), "--join-rate", str(crowd.a_second)]
        options += ["--seconds", "0.3", "--settle", "0.1"]
        report = generator.play(server.route, server.address, *options, core=player_core, on_phase=note)
    waited = report.join_ms
    return Joined(cpu_ms, waited.p50 or 0.0, waited.p95 or 0.0, seconds, crowd.people - waited.count)


def told(crowd: Crowd, rounds: list[Joined]) -> str:
    """One line: medians, and from which to which CPU was."""
    cpu = [each.cpu_ms for each in rounds]
    a_second = crowd.people / median(each.seconds for each in rounds)
    missing = sum(each.missing for each in rounds)
    return (
        f"{crowd.name:12} {crowd.people:5} people: {median(cpu):6.2f} ms CPU each ({min(cpu):.2f} to {max(cpu):.2f}),"
        f" {1e3 / median(cpu):5.0f} a second and core; waited p50 {median(each.p50_ms for each in rounds):.0f},"
        f" p95 {median(each.p95_ms for each in rounds):.0f} ms; {a_second:.0f} came in a second"
        + (f"; {missing} never came" if missing else "")
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path, nargs="?", help="folder of another checkout")
    parser.add_argument("--people", type=int, default=400, help="who come at once; a quarter of them comes in turn")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    checkouts = [servers.CHECKOUT] + ([] if options.other is None else [options.other.resolve()])
    server, player, *_ = sorted(os.sched_getaffinity(0))
    generator.build()
    crowds = Crowd("one by one", max(2, options.people // 4), IN_TURN), Crowd("all at once", options.people, AT_ONCE)
    with awake((server, player)):
        for crowd in crowds:
            came: dict[Path, list[Joined]] = {checkout: [] for checkout in checkouts}
            for number in range(options.rounds):
                for checkout in checkouts if number % 2 else checkouts[::-1]:
                    came[checkout].append(join(crowd, checkout, server, player))
            for name, rounds in zip(("here", "there"), came.values(), strict=False):
                print(f"{name:6}" if options.other else "", told(crowd, rounds), flush=True)
            if options.other is not None:
                pairs = zip(*came.values(), strict=True)
                ratios = [here.cpu_ms / there.cpu_ms for here, there in pairs]
                lower, middle, upper = quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else 3 * ratios
                print(f"       CPU here / there {middle:.3f} (middle half {lower:.3f} to {upper:.3f})", flush=True)


if __name__ == "__main__":
    main()
