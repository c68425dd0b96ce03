"""What people feel of the database: when much is written, and when it is gone.

    python -m tests.bench.store_under_load [lag | away]

`lag`: ten thousand people come, talk and go every minute, as the journal tells of it, and the event loop that they live
on is asked how late it wakes: without a database, with SQLite, with PostgreSQL. Ends with 1 if it is late, or if
anything is not written.

`away`: the database of a real server stops for a minute while 200 people talk, write, and go on to the next partner.
Ends with 1 if calls lost anything, or if a visit or a conversation is not in the database afterwards.

Needs Debian's postgresql.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import func, select

from relay.config.settings import EngineChoice, StateSettings
from relay.ids import PeerId, RoomId, UserId
from relay.observe.browsers import UNKNOWN
from relay.observe.happenings import (
    Happening,
    Matched,
    MediaConnected,
    RoomEnded,
    RoomOpened,
    SessionClosed,
    SessionOpened,
)
from relay.store.database import FILE, OFF
from relay.store.records import Records
from relay.store.tables import rooms, sessions
from tests.bench.servers import OFTEN, RATES, TOKEN
from tests.kit import generator
from tests.kit.generator import Report
from tests.kit.postgres import postgres
from tests.kit.servers import LOOPBACK, Served, serving
from tests.kit.stores import found

PEOPLE_A_MINUTE = 10_000
TALKING = 5.0
"""Seconds from two people's arrival to their leaving."""
SECONDS = 25.0
"""Of each database."""
LOOK = 0.005
"""Seconds between two looks at how late the loop is."""
MOST_LATE = 0.005
"""Seconds, in 99 looks of 100."""
WRITING = 15.0
"""Seconds in which what waits has to be written, once nothing more comes."""

PEOPLE = 200
AWAY = 60.0
"""Seconds."""
BEFORE = 8.0
"""Seconds of talk before the database stops."""
AFTER = 40.0
"""Seconds of talk once it is back: it is tried every 30."""
TALK = ("--fps", "10", "--packet-bytes", "600", "--video-kbps", "48", "--chat-every", "5", "--skip-every", "30")
"""Two packets a picture and sound; a message of each every 5 s, another partner every 30."""
JOIN_RATE = "20"
"""A second."""
MOST_LOST = 0.001
"""Of packets: as much as `crowd.py` lets a machine lose that it shares with its people."""


def pair(number: int) -> tuple[list[Happening], list[Happening]]:
    """What happens when two people come and meet, and when they part and go."""
    ann, bob = UserId(f"ann{number}"), UserId(f"bob{number}")
    room, both = RoomId(f"room{number}"), (ann, bob)
    come: list[Happening] = [SessionOpened(user=user, source=LOOPBACK, browser=UNKNOWN) for user in both]
    come += [Matched(waited=(0.2, 1.5)), RoomOpened(room=room, mode="video", users=both)]
    come += [MediaConnected(user=user, peer=PeerId(1), path="udp", seconds=0.1, browser=UNKNOWN) for user in both]
    go: list[Happening] = [RoomEnded(room=room, reason="left", seconds=TALKING, users=both, by=ann)]
    go += [SessionClosed(user=user, reason="left") for user in both]
    return come, go


def fail(task: str, failure: BaseException) -> None:
    raise failure


async def live(records: Records, people_a_minute: int, seconds: float) -> tuple[int, int]:
    """People come, talk and go, evenly. Gives how many pairs, and how many happenings that was."""
    apart = 120 / people_a_minute
    loop, came, gone, happenings = asyncio.get_running_loop(), 0, 0, 0
    talking: dict[int, list[Happening]] = {}
    began = loop.time()
    while gone < came or loop.time() - began < seconds:
        passed = loop.time() - began
        now: list[Happening] = []
        while came * apart <= min(passed, seconds):
            come, talking[came] = pair(came)
            now += come
            came += 1
        while gone < came and gone * apart + TALKING <= passed:
            now += talking.pop(gone)
            gone += 1
        for happening in now:
            if records.reads(type(happening)):
                records.note(happening)
        happenings += len(now)
        await asyncio.sleep(apart)
    return came, happenings


async def lateness(into: list[float]) -> None:
    """For ever: how late the loop wakes."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + LOOK
        await asyncio.sleep(LOOK)
        into.append(max(0.0, loop.time() - due))


async def lag(name: str, database: str, people_a_minute: int, seconds: float) -> bool:
    """Whether the loop was in time, and everything is written."""
    late: list[float] = []
    records = Records(StateSettings(database=database), lambda happening: None, fail)
    await records.start()
    try:
        async with asyncio.TaskGroup() as group:
            looking = group.create_task(lateness(late))
            pairs, happenings = await live(records, people_a_minute, seconds)
            looking.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(WRITING):
                while records.figures.waiting:  # noqa: ASYNC110 - it has no event
                    await asyncio.sleep(0.05)
    finally:
        await records.stop()
    late.sort()
    figures, worst = records.figures, late[len(late) * 99 // 100]
    kept = "nothing is kept"
    is_whole = True
    if database != OFF:
        rows = await counted(database)
        kept = f"{figures.written} facts written, {figures.dropped} dropped, {rows[0]} visits and {rows[1]} rooms there"
        is_whole = rows == (2 * pairs, pairs) and figures.dropped == 0
    print(
        f"{name:10} {2 * pairs} people, {happenings} events: late {1_000 * late[len(late) // 2]:.2f} /"
        f" {1_000 * worst:.2f} / {1_000 * late[-1]:.2f} ms (p50 / p99 / longest of {len(late)}); {kept}",
        flush=True,
    )
    return worst < MOST_LATE and is_whole


async def counted(database: str) -> tuple[int, int]:
    """Visits and conversations there."""
    visits, conversations = [
        (await found(database, select(func.count()).select_from(table)))[0][0] for table in (sessions, rooms)
    ]
    return visits, conversations


async def lags(people_a_minute: int, seconds: float) -> bool:
    with tempfile.TemporaryDirectory() as folder, postgres() as server:
        databases = {"none": OFF, "SQLite": f"sqlite:///{Path(folder) / FILE}", "PostgreSQL": server.url()}
        good = [await lag(name, database, people_a_minute, seconds) for name, database in databases.items()]
    return all(good)


class Seen:
    """A server, as its operator sees it."""

    def __init__(self, client: aiohttp.ClientSession, server: Served) -> None:
        self._client = client
        self._url = server.url

    async def store(self) -> str:
        """How the health page says that the database is."""
        async with self._client.get(f"{self._url}videochat/health") as answer:
            told: dict[str, Any] = await answer.json()
            return str(told["store"])

    async def totals(self) -> dict[str, float]:
        """Each figure of the store and what it is compared with, all labels together."""
        async with self._client.get(f"{self._url}metrics") as answer:
            text = await answer.text()
        return {
            family.name: sum(sample.value for sample in family.samples if not sample.name.endswith("_created"))
            for family in text_string_to_metric_families(text)
            if family.name.startswith(("relay_store_", "relay_matches", "relay_sessions_"))
        }


async def watch(seen: Seen, seconds: float) -> list[tuple[float, str]]:
    """What the health page says twice a second, with the seconds since the first look; each time that it changes."""
    began = time.monotonic()
    changes: list[tuple[float, str]] = []
    while time.monotonic() - began < seconds:
        state = await seen.store()
        if not changes or state != changes[-1][1]:
            changes.append((time.monotonic() - began, state))
        await asyncio.sleep(0.5)
    return changes


async def away(people: int, seconds: float) -> bool:
    """Whether nothing was lost of what people said to each other, nor of what is kept of it."""
    generator.build()
    whole = BEFORE + seconds + AFTER
    settings = {
        "operator_token": TOKEN,
        "max_people": str(2 * people),
        "max_per_address": str(2 * people),
        "max_cpu_per_address": "1",
        "max_cpu": "1",
        "max_lag": "60",
        "log_level": "error",
        **dict.fromkeys([*RATES, "rate_skip"], OFTEN),
    }
    options = ("--people", str(people), "--seconds", str(whole), "--join-rate", JOIN_RATE, *TALK)
    with postgres() as server:
        settings["database"] = database = server.url()
        measuring, loop = asyncio.Event(), asyncio.get_running_loop()

        def note(phase: str, received: int) -> None:
            if phase == "measuring":
                loop.call_soon_threadsafe(measuring.set)

        async with (
            serving(EngineChoice.PACKETS, log=None, **settings) as relay,
            aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"}) as client,
            asyncio.TaskGroup() as group,
        ):
            seen = Seen(client, relay)
            address = f"{LOOPBACK}:{relay.port}"
            playing = group.create_task(
                asyncio.to_thread(lambda: generator.play("relay", address, *options, on_phase=note))
            )
            await measuring.wait()
            await asyncio.sleep(BEFORE)
            before = await seen.totals()
            server.stop()
            gone = await watch(seen, seconds)
            waited = (await seen.totals())["relay_store_waiting"]
            server.start()
            back = await watch(seen, AFTER - 5)
            report = await playing
            await asyncio.sleep(1)
            after = await seen.totals()
        rows = await counted(database)
    print(f"{people} people: {said(report)}")
    print(f"the health page, from the stop on: {in_words(gone)}; from the start on: {in_words(back)}")
    print(
        f"facts: {before['relay_store_written']:.0f} written before; {waited:.0f} waited at the end of {seconds:.0f} s;"
    )
    print(f"  afterwards {after['relay_store_written']:.0f} written, {after['relay_store_dropped']:.0f} dropped")
    expected = int(after["relay_sessions_opened"]), int(after["relay_matches"])
    print(f"in the database: {rows[0]} of {expected[0]} visits, {rows[1]} of {expected[1]} conversations")
    states = [state for _, state in gone[-1:] + back[-1:]]
    has_lost = bool(report.failures) or report.loss is None or report.loss >= MOST_LOST
    return not has_lost and rows == expected and states == ["away", "open"]


def said(report: Report) -> str:
    return (
        f"{report.pairings} pairings, {report.chat_read} messages read, {100 * (report.loss or 0):.4f} % of packets"
        f" lost, gaps {report.gaps}, failures {report.failures}, latency p99 {report.latency_ms.p99} ms"
    )


def in_words(changes: list[tuple[float, str]]) -> str:
    return ", ".join(f"{state} after {seconds:.1f} s" for seconds, state in changes)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("part", nargs="?", choices=["lag", "away"], help="only this")
    parser.add_argument("--people-a-minute", type=int, default=PEOPLE_A_MINUTE, help="`lag`")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="`lag`, each database")
    parser.add_argument("--people", type=int, default=PEOPLE, help="`away`")
    parser.add_argument("--away", type=float, default=AWAY, help="`away`: seconds without the database")
    chosen = parser.parse_args()
    good = True
    if chosen.part != "away":
        good &= asyncio.run(lags(chosen.people_a_minute, chosen.seconds))
    if chosen.part != "lag":
        good &= asyncio.run(away(chosen.people, chosen.away))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
