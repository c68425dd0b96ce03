"""Who is at a besieged server for its own sake: two who write to each other, and newcomers. Each from an address of
its own."""

import asyncio
import itertools
import ssl
import statistics
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe
from typing import Any

import aiohttp
import aioice.ice
import msgspec

from relay.protocol.messages import Role
from tests.bench.attack.besiegers import Apart
from tests.kit import people as visitors
from tests.kit.people import MediaVisitor, Visitor

LINE_INTERVAL = 0.2
"""Seconds between two lines of chat, which the two write in turn: within what they may at once."""
PATIENCE = 8.0
"""Seconds that a newcomer waits for the greeting."""
ANN, BOB, DORA, EMIL, NEIGHBOUR = "127.0.9.1", "127.0.9.2", "127.0.9.3", "127.0.9.4", "127.0.1.1"


def _anyone() -> ssl.SSLContext:
    """Trusts everybody: the certificate is made for the test."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


ANYONE = _anyone()


@asynccontextmanager
async def opened(url: str, address: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A WebSocket to the server at `url` (http or https), from this address."""
    connector = aiohttp.TCPConnector(local_addr=(address, 0), ssl=ANYONE)
    async with aiohttp.ClientSession(connector=connector) as client, client.ws_connect(f"{url}ws") as socket:
        yield socket


@dataclass(frozen=True, slots=True)
class Arrival:
    """How a newcomer fared."""

    seconds: float
    """From the TCP connection to the greeting, or to what came instead."""
    refusal: str | None = None
    """The code, `reset`, or `late`; None for who was let in."""


async def arrive(url: str, address: str) -> Arrival:
    """Come, be greeted or refused, and go."""
    began = asyncio.get_running_loop().time()
    refusal = None
    try:
        async with asyncio.timeout(PATIENCE), opened(url, address) as socket:
            message = msgspec.json.decode(await socket.receive_str())
            took = asyncio.get_running_loop().time() - began
            if message["event"] != "connected":
                refusal = str(message["data"]["code"])
            return Arrival(took, refusal)
    except TimeoutError:
        refusal = "late"
    except (OSError, aiohttp.ClientError, TypeError):
        # TypeError is aiohttp's for a close where text was expected.
        refusal = "reset"
    return Arrival(asyncio.get_running_loop().time() - began, refusal)


@dataclass(slots=True)
class Chat:
    """What two people wrote, and how long it took."""

    clock: Callable[[], float] = time.monotonic
    sent: dict[str, float] = field(default_factory=dict)
    heard: dict[str, float] = field(default_factory=dict)

    def seconds(self) -> list[float]:
        """For each line; one that has not come counts as if it came now."""
        now = self.clock()
        return sorted(self.heard.get(line, now) - at for line, at in self.sent.items())


@asynccontextmanager
async def bystanders(url: str, chat: Chat) -> AsyncIterator[None]:
    """Ann and Bob, who write each other lines until the end."""
    async with opened(url, ANN) as ann, opened(url, BOB) as bob:
        for socket in (ann, bob):
            assert (await socket.receive_json())["event"] == "connected"
        await ann.send_json({"event": "find_partner", "data": {"mode": "text"}})
        assert (await ann.receive_json())["event"] == "waiting_for_partner"
        await bob.send_json({"event": "find_partner", "data": {"mode": "text"}})
        for socket in (ann, bob):
            assert (await socket.receive_json())["event"] == "partner_found"
        tasks = [asyncio.ensure_future(_listen(socket, chat)) for socket in (ann, bob)]
        tasks.append(asyncio.ensure_future(_write(ann, bob, chat)))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _listen(socket: aiohttp.ClientWebSocketResponse, chat: Chat) -> None:
    async for message in socket:
        said: dict[str, Any] = msgspec.json.decode(message.data)
        if said["event"] == "chat_message":
            chat.heard[said["data"]["id"]] = chat.clock()
        elif said["event"] == "ping":
            await socket.send_json({"event": "pong"})


async def _write(ann: aiohttp.ClientWebSocketResponse, bob: aiohttp.ClientWebSocketResponse, chat: Chat) -> None:
    for number in itertools.count():
        chat.sent[str(number)] = chat.clock()
        with suppress(ConnectionError):
            await (ann, bob)[number % 2].send_json(
                {"event": "chat_message", "data": {"id": str(number), "text": "still here"}}
            )
        await asyncio.sleep(LINE_INTERVAL)


@dataclass(frozen=True, slots=True)
class Meeting:
    """How soon two newcomers had what they came for; None: not in time, or for what it failed."""

    connected: float | None = None
    """Seconds to media with keys."""
    seen: float | None = None
    """Seconds to the first picture of the partner."""
    trouble: str = ""


def pair(url: str, seconds: float) -> Apart[Meeting]:
    """Dora and Emil, newcomers with cameras, in a process of their own: pictures cost what chat would wait for."""
    return Apart(_meet_in_process, url, seconds)


def _meet_in_process(url: str, seconds: float, pipe: Pipe) -> None:
    pipe.send(None)
    pipe.recv()
    pipe.send(asyncio.run(_meet(url, seconds)))


async def _meet(url: str, seconds: float) -> Meeting:
    visitors.PATIENCE = seconds
    loop = asyncio.get_running_loop()
    began = loop.time()
    connected: list[float] = []
    seen: list[float] = []
    trouble = ""

    async def come(address: str, luma: int) -> None:
        async with opened(url, address) as socket:
            visitor = Visitor(socket)
            await visitor.hear("connected")
            aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: [address]
            media = MediaVisitor(visitor, luma)
            try:
                await media.connect()
                connected.append(loop.time() - began)
                await visitor.say("find_partner")
                await media.received(Role.PARTNER_CAMERA).recv()
                seen.append(loop.time() - began)
                while len(seen) < 2:  # noqa: ASYNC110 - the other one leaves when this one does
                    await asyncio.sleep(0.01)
            finally:
                await media.close()

    try:
        async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
            group.create_task(come(DORA, 60))
            group.create_task(come(EMIL, 200))
    except TimeoutError:
        trouble = "late"
    except BaseExceptionGroup as failed:
        trouble = _named(failed)
    return Meeting(_last(connected), _last(seen), trouble)


def _last(both: list[float]) -> float | None:
    return max(both) if len(both) == 2 else None


def _named(failed: BaseExceptionGroup[BaseException]) -> str:
    """The code of a refusal, if it was one."""
    text = str(failed.exceptions[0])
    code = next((code for code in ("server_full", "too_many_connections", "connection_failed") if code in text), None)
    return code or ("reset" if isinstance(failed.exceptions[0], OSError | aiohttp.ClientError) else "failed")


def median(values: list[float]) -> float | None:
    return statistics.median(values) if values else None
