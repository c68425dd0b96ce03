"""Attacks calls class by class, and prints what it cost: `make attacks`.

The server is a process of its own, and so is each attacker. In the calls are two Chromium windows, over UDP or over
TCP; 32 generated people, likewise; or two aiortc visitors at 15 pictures a second. What is printed is what the worst
off got.
"""

import argparse
import asyncio
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import aioice.ice

from relay.config.settings import EngineChoice
from tests.bench.attack.attackers import Attack, attackers, forged_attacks, strange_attacks
from tests.bench.attack.audience import (
    CROWD,
    Audience,
    Seen,
    browsers,
    browsers_over_tcp,
    crowd,
    crowd_over_tcp,
    visitors,
)
from tests.bench.attack.besieged import Besieged, besieged

AUDIENCES: dict[str, Callable[[Besieged, Path], AbstractAsyncContextManager[Audience]]] = {
    "browsers": browsers,
    "browsers-tcp": browsers_over_tcp,
    "crowd": crowd,
    "crowd-tcp": crowd_over_tcp,
    "visitors": visitors,
}
CONNECTIONS = 2_000
"""A second, over TCP: more than one process makes."""

QUEUE = "socket_overflow"


async def row(server: Besieged, audience: Audience, attack: Attack | None, seconds: float, rate: int) -> str:
    """One line of the table."""
    rate = min(rate, CONNECTIONS) if attack is not None and attack.over_tcp else rate
    with attackers([attack] if attack is not None else [], server.port, seconds, rate) as running:
        before = await asyncio.to_thread(server.books)

        def begin() -> None:
            for attacker in running:
                attacker.begin()

        began = asyncio.get_running_loop().time()
        seen = await audience.watch(seconds, begin)
        after = await asyncio.to_thread(server.books)
        elapsed = asyncio.get_running_loop().time() - began
        sent = sum([await asyncio.to_thread(attacker.rate) for attacker in running])
    unread = after.drops.get(QUEUE, 0) - before.drops.get(QUEUE, 0)
    return (
        f"{attack.name if attack is not None else 'none':26} {sent:10,.0f} {unread / seconds:10,.0f}"
        f" {100 * (after.cpu - before.cpu) / elapsed:6.0f} {after.resident / 2**20:6.0f}"
        f" {after.log_lines - before.log_lines:6} {_told(seen)}"
    )


def _told(seen: Seen) -> str:
    figures = (seen.pictures, "9.1f"), (seen.gap, "7.2f"), (seen.loss, "9.2%"), (seen.latency, "8.1f")
    widths = (9, 7, 9, 8)
    return " ".join(
        f"{value:{form}}" if value is not None else " " * (width - 1) + "-"
        for (value, form), width in zip(figures, widths, strict=True)
    )


async def measure(engine: EngineChoice, name: str, only: Sequence[str], seconds: float, rate: int) -> None:
    print(f"\n{engine.value}, {name}\n{'':26} {'sent':>10} {'unread':>10} {'CPU':>6} {'':6} {'log':>6} "
          f"{'pictures':>9} {'gap':>7} {'':9} {'p99':>8}\n{'attack':26} {'/s':>10} {'/s':>10} {'%':>6} {'MiB':>6} "
          f"{'lines':>6} {'/s':>9} {'s':>7} {'loss':>9} {'ms':>8}", flush=True)  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        async with (
            besieged(engine, Path(folder), CROWD + 4) as server,
            AUDIENCES[name](server, Path(folder)) as audience,
        ):
            attacks: list[Attack | None] = [None, *strange_attacks(audience.ufrag)]
            if audience.forgeable is not None:
                attacks.extend(forged_attacks(audience.forgeable))
            for attack in attacks:
                if only and (attack.name if attack is not None else "none") not in only:
                    continue
                print(await row(server, audience, attack, seconds, rate), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="for each class")
    parser.add_argument("--engine", type=EngineChoice, default=EngineChoice.PACKETS)
    parser.add_argument("--audience", action="append", choices=list(AUDIENCES))
    parser.add_argument("--only", action="append", default=[], metavar="CLASS")
    parser.add_argument("--rate", type=int, default=100_000, help=f"datagrams a second; connections: {CONNECTIONS}")
    options = parser.parse_args()
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]
    for name in options.audience or tuple(AUDIENCES):
        asyncio.run(measure(options.engine, name, options.only, options.seconds, options.rate))


if __name__ == "__main__":
    main()
