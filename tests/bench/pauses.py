"""How long the garbage collector stops the event loop of a crowded server: as Python does it, and as we do.

`make bench-pauses` has people join a server in a process of its own: most do nothing, some talk in pairs, and all the
time somebody goes and somebody else comes. Each collection's CPU is noted (`gc.callbacks`). Ends with 1 if one of ours
took longer than it may.
"""

import argparse
import asyncio
import gc
import json
import os
import resource
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp

from relay.tasks import Tasks
from tests.bench.servers import OFTEN, RATES
from tests.kit.ports import free_port
from tests.kit.servers import LOOPBACK, Served, start

PEOPLE = 5_000
TALKING = 0.2
"""Of them, in pairs."""
WRITES_EVERY = 2.0
"""Seconds, each who talks."""
COME_A_SECOND = 20
"""And as many go."""
SECONDS = 20.0
"""Of that."""
BATCH = 20
"""Who join at once: an address may have 32 connections that have said nothing yet."""
PER_ADDRESS = 250
"""So that none has spent what it may have."""
MOST = 0.020
"""Seconds that a pause may take."""
ANSWERS = 5.0
"""Seconds in which the server has to tell."""


class Pauses(NamedTuple):
    """What was noted in one part of it."""

    seconds: dict[str, list[float]]
    collected: int

    @property
    def longest(self) -> float:
        return max((max(of, default=0.0) for of in self.seconds.values()), default=0.0)

    def __str__(self) -> str:
        parts = [
            f"generation {generation}: {len(of)}, longest {1_000 * max(of, default=0.0):.1f} ms"
            for generation, of in self.seconds.items()
        ]
        total = sum(map(sum, self.seconds.values()))
        return f"{'; '.join(parts)}; {1_000 * total:.0f} ms of CPU, {self.collected} objects freed"


class Crowd:
    """People on one server, each with a WebSocket that is read."""

    def __init__(self, url: str, tasks: Tasks, stack: AsyncExitStack) -> None:
        self._url = f"{url}ws"
        self._tasks = tasks
        self._stack = stack
        self._clients: list[aiohttp.ClientSession] = []
        self.idle: list[aiohttp.ClientWebSocketResponse] = []
        self._came = 0

    async def come(self, number: int) -> list[aiohttp.ClientWebSocketResponse]:
        """So many more, at once."""
        return await asyncio.gather(*(self._come() for _ in range(number)))

    async def _come(self) -> aiohttp.ClientWebSocketResponse:
        at = self._came // PER_ADDRESS
        self._came += 1
        if at == len(self._clients):
            connector = aiohttp.TCPConnector(limit=0, local_addr=(f"127.0.1.{at + 1}", 0))
            self._clients.append(await self._stack.enter_async_context(aiohttp.ClientSession(connector=connector)))
        socket = await self._clients[at].ws_connect(self._url)
        assert (await socket.receive_json())["event"] == "connected"
        return socket

    def listen(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """So that the server is answered."""
        self._tasks.start("listen", self._listen(socket))

    async def pair(self) -> None:
        """Two come and talk to each other from now on."""
        ann, bob = await self.come(2)
        for person in (ann, bob):
            await person.send_json({"event": "find_partner", "data": {"mode": "text"}})
            await person.receive_json()
        for person in (ann, bob):
            self.listen(person)
            self._tasks.start("write", self._write(person))

    async def churn(self, seconds: float) -> None:
        """Somebody goes and somebody else comes, all the time."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            began = time.monotonic()
            gone, self.idle = self.idle[:COME_A_SECOND], self.idle[COME_A_SECOND:]
            await asyncio.gather(*(socket.close() for socket in gone))
            come = await self.come(len(gone))
            for socket in come:
                self.listen(socket)
            self.idle += come
            await asyncio.sleep(max(0.0, began + 1 - time.monotonic()))

    async def _listen(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            if '"ping"' in message.data:
                await socket.send_str('{"event":"pong"}')

    async def _write(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        for number in range(1_000_000):
            await asyncio.sleep(WRITES_EVERY)
            await socket.send_json({"event": "chat_message", "data": {"id": str(number), "text": "hello"}})


def taken(file: Path) -> Pauses | None:
    """What the server has written, once."""
    if not file.exists():
        return None
    found: dict[str, Any] = json.loads(file.read_text())
    file.unlink()
    return Pauses(found["seconds"], found["collected"])


async def told(server: Served, file: Path) -> Pauses:
    """What was noted since it was last asked."""
    server.process.send_signal(signal.SIGUSR1)
    async with asyncio.timeout(ANSWERS):
        while (pauses := taken(file)) is None:  # noqa: ASYNC110 - a signal has no answer
            await asyncio.sleep(0.05)
    return pauses


@asynccontextmanager
async def crowded(people: int, collects: str, file: Path) -> AsyncIterator[tuple[Served, Crowd]]:
    """A server, and nobody there yet."""
    os.environ.update(COLLECTIONS=str(file), COLLECTS=collects)
    settings = {
        "port": str(free_port()),
        "public_address": LOOPBACK,
        "max_people": str(people + 2 * COME_A_SECOND),
        "max_per_address": str(2 * PER_ADDRESS),
        "max_cpu_per_address": "1",
        "max_lag": "60",
        "max_cpu": "1",
        "log_level": "error",
        **dict.fromkeys(RATES, OFTEN),
    }
    process = await start(module="tests.bench.collecting", log=None, **settings)
    tasks = Tasks("crowd", lambda task, failure: None)
    try:
        async with AsyncExitStack() as stack:
            server = Served(process, int(settings["port"]))
            await server.answers()
            yield server, Crowd(f"http://{LOOPBACK}:{server.port}/", tasks, stack)
            await tasks.close()
    finally:
        # To say goodbye to so many would take longer than anybody waits, and is not what is measured.
        process.kill()
        await process.wait()


async def measure(people: int, seconds: float, collects: str, file: Path) -> float:
    """Print what was noted; returns the longest pause."""
    async with crowded(people, collects, file) as (server, crowd):
        empty = server.resident()
        await told(server, file)
        talking = int(people * TALKING / 2)
        while len(crowd.idle) < people - 2 * talking:
            come = await crowd.come(min(BATCH, people - 2 * talking - len(crowd.idle)))
            for socket in come:
                crowd.listen(socket)
            crowd.idle += come
        for _ in range(talking):
            await crowd.pair()
        joining = await told(server, file)
        kib = (server.resident() - empty) / 1_024 / people
        cpu = server.cpu_seconds()
        await crowd.churn(seconds)
        cpu = server.cpu_seconds() - cpu
        talk = await told(server, file)
        grown = (server.resident() - empty) / 1_024 / people
        async with aiohttp.ClientSession() as client, client.get(f"{server.url}videochat/stats") as answer:
            present = (await answer.json())["people"]
        assert present >= people - COME_A_SECOND, f"only {present} of {people} are left"
        print(f"{collects}: {people} people, {kib:.1f} KiB each, {grown:.1f} after {seconds:.0f} s of coming and going")
        print(f"  while they join: {joining}")
        print(f"  while they talk: {talk}; {100 * cpu / seconds:.0f} % of a core")
        return max(joining.longest, talk.longest)


async def compare(people: int, seconds: float) -> bool:
    """Whether none of ours takes too long."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "collections.json"
        before = await measure(people, seconds, "python", file)
        after = await measure(people, seconds, "relay", file)
    print(f"longest pause: {1_000 * before:.1f} ms as Python does it, {1_000 * after:.1f} ms as we do")
    return after <= MOST


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of talking, coming and going")
    chosen = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    gc.disable()  # of those who are played
    with suppress(KeyboardInterrupt):
        return 0 if asyncio.run(compare(chosen.people, chosen.seconds)) else 1
    return 1


if __name__ == "__main__":
    sys.exit(main())
