"""Attacks a call class by class, and prints what it cost.

The server is a process of its own; the call is between two aiortc visitors in this one, at 15 pictures a second.
"""

import argparse
import asyncio
import contextlib
import multiprocessing
import os
import time
from collections.abc import Callable
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

import aioice.ice

from relay.protocol.messages import Role
from tests.hostile.call import address_of, check, credentials_of, live_call
from tests.hostile.datagrams import Stranger, client_hello, stun_with_a_wrong_password
from tests.hostile.forger import Forger
from tests.load import servers
from tests.scenario.visitor import MediaVisitor

Address = tuple[str, int]
SPAWNED = multiprocessing.get_context("spawn")
"""Not forked: an attacker has no business with the sockets of the call."""

BREATH = 1.0
"""Seconds between two attacks, for the call to find its feet again."""

RECORDED = "a recorded check, from elsewhere"


def attack(
    port: int, source: Address | None, datagram: bytes, seconds: float, rate: int, count: "Synchronized[int]"
) -> None:
    """Send the same `rate` times a second, from here or in the name of `source`."""
    os.nice(5)
    began = time.monotonic()
    sent = 0
    send: Callable[[bytes], None]
    if source is None:
        send = Stranger(port).send
    else:
        forger, victim = Forger(port), source

        def send(content: bytes) -> None:
            forger.send(victim, content)

    while (elapsed := time.monotonic() - began) < seconds:
        while sent < rate * elapsed:
            with contextlib.suppress(BlockingIOError, ConnectionRefusedError):
                send(datagram)
            sent += 1
        time.sleep(0.002)
    count.value = sent


async def watch(viewer: MediaVisitor, seconds: float) -> tuple[float, float]:
    """Pictures a second, and the longest time without one."""
    track = viewer.received(Role.PARTNER_CAMERA)
    began = last = time.monotonic()
    pictures, longest = 0, 0.0
    while (now := time.monotonic()) - began < seconds:
        try:
            async with asyncio.timeout(seconds):
                await track.recv()
        except TimeoutError:
            break
        now = time.monotonic()
        pictures, longest, last = pictures + 1, max(longest, now - last), now
    return pictures / (time.monotonic() - began), max(longest, time.monotonic() - last)


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


async def measure(engine: str, seconds: float, rate: int) -> None:
    print(f"{engine}\n{'attack':40} {'per second':>10} {'CPU %':>6} {'MiB':>6} {'pictures/s':>11} {'longest gap':>12}")
    with servers.relay(engine, 20, 0) as server:
        port = int(server.address.rpartition(":")[2])
        async with live_call(port) as call:
            ann = address_of(call.ann)
            ufrag, password = credentials_of(call.ann)
            recorded = check(ufrag, password, nominate=True)
            Forger(port).send(ann, recorded)
            classes: dict[str, tuple[Address | None, bytes | None]] = {
                "none": (None, None),
                "empty": (None, b""),
                "oversized": (None, bytes(9_000)),
                "checks with an unknown ufrag": (None, stun_with_a_wrong_password("unknown1")),
                "checks with a wrong password": (None, stun_with_a_wrong_password(ufrag)),
                RECORDED: (None, recorded),
                "ClientHello": (None, client_hello()),
                "RTP": (None, b"\x80" + bytes(200)),
                "ClientHello, forged own address": (ann, client_hello()),
                "alert, forged own address": (ann, b"\x15\xfe\xfd\x00\x01" + bytes(6) + b"\x00\x1a" + bytes(26)),
                "RTP, forged own address": (ann, b"\x80\x60" + bytes(200)),
            }
            for name, (source, datagram) in classes.items():
                count: Synchronized[int] = SPAWNED.Value("q", 0)
                attacker = None
                cpu, began = cpu_seconds(server.pid), time.monotonic()
                if datagram is not None:
                    attacker = SPAWNED.Process(target=attack, args=(port, source, datagram, seconds, rate, count))
                    attacker.start()
                seen = await asyncio.gather(*(watch(person, seconds) for person in call.people))
                used = 100 * (cpu_seconds(server.pid) - cpu) / (time.monotonic() - began)
                if attacker is not None:
                    await asyncio.to_thread(attacker.join)
                pictures, gap = min(shown for shown, _ in seen), max(longest for _, longest in seen)
                await asyncio.gather(*(watch(person, BREATH) for person in call.people))
                memory = resident_mib(server.pid)
                print(
                    f"{name:40} {count.value / seconds:10.0f} {used:6.0f} {memory:6.0f} {pictures:11.1f} {gap:10.2f} s"
                )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="for each class")
    parser.add_argument("--engine", action="append", choices=("packets", "frames"))
    parser.add_argument("--rate", type=int, default=20_000, help="datagrams a second")
    options = parser.parse_args()
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]
    for engine in options.engine or ("packets", "frames"):
        asyncio.run(measure(engine, options.seconds, options.rate))


if __name__ == "__main__":
    main()
