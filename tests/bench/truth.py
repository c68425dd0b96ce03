"""Whether the operator is told the truth: people are played, some of them with loss, and what the console, /metrics
and a real Prometheus say is held against what the generator itself counted.

    python -m tests.bench.truth [--people 200] [--seconds 30] [--pictures FOLDER]

Prints a table and ends with 1 if anything is off by more than `TOLERANCE`, or if a panel of a Grafana dashboard asks
what this Prometheus has no answer to. Needs prometheus (Debian's package), and
Chromium for pictures of the console.
"""

import argparse
import asyncio
import math
import re
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from tests.bench.alerts.console import Console, photograph
from tests.bench.alerts.scene import Scene
from tests.kit import generator
from tests.kit.generator import Report
from tests.kit.prometheus import DASHBOARDS, load

TOLERANCE = 0.02
DELAY = 5.0
"""Seconds after which what happened is to be seen."""
TOKEN = "the operator of a made-up crowd"

PATIENCE = 60.0
"""Seconds that Prometheus may take to have an answer to everything."""

LOSS = 0.05
LOSSY = 3
"""Of ten people."""


@dataclass(frozen=True, slots=True)
class Line:
    """One figure: as the generator counted it, and as it was told."""

    figure: str
    teller: str
    counted: float
    told: float

    @property
    def off(self) -> float:
        """By which part of what was counted."""
        return abs(self.told - self.counted) / self.counted if self.counted else abs(self.told)


async def metrics(scene: Scene) -> dict[str, float]:
    """Each sample of /metrics by its name and labels."""
    async with scene.client.get(f"http://127.0.0.1:{scene.port}/metrics") as response:
        text = await response.text()
    return {
        sample.name + "".join(f"[{value}]" for _, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def while_they_talk(scene: Scene, people: int) -> list[Line]:
    """What the console and Prometheus say of the moment, as soon as they have to know."""
    await asyncio.sleep(DELAY)
    overview = await Console(scene.client, scene.port, TOKEN).overview()
    told = [
        Line("people", "console", people, overview["people"]),
        Line("talking", "console", people, overview["talking"]),
        Line("rooms", "console", people // 2, overview["rooms_in_all"]),
    ]
    for figure, counted, query in (
        ("people", people, "sum(relay_people)"),
        ("talking", people, 'relay_people{state="talking"}'),
        ("rooms", people // 2, "relay_rooms"),
    ):
        told.append(Line(figure, "Prometheus", counted, await scene.query(query)))
    return told


NOTHING_TO_SEE = re.compile(r" > 0$|relay_errors_total|relay_limit_hits_total|relay_link_estimate")
"""Of the first nothing is to be seen where nothing went wrong; and people who are played do not estimate."""


async def unanswered(scene: Scene) -> set[str]:
    """What the dashboards ask, and Prometheus has no answer to now."""
    silent = set()
    for dashboard in DASHBOARDS:
        for panel in load(dashboard)["panels"]:
            for target in panel["targets"]:
                found = await scene.series(target["expr"])
                figures = [series for series in found if not math.isnan(float(series["value"][1]))]
                if not figures and not NOTHING_TO_SEE.search(target["expr"]):
                    silent.add(f"{dashboard.stem}: {panel['title']}: {target['expr']}")
    return silent


def afterwards(figures: dict[str, float], report: Report) -> list[Line]:
    """What /metrics says of the whole run, once everybody has gone."""
    lost = {
        way: figures[f"relay_media_packets_lost_total[{way}]"] / figures[f"relay_media_packets_expected_total[{way}]"]
        for way in ("in", "out")
    }
    return [
        Line("packets in", "/metrics", report.up.passed, figures["relay_media_packets_total[in]"]),
        Line("packets out", "/metrics", report.down.datagrams, figures["relay_media_packets_total[out]"]),
        Line("loss in", "/metrics", report.up.rtp_lost / report.up.rtp, lost["in"]),
        Line("loss out", "/metrics", report.down.rtp_lost / report.down.rtp, lost["out"]),
    ]


async def told(
    people: int, seconds: float, pictures: Path | None = None, heard: Callable[[str], None] = print
) -> list[Line]:
    """Play so many people for so long, and collect what is said of them."""
    with tempfile.TemporaryDirectory() as folder:
        async with aiohttp.ClientSession() as client:
            scene = Scene(Path(folder), client, places=2 * people, operator_token=TOKEN)
            scene.start_relay()
            prometheus = scene.start_prometheus(interval="5s")
            try:
                await scene.answers()
                if pictures is not None:
                    await asyncio.sleep(2 * DELAY)
                    await photograph(scene.port, TOKEN, pictures, "operator_0")
                return await _play(scene, people, seconds, pictures, heard)
            finally:
                await scene.stop_relay()
                prometheus.terminate()
                await asyncio.to_thread(prometheus.wait)


async def _play(
    scene: Scene, people: int, seconds: float, pictures: Path | None, heard: Callable[[str], None]
) -> list[Line]:
    loop = asyncio.get_running_loop()
    measuring = asyncio.Event()

    def phase(name: str, _received: int) -> None:
        heard(f"generator: {name}")
        if name == "measuring":
            loop.call_soon_threadsafe(measuring.set)

    options = {
        "people": people,
        "seconds": seconds,
        "settle": 2,
        "video-kbps": 150,
        "fps": 15,
        "loss": LOSS,
        "lossy": LOSSY,
    }
    arguments = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    async with asyncio.TaskGroup() as group:
        playing = group.create_task(
            asyncio.to_thread(generator.play, "relay", f"127.0.0.1:{scene.port}", *arguments, on_phase=phase)
        )
        await measuring.wait()
        lines = await while_they_talk(scene, people)
        # Browsers' reports, and a scrape after that; they still talk while the console has its picture taken.
        await asyncio.sleep(max(DELAY, seconds - (3 if pictures is None else 7) * DELAY))
        silent = await unanswered(scene)
        scraping = await scene.query('max_over_time(scrape_duration_seconds{job="relay"}[30s])')
        heard(f"Prometheus: the longest scrape took {1_000 * scraping:.1f} ms")
        if pictures is not None:
            await photograph(scene.port, TOKEN, pictures, f"operator_{people}")
    report = playing.result()
    lines += afterwards(await metrics(scene), report)
    # How long conversations were is known when nobody may come back to them any more.
    deadline = loop.time() + PATIENCE
    while silent and loop.time() < deadline:
        await asyncio.sleep(DELAY)
        silent &= await unanswered(scene)
    return lines + [Line(question, "dashboard", 1, 0) for question in sorted(silent)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--pictures", type=Path)
    chosen = parser.parse_args()
    generator.build()
    lines = asyncio.run(told(chosen.people, chosen.seconds, chosen.pictures))
    for line in lines:
        print(f"{line.figure:12} {line.teller:10} {line.counted:12.6g} {line.told:12.6g}  off by {line.off:.2%}")
    return 0 if all(line.off <= TOLERANCE for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
