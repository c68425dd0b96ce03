"""A server in a process of its own, and what is known of it from outside."""

import json
import os
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from relay.config.settings import EngineChoice
from tests.kit.servers import Served, serving


@dataclass(frozen=True, slots=True)
class Books:
    """What a server has used and written so far."""

    cpu: float
    """Seconds."""
    resident: int
    """Bytes."""
    log_lines: int
    drops: dict[str, int]


class Besieged:
    """The server under attack."""

    def __init__(self, served: Served, log: Path) -> None:
        self.port = served.port
        self.url = served.url
        self._served = served
        self._log = log

    def books(self) -> Books:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/videochat/stats", timeout=10) as answer:
            drops: dict[str, int] = json.load(answer)["drops"]
        pages = int(Path(f"/proc/{self._served.process.pid}/statm").read_text().split()[1])
        lines = self._log.read_bytes().count(b"\n")
        return Books(self._served.cpu_seconds(), pages * os.sysconf("SC_PAGE_SIZE"), lines, drops)

    def log(self) -> str:
        return self._log.read_text()


@asynccontextmanager
async def besieged(engine: EngineChoice, folder: Path, people: int) -> AsyncIterator[Besieged]:
    """Serve so many people, and keep the log in `folder`."""
    log = folder / f"{engine.value}-{people}.log"
    most = {"max_people": str(2 * people), "max_per_address": str(2 * people), "max_cpu_per_address": "1"}
    with log.open("wb") as file:
        async with serving(engine, log=file, **most) as served:
            yield Besieged(served, log)
