"""Fires every alert for real: causes its condition on a live server, and waits until a real Prometheus says so.

    python -m tests.monitoring.fire [ALERT...]

The rules are those of `docker/prometheus/`, with their waiting times shortened and nothing else changed:
thresholds are as they are. Needs prometheus (Debian's package); root for the memory alert, which wants a control group.
"""
# ruff: noqa: ASYNC220, ASYNC240 - one scene at a time: nobody waits for this loop

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import aiohttp

from tests.conftest import free_port
from tests.unit.offers import ROLES, offer

RULES = Path(__file__).parents[2] / "docker" / "prometheus" / "rules.yml"
PLACES = 40
PATIENCE = 90.0
"""Seconds that an alert has."""
GROUP = Path("/sys/fs/cgroup/memory/relay-fire")
"""Version 1; on version 2 the folder is one above."""


def shortened(rules: str) -> str:
    """Minutes become seconds: what is waited for, looked back at, and averaged over."""
    rules = re.sub(r"for: \S+", "for: 1s", rules)
    rules = re.sub(r"\[(?:5m|1m)\]", "[20s]", rules).replace("[1d]", "[1m]")
    return re.sub(r"offset (?:15m|6h|10m)", "offset 20s", rules)


class Scene:
    """A relay, a Prometheus that watches it, and the people and strangers who come to it."""

    def __init__(self, folder: Path, client: aiohttp.ClientSession) -> None:
        self.folder = folder
        self.client = client
        self.port, self.prometheus_port = free_port(), free_port()
        self.relay: subprocess.Popen[bytes] | None = None

    def start_relay(self, *wrapper: str) -> None:
        """One core, so that its CPU can be used up."""
        command = [sys.executable, "-m", "relay"] if not wrapper else list(wrapper)
        settings = {
            "port": self.port,
            "bind": "127.0.0.1",
            "public-address": "127.0.0.1",
            "max-people": PLACES,
            "max-per-address": 1000,
        }
        options = [part for name, value in settings.items() for part in (f"--{name}", str(value))]
        log = (self.folder / "relay.log").open("ab")
        command = ["taskset", "--cpu-list", "0", *command, "serve", *options]
        self.relay = subprocess.Popen(command, stderr=log)

    async def stop_relay(self) -> None:
        if self.relay is not None:
            self.relay.kill()
            await asyncio.to_thread(self.relay.wait)
            self.relay = None

    def start_prometheus(self) -> subprocess.Popen[bytes]:
        (self.folder / "rules.yml").write_text(shortened(RULES.read_text()))
        config = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "rule_files": ["rules.yml"],
            "scrape_configs": [
                {"job_name": "relay", "static_configs": [{"targets": [f"127.0.0.1:{self.port}"]}]},
            ],
        }
        (self.folder / "prometheus.yml").write_text(json.dumps(config))
        options = {
            "config.file": self.folder / "prometheus.yml",
            "storage.tsdb.path": self.folder / "data",
            "web.listen-address": f"127.0.0.1:{self.prometheus_port}",
        }
        log = (self.folder / "prometheus.log").open("wb")
        return subprocess.Popen(["prometheus", *(f"--{name}={value}" for name, value in options.items())], stderr=log)

    async def firing(self) -> set[str]:
        url = f"http://127.0.0.1:{self.prometheus_port}/api/v1/alerts"
        try:
            async with self.client.get(url) as response:
                alerts = (await response.json())["data"]["alerts"]
        except aiohttp.ClientError:
            return set()
        return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}

    async def settled(self) -> None:
        """The relay answers, has been watched for a while, and nothing fires."""
        began = time.monotonic()
        while time.monotonic() - began < 120:
            await asyncio.sleep(1)
            if time.monotonic() - began > 25 and not await self.firing():
                return
        raise TimeoutError(f"still firing: {await self.firing()}")

    @contextlib.asynccontextmanager
    async def people(self, amount: int, say: dict[str, Any] | None = None) -> AsyncIterator[None]:
        """So many WebSockets, each of which says one thing."""
        async with contextlib.AsyncExitStack() as stack:
            visitors = []
            for _ in range(amount):
                connecting = self.client.ws_connect(f"http://127.0.0.1:{self.port}/ws", max_msg_size=0)
                visitor = await stack.enter_async_context(connecting)
                visitors.append(visitor)
                if say is not None:
                    await visitor.send_json(say)
            staying = asyncio.ensure_future(_stay(visitors))
            yield
            staying.cancel()


async def _stay(visitors: Sequence[aiohttp.ClientWebSocketResponse]) -> None:
    """Whoever is not heard of is given up."""
    while True:
        await asyncio.sleep(3)
        for visitor in visitors:
            await visitor.send_json({"event": "pong"})


Cause = Callable[[Scene], "contextlib.AbstractAsyncContextManager[None]"]


@contextlib.asynccontextmanager
async def again_and_again(act: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Do it until the end of the block."""

    async def repeat() -> None:
        while True:
            await act()

    async with asyncio.TaskGroup() as group:
        repeating = [group.create_task(repeat()) for _ in range(8)]
        yield
        for task in repeating:
            task.cancel()


@contextlib.asynccontextmanager
async def the_process_is_gone(scene: Scene) -> AsyncIterator[None]:
    await scene.stop_relay()
    yield
    scene.start_relay()


@contextlib.asynccontextmanager
async def newcomers_find_it_full(scene: Scene) -> AsyncIterator[None]:
    async def come() -> None:
        async with scene.people(1):
            await asyncio.sleep(0.2)

    async with scene.people(PLACES), again_and_again(come):
        yield


@contextlib.asynccontextmanager
async def places_are_taken(scene: Scene) -> AsyncIterator[None]:
    async with scene.people(PLACES - 1):
        yield


@contextlib.asynccontextmanager
async def no_check_ever_comes(scene: Scene) -> AsyncIterator[None]:
    """Everybody offers, and no packet of theirs gets through: the firewall forgot the media port."""
    say = {"event": "webrtc_offer", "data": {"sdp": offer(), "lines": ROLES}}
    async with scene.people(PLACES, say):
        yield


@contextlib.asynccontextmanager
async def the_cores_are_taken(scene: Scene) -> AsyncIterator[None]:
    """Other programs want the relay's core, and people talk."""
    hogs = [
        subprocess.Popen(["taskset", "--cpu-list", "0", sys.executable, "-c", "while True: pass"]) for _ in range(6)
    ]
    target, stranger = ("127.0.0.1", scene.port), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    async def keep_it_busy() -> None:
        for _ in range(40):
            stranger.sendto(bytes(1_000), target)
        await asyncio.sleep(0.002)

    try:
        async with again_and_again(keep_it_busy):
            yield
    finally:
        stranger.close()
        for hog in hogs:
            hog.kill()
            hog.wait()


@contextlib.asynccontextmanager
async def the_loop_stalls(scene: Scene) -> AsyncIterator[None]:
    assert scene.relay is not None
    scene.relay.send_signal(signal.SIGSTOP)
    await asyncio.sleep(3.0)
    scene.relay.send_signal(signal.SIGCONT)
    yield


@contextlib.asynccontextmanager
async def everybody_asks_at_once(scene: Scene) -> AsyncIterator[None]:
    assert scene.relay is not None
    # Whatever else runs here must not take the core from it.
    os.setpriority(os.PRIO_PROCESS, scene.relay.pid, -15)

    async def ask() -> None:
        with contextlib.suppress(aiohttp.ClientError):
            await (await scene.client.get(f"http://127.0.0.1:{scene.port}/metrics")).read()

    async with again_and_again(ask):
        yield


@contextlib.asynccontextmanager
async def a_crowd_comes(scene: Scene) -> AsyncIterator[None]:
    async def come() -> None:
        async with scene.people(1):
            await asyncio.sleep(0.5)

    async with again_and_again(come):
        yield


@contextlib.asynccontextmanager
async def the_crowd_goes(scene: Scene) -> AsyncIterator[None]:
    async with scene.people(30):
        await asyncio.sleep(25)
    yield


@contextlib.asynccontextmanager
async def strangers_flood_the_port(scene: Scene) -> AsyncIterator[None]:
    target, stranger = ("127.0.0.1", scene.port), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    async def send() -> None:
        stranger.sendto(b"\x80" + bytes(200), target)
        await asyncio.sleep(0.003)

    async with again_and_again(send):
        yield
    stranger.close()


@contextlib.asynccontextmanager
async def memory_is_short(scene: Scene) -> AsyncIterator[None]:
    """The relay gets a control group whose limit is a little above what it holds."""
    assert scene.relay is not None
    group = GROUP if GROUP.parent.is_dir() else GROUP.parent.parent / GROUP.name
    held = int(Path(f"/proc/{scene.relay.pid}/statm").read_text().split()[1]) * 4096
    group.mkdir(exist_ok=True)
    limit = group / ("memory.limit_in_bytes" if GROUP.parent.is_dir() else "memory.max")
    limit.write_text(str(int(held / 0.9)))
    (group / "cgroup.procs").write_text(str(scene.relay.pid))
    yield
    await scene.stop_relay()
    group.rmdir()
    scene.start_relay()


@contextlib.asynccontextmanager
async def a_task_fails(scene: Scene) -> AsyncIterator[None]:
    """The one that is staged: a relay whose own task raises after a while, for there is no known bug to cause."""
    await scene.stop_relay()
    scene.start_relay(sys.executable, "-m", "tests.monitoring.faulty")
    yield
    await scene.stop_relay()
    scene.start_relay()


CAUSES: dict[str, Cause] = {
    "RelayMemoryHigh": memory_is_short,
    "RelayNearlyFull": places_are_taken,
    "RelayHighErrorRate": newcomers_find_it_full,
    "RelayConnectionFailures": no_check_ever_comes,
    "RelayMediaThreadLag": the_cores_are_taken,
    "RelaySlowResponses": the_loop_stalls,
    "RelayCpuHigh": everybody_asks_at_once,
    "RelayUnusualArrivals": a_crowd_comes,
    "RelayPeopleVanished": the_crowd_goes,
    "RelayHostilePackets": strangers_flood_the_port,
    "RelayMistakes": a_task_fails,
    "RelayDown": the_process_is_gone,
}


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
