"""A relay and a real Prometheus that watches it. Needs Debian's prometheus."""

import asyncio
import contextlib
import json
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import aiohttp

from relay.tasks import Tasks
from tests.kit.ports import free_port

RULES = Path(__file__).parents[3] / "docker" / "prometheus" / "rules.yml"
PLACES = 40
PATIENCE = 15.0
"""Seconds that the relay may take to start."""


def shortened(rules: str) -> str:
    """Minutes become seconds: what is waited for, looked back at, and averaged over."""
    rules = re.sub(r"for: \S+", "for: 1s", rules)
    rules = re.sub(r"\[(?:15m|5m|1m)\]", "[20s]", rules).replace("[1d]", "[1m]")
    return re.sub(r"offset (?:15m|6h|10m)", "offset 20s", rules)


class Scene:
    """A relay, a Prometheus that watches it, and the people and strangers who come to it."""

    def __init__(
        self, folder: Path, client: aiohttp.ClientSession, places: int = PLACES, operator_token: str = ""
    ) -> None:
        self.folder = folder
        self.client = client
        self._places = places
        self._operator_token = operator_token
        self.port, self.prometheus_port = free_port(), free_port()
        self.coturn = folder / "coturn.json"
        """Where Prometheus is to look for coturn's figures; it looks nowhere while there is no such file."""
        self.relay: subprocess.Popen[bytes] | None = None

    def start_relay(self, *wrapper: str, more: Sequence[str] = ()) -> None:
        """One core, so that its CPU can be used up. `more` are further flags."""
        command = [sys.executable, "-m", "relay"] if not wrapper else list(wrapper)
        settings: dict[str, str | int] = {
            "port": self.port,
            "bind": "127.0.0.1",
            "public-address": "127.0.0.1",
            "state-dir": str(self.folder),
            "metrics-allow": "127.0.0.1",
            "max-people": self._places,
            "max-per-address": max(1000, self._places),
        }
        if self._operator_token:
            settings["operator-token"] = self._operator_token
        options = [part for name, value in settings.items() for part in (f"--{name}", str(value))]
        log = (self.folder / "relay.log").open("ab")
        command = ["taskset", "--cpu-list", "0", *command, "serve", *options, *more]
        self.relay = subprocess.Popen(command, stderr=log)

    async def stop_relay(self) -> None:
        if self.relay is not None:
            self.relay.kill()
            await asyncio.to_thread(self.relay.wait)
            self.relay = None

    async def answers(self) -> None:
        """Wait until the relay takes people."""
        async with asyncio.timeout(PATIENCE):
            while True:
                with contextlib.suppress(aiohttp.ClientError):
                    async with self.client.get(f"http://127.0.0.1:{self.port}/videochat/health") as response:
                        if response.status == 200:
                            return
                await asyncio.sleep(0.1)

    async def query(self, expression: str) -> float:
        """What Prometheus makes of it now: one figure, or nothing, which is no figure."""
        values = [float(series["value"][1]) for series in await self.series(expression)]
        return values[0] if len(values) == 1 else float("nan")

    async def series(self, expression: str) -> list[dict[str, Any]]:
        """Every series that this expression gives now.

        Raises:
            ValueError: Prometheus does not understand it; its own words.
        """
        url = f"http://127.0.0.1:{self.prometheus_port}/api/v1/query"
        async with self.client.get(url, params={"query": expression}) as response:
            answer = await response.json()
        if answer["status"] != "success":
            raise ValueError(answer["error"])
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found

    def start_prometheus(self, interval: str = "1s") -> subprocess.Popen[bytes]:
        (self.folder / "rules.yml").write_text(shortened(RULES.read_text()))
        config = {
            "global": {"scrape_interval": interval, "scrape_timeout": "1s", "evaluation_interval": interval},
            "rule_files": ["rules.yml"],
            "scrape_configs": [
                {"job_name": "relay", "static_configs": [{"targets": [f"127.0.0.1:{self.port}"]}]},
                # The same one while it has a certificate.
                {
                    "job_name": "relay_tls",
                    "scheme": "https",
                    "tls_config": {"insecure_skip_verify": True},
                    "static_configs": [{"targets": [f"127.0.0.1:{self.port}"]}],
                },
                {"job_name": "coturn", "file_sd_configs": [{"files": [str(self.coturn)]}]},
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
        tasks = Tasks("people", lambda task, failure: print(f"{task}: {failure!r}", file=sys.stderr))
        async with contextlib.AsyncExitStack() as stack:
            visitors = []
            for _ in range(amount):
                connecting = self.client.ws_connect(f"http://127.0.0.1:{self.port}/ws", max_msg_size=0)
                visitor = await stack.enter_async_context(connecting)
                visitors.append(visitor)
                if say is not None:
                    await visitor.send_json(say)
            stack.push_async_callback(tasks.close)
            tasks.start("stay", _stay(visitors))
            yield


async def _stay(visitors: Sequence[aiohttp.ClientWebSocketResponse]) -> None:
    """Anyone who is not heard of is given up; some causes end the server meanwhile."""
    with contextlib.suppress(ConnectionResetError):
        while True:
            await asyncio.sleep(3)
            for visitor in visitors:
                await visitor.send_json({"event": "pong"})
