"""What brings each alert about on a live server. All of it is real but for two, which say so."""
# ruff: noqa: ASYNC220, ASYNC240 - one scene at a time: nobody waits for this loop

import asyncio
import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp

from relay.store.database import FILE
from tests.bench.alerts.scene import PLACES, Scene
from tests.kit import generator
from tests.kit.certificates import certificate
from tests.kit.offers import ROLES, offer
from tests.kit.ports import free_port

GROUP = Path("/sys/fs/cgroup/memory/relay-fire")
"""Version 1; on version 2 the folder is one above."""

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
    scene.start_relay(sys.executable, "-m", "tests.bench.alerts.faulty")
    yield
    await scene.stop_relay()
    scene.start_relay()


@contextlib.asynccontextmanager
async def pairs(scene: Scene, amount: int) -> AsyncIterator[list[tuple[aiohttp.ClientWebSocketResponse, str]]]:
    """So many people in conversation, each with their room. Nobody else may be waiting."""
    async with contextlib.AsyncExitStack() as stack:
        people = []
        for _ in range(amount):
            connecting = scene.client.ws_connect(f"http://127.0.0.1:{scene.port}/ws", max_msg_size=0)
            visitor = await stack.enter_async_context(connecting)
            await visitor.send_json({"event": "find_partner"})
            people.append(visitor)
        rooms = []
        for visitor in people:
            while (message := await visitor.receive_json())["event"] != "partner_found":
                pass
            rooms.append((visitor, message["data"]["room_id"]))
        yield rooms


@contextlib.asynccontextmanager
async def pictures_stand_still(scene: Scene) -> AsyncIterator[None]:
    """By what browsers say."""
    async with pairs(scene, 8) as people:

        async def report() -> None:
            await asyncio.sleep(1)
            for visitor, room in people:
                data = {"room_id": room, "seconds": 1.0, "freezes": 1, "frozen_seconds": 0.3}
                await visitor.send_json({"event": "pong"})
                await visitor.send_json({"event": "quality_report", "data": data})

        async with asyncio.TaskGroup() as group:
            reporting = group.create_task(_for_ever(report))
            yield
            reporting.cancel()


@contextlib.asynccontextmanager
async def partners_are_seen_late(scene: Scene) -> AsyncIterator[None]:
    """By what browsers say."""
    async with pairs(scene, 30) as people:
        await asyncio.sleep(4.5)
        for visitor, room in people:
            data = {"room_id": room, "medium": "picture", "seconds": 4.5}
            await visitor.send_json({"event": "first_frame", "data": data})
        yield


@contextlib.asynccontextmanager
async def links_lose_packets(scene: Scene) -> AsyncIterator[None]:
    """One datagram in ten, of everybody, each way."""
    options = ("--people", "16", "--seconds", "60", "--loss", "0.1")
    command = [str(generator.LOADGEN), "relay", "--server", f"127.0.0.1:{scene.port}", *options]
    playing = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        playing.terminate()
        playing.wait()


@contextlib.asynccontextmanager
async def little_may_be_kept(scene: Scene) -> AsyncIterator[None]:
    """Of sixteen people's pictures, a quarter of what they would need."""
    await scene.stop_relay()
    scene.start_relay(more=("--max-cache", "400000"))
    await scene.answers()
    options = ("--people", "16", "--seconds", "60")
    command = [str(generator.LOADGEN), "relay", "--server", f"127.0.0.1:{scene.port}", *options]
    playing = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        playing.terminate()
        playing.wait()
        await scene.stop_relay()
        scene.start_relay()


@contextlib.asynccontextmanager
async def coturn_is_gone(scene: Scene) -> AsyncIterator[None]:
    scene.coturn.write_text(json.dumps([{"targets": [f"127.0.0.1:{free_port()}"]}]))
    try:
        yield
    finally:
        scene.coturn.unlink()


async def _for_ever(act: Callable[[], Awaitable[None]]) -> None:
    while True:
        await act()


def a_certificate_with(days: int) -> Cause:
    """That ends so many days from now."""

    @contextlib.asynccontextmanager
    async def cause(scene: Scene) -> AsyncIterator[None]:
        await scene.stop_relay()
        scene.start_relay(more=certificate(scene.folder, ends=days))
        yield
        await scene.stop_relay()
        scene.start_relay()

    return cause


@contextlib.asynccontextmanager
async def a_proxy_passes_another_host_on(scene: Scene) -> AsyncIterator[None]:
    async def come() -> None:
        with contextlib.suppress(aiohttp.ClientError):
            await scene.client.ws_connect(f"http://127.0.0.1:{scene.port}/ws", origin="https://chat.example")
        await asyncio.sleep(0.2)

    async with again_and_again(come):
        yield


@contextlib.asynccontextmanager
async def somebody_keeps_the_database(scene: Scene) -> AsyncIterator[None]:
    """Another program has it for itself, while people come and go."""

    async def come() -> None:
        async with scene.people(1):
            pass

    with contextlib.closing(sqlite3.connect(scene.folder / FILE, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        async with again_and_again(come):
            yield


@contextlib.asynccontextmanager
async def the_database_is_away_for_too_long(scene: Scene) -> AsyncIterator[None]:
    """Too long is sooner there: where 20,000 facts wait, 20 do here."""
    await scene.stop_relay()
    scene.start_relay(sys.executable, "-m", "tests.bench.alerts.forgetful")
    await scene.answers()
    async with somebody_keeps_the_database(scene):
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
    "RelayPicturesFreeze": pictures_stand_still,
    "RelayFirstFrameSlow": partners_are_seen_late,
    "RelayLossHigh": links_lose_packets,
    "RelayCacheFull": little_may_be_kept,
    "RelayMistakes": a_task_fails,
    "RelayCertificateEnded": a_certificate_with(days=-1),
    "RelayCertificateEndsSoon": a_certificate_with(days=5),
    "RelayKeepsPeopleOut": a_proxy_passes_another_host_on,
    "RelayStoreAway": somebody_keeps_the_database,
    "RelayStoreForgets": the_database_is_away_for_too_long,
    "CoturnDown": coturn_is_gone,
    "RelayDown": the_process_is_gone,
}
