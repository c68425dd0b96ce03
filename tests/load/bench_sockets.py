"""Ten thousand visitors who do nothing: what they cost, and how soon a newcomer is paired among them.

`make bench-sockets` runs a server in a process of its own and prints its memory and CPU. The
visitors connect from many loopback addresses, as ports of one address would run out.
"""

import argparse
import asyncio
import json
import os
import resource
import statistics
import sys
import time
from pathlib import Path

import aiohttp

from tests.conftest import free_port

BATCH = 100
NEWCOMERS = 20
PER_ADDRESS = 5_000


class Server:
    """`relay serve`, and what the system says of it."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}"

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mib(self) -> float:
        """Resident, in MiB."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


async def start(people: int) -> Server:
    port = free_port()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("RELAY_")},
        "RELAY_PORT": str(port),
        "RELAY_PUBLIC_ADDRESS": "127.0.0.1",
        "RELAY_MAX_PEOPLE": str(people + 2 * NEWCOMERS),
        "RELAY_MAX_PER_ADDRESS": str(PER_ADDRESS),
        "RELAY_MAX_CPU_PER_ADDRESS": "1",
        "RELAY_LOG_LEVEL": "warning",
    }
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "relay", "serve", env=environment)
    server = Server(process, port)
    async with asyncio.timeout(15), aiohttp.ClientSession() as client:
        while True:
            try:
                async with client.get(f"{server.url}/videochat/health"):
                    return server
            except aiohttp.ClientError:
                await asyncio.sleep(0.05)


async def visit(client: aiohttp.ClientSession, url: str) -> aiohttp.ClientWebSocketResponse:
    socket = await client.ws_connect(f"{url}/ws")
    assert (await socket.receive_json())["event"] == "connected"
    return socket


async def pair(client: aiohttp.ClientSession, url: str) -> float:
    """Milliseconds from a newcomer's search to their partner, when another one waits."""
    waiting, newcomer = await visit(client, url), await visit(client, url)
    await waiting.send_json({"event": "find_partner"})
    assert (await waiting.receive_json())["event"] == "waiting_for_partner"
    began = time.perf_counter()
    await newcomer.send_json({"event": "find_partner"})
    assert (await newcomer.receive_json())["event"] == "partner_found"
    took = 1_000 * (time.perf_counter() - began)
    await newcomer.close()
    await waiting.close()
    return took


async def measure(people: int, seconds: float) -> dict[str, float]:
    server = await start(people)
    clients: list[aiohttp.ClientSession] = []
    try:
        empty = server.memory_mib()
        began, cpu = time.perf_counter(), server.cpu_seconds()
        for number in range(-(-people // PER_ADDRESS)):
            connector = aiohttp.TCPConnector(limit=0, local_addr=(f"127.0.1.{number + 1}", 0))
            clients.append(aiohttp.ClientSession(connector=connector))
        sockets: list[aiohttp.ClientWebSocketResponse] = []
        while len(sockets) < people:
            client = clients[len(sockets) // PER_ADDRESS]
            sockets += await asyncio.gather(
                *(visit(client, server.url) for _ in range(min(BATCH, people - len(sockets))))
            )
        joined = time.perf_counter() - began
        join_cpu = server.cpu_seconds() - cpu
        full = server.memory_mib()
        # Everyone listens, so that pings are answered, as in a browser.
        listeners = [asyncio.ensure_future(socket.receive()) for socket in sockets]
        began, cpu = time.perf_counter(), server.cpu_seconds()
        await asyncio.sleep(seconds)
        idle_percent = 100 * (server.cpu_seconds() - cpu) / (time.perf_counter() - began)
        async with aiohttp.ClientSession() as newcomers:
            waits = [await pair(newcomers, server.url) for _ in range(NEWCOMERS)]
            async with newcomers.get(f"{server.url}/videochat/stats") as response:
                present = (await response.json())["people"]
        for listener in listeners:
            listener.cancel()
        assert present >= people, f"only {present} of {people} are left"
        return {
            "people": people,
            "mib": round(full, 1),
            "kib_per_person": round(1_024 * (full - empty) / people, 1),
            "join_seconds": round(joined, 1),
            "join_cpu_ms": round(1_000 * join_cpu / people, 2),
            "idle_core_percent": round(idle_percent, 1),
            "pair_ms_p50": round(statistics.median(waits), 1),
            "pair_ms_max": round(max(waits), 1),
        }
    finally:
        server.process.terminate()
        await server.process.wait()
        for client in clients:
            await client.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=45.0, help="of idling; pings come every 20")
    chosen = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = chosen.people + 500
    if soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(needed, hard), hard))
    print(json.dumps(asyncio.run(measure(chosen.people, chosen.seconds)), indent=2))


if __name__ == "__main__":
    main()
