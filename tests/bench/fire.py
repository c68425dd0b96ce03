"""Fires every alert for real: causes its condition on a live server, and waits until a real Prometheus says so.

    python -m tests.bench.fire [ALERT...]

The rules are those of `docker/prometheus/`, with their waiting times shortened and nothing else changed:
thresholds are as they are. Needs prometheus (Debian's package); root for the memory alert, which wants a control group.
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

import aiohttp

from tests.bench.alerts.causes import CAUSES
from tests.bench.alerts.scene import Scene
from tests.kit import generator

PATIENCE = 90.0
"""Seconds that an alert has."""


async def fire(scene: Scene, alert: str) -> bool:
    """Cause one alert; True if it fired, and had not before."""
    await scene.settled()
    began = time.monotonic()
    async with CAUSES[alert](scene):
        caused = time.monotonic()
        while time.monotonic() - caused < PATIENCE:
            firing = await scene.firing()
            if alert in firing:
                others = ", ".join(sorted(firing - {alert})) or "no other"
                print(f"{alert:25} fired after {time.monotonic() - began:5.1f} s, with {others}", flush=True)
                return True
            await asyncio.sleep(0.5)
    print(f"{alert:25} DID NOT FIRE", flush=True)
    return False


async def main(alerts: list[str]) -> int:
    generator.build()  # which may take minutes, and is not part of any cause
    with tempfile.TemporaryDirectory() as folder:
        async with aiohttp.ClientSession() as client:
            scene = Scene(Path(folder), client)
            scene.start_relay()
            prometheus = scene.start_prometheus()
            try:
                fired = [await fire(scene, alert) for alert in alerts or CAUSES]
            finally:
                await scene.stop_relay()
                prometheus.terminate()
                await asyncio.to_thread(prometheus.wait)
    return 0 if all(fired) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
