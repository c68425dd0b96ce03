"""Upgrade drill: a server is drained and ends while people talk, another starts on its port, and all come back.

`python -m tests.bench.upgrade` prints how soon: from the new server's first answer until everybody talks again, and
from the moment at which the old one sent them away. People are visitors with a WebSocket, who connect again as the
client does (`client/src/core/machine/socket.ts`): the pause is drawn from zero to 0.3 s, which doubles, up to 3 s where
a server restarts.
"""

import argparse
import asyncio
import random
import sys
import time
from collections.abc import Sequence

import aiohttp

from tests.bench.soak import serving
from tests.kit.ports import free_port

PEOPLE = 40
DRAIN = 1
"""Seconds that the old server lets conversations go on."""
FIRST_PAUSE, LONGEST_PAUSE = 0.3, 3.0
"""Seconds between attempts to connect, at most."""


class Person:
    """Talks, and comes back when they are sent away."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.talking = asyncio.Event()
        self.sent_away = asyncio.Event()

    async def live(self, client: aiohttp.ClientSession) -> None:
        pause = FIRST_PAUSE
        while True:
            try:
                async with client.ws_connect(self._url) as socket:
                    pause = FIRST_PAUSE
                    await self._visit(socket)
            except aiohttp.ClientError:
                pass
            if self.talking.is_set():
                self.talking.clear()
                self.sent_away.set()
            await asyncio.sleep(pause * random.random())
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _visit(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for frame in socket:
            match frame.json()["event"]:
                case "connected":
                    await socket.send_json({"event": "find_partner", "data": {"mode": "text"}})
                case "partner_found":
                    self.talking.set()
                case "partner_disconnected":
                    self.talking.clear()
                case "ping":
                    await socket.send_json({"event": "pong"})


async def _all(events: Sequence[asyncio.Event], seconds: float) -> None:
    async with asyncio.timeout(seconds):
        await asyncio.gather(*(event.wait() for event in events))


async def drill(people: int) -> tuple[float, float]:
    """Seconds until all talk again: since they were sent away, and since the new server answers."""
    port = str(free_port())
    persons = [Person(f"http://127.0.0.1:{port}/ws") for _ in range(people)]
    async with aiohttp.ClientSession() as client, asyncio.TaskGroup() as group:
        async with serving(port=port, drain_timeout=str(DRAIN)) as old:
            living = [group.create_task(person.live(client)) for person in persons]
            await _all([person.talking for person in persons], 30)
            old.process.terminate()
            assert await old.process.wait() == 0
        await _all([person.sent_away for person in persons], 10)
        away = time.monotonic()
        async with serving(port=port, drain_timeout="0"):
            up = time.monotonic()
            await _all([person.talking for person in persons], 30)
            back = time.monotonic()
            for life in living:
                life.cancel()
    return back - away, back - up


def main() -> int:
    """Print the times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=PEOPLE)
    since_away, since_up = asyncio.run(drill(parser.parse_args().people))
    print(
        f"everybody talks again {since_up:.1f} s after the new server is up, {since_away:.1f} s after the old one ended"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
