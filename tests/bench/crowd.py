"""A thousand people who are paired and talk for a minute, on the two cores of one machine with their generator.

Sound and 20 packets of video a second each, through the product with its native core. Prints what was lost and
delayed beside what the same load does to itself from socket to socket, and ends with 1 where the relay lost people or
more than a thousandth of the packets.
"""

import argparse
import os
import sys

from tests.bench import servers
from tests.bench.awake import awake
from tests.bench.contest import Contender, Cores
from tests.bench.usage import cpu_seconds, own_kib
from tests.kit import generator
from tests.kit.generator import Report

VIDEO = ("--fps", "10", "--packet-bytes", "1000", "--video-kbps", "160")
"""Two packets a picture."""

JOIN_RATE = "40"
"""A second: a core of half the usual speed can shake so many hands and relay meanwhile."""

MOST_LOST = 0.001
LATEST_ADDED_MS = 10.0


def talk(people: int, seconds: float) -> bool:
    """Whether nobody was dropped, and hardly anything lost or late."""
    server_core, player_core = sorted(os.sched_getaffinity(0))[:2]
    load = ("--people", str(people), "--join-rate", JOIN_RATE, *VIDEO)
    with awake((server_core, player_core)) as spinners:
        cores = Cores(server_core, player_core, spinner=spinners[server_core])
        whole = ("--seconds", str(seconds))
        direct = generator.play(
            "direct", "127.0.0.1:9", *load, "--seconds", str(min(seconds, 10.0)), core=cores.generator
        )
        with servers.relay("packets", people, cores.server) as server:
            contender = Contender("packets", people, server, cores, cpu_seconds(server.pid), own_kib(server.pid))
            report = generator.play(
                server.route, server.address, *load, *whole, core=cores.generator, on_phase=contender.note
            )
    added = [_minus(ours, theirs) for ours, theirs in zip(_latency(report), _latency(direct), strict=True)]
    print(
        f"{people} people, {report.packets_per_person:.0f} packets/s each, {seconds:.0f} s: "
        f"{contender.core_percent(seconds):.0f} % of a core, {contender.us_per_packet():.1f} us/packet, "
        f"{contender.kib_per_person():.0f} KiB each, others {contender.foreign_percent(seconds) or 0:.0f} %\n"
        f"join {report.join_ms.p50} / {report.join_ms.p95} ms (p50 / p95), {contender.join_cpu_ms() or 0:.1f} ms CPU\n"
        f"lost {100 * (report.loss or 0):.4f} %, failures {report.failures}\n"
        f"latency p50 / p99 {_latency(report)} ms, from socket to socket {_latency(direct)} ms, added {added}\n"
        f"generator {report.generator_core_percent:.0f} % of its core, {report.send_late_ms.p99} ms late (p99)"
    )
    is_late = added[1] is None or added[1] >= LATEST_ADDED_MS
    return not report.failures and report.loss is not None and report.loss < MOST_LOST and not is_late


def _latency(report: Report) -> tuple[float | None, float | None]:
    return report.latency_ms.p50, report.latency_ms.p99


def _minus(whole: float | None, part: float | None) -> float | None:
    return None if whole is None or part is None else round(whole - part, 3)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=60.0)
    arguments = parser.parse_args()
    generator.build()
    return 0 if talk(arguments.people, arguments.seconds) else 1


if __name__ == "__main__":
    sys.exit(main())
