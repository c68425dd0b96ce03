"""What breaks in earnest: descriptors run out, clocks jump, media threads die or hang."""

import asyncio
import resource
import signal
import socket
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import pytest

from relay.app import Relay
from relay.cli import EXIT_BROKEN
from relay.transport.watch import HANGS_AFTER, LOOK_INTERVAL
from tests.kit.people import Visitor, introduce, visit
from tests.kit.ports import free_port
from tests.kit.servers import PATIENCE, start
from tests.scenario.stopped_thread import stopped_thread

HOUR = 3_600.0
SPARE = 3
"""Descriptors that the server may still open."""


class Server:
    """`relay serve` in a process of its own, and its log so far."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.port = port
        self.log = ""

    @property
    def pid(self) -> int:
        return self.process.pid

    async def logs(self, word: str) -> None:
        """Wait until it does."""
        assert self.process.stderr is not None
        async with asyncio.timeout(PATIENCE):
            while word not in self.log:
                line = await self.process.stderr.readline()
                assert line, self.log
                self.log += line.decode()


@asynccontextmanager
async def serving(module: str = "relay") -> AsyncIterator[Server]:
    port = free_port()
    at = {"port": str(port), "bind": "127.0.0.1", "public_address": "127.0.0.1"}
    process = await start(module=module, log=asyncio.subprocess.PIPE, **at)
    try:
        server = Server(process, port)
        await server.logs("serving")
        yield server
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.parametrize(
    ("fault", "told"), [(signal.SIGUSR1, "a media socket is gone"), (signal.SIGUSR2, "TCP connections can't be waited")]
)
async def test_a_dead_media_thread_ends_the_process_for_its_supervisor(fault: signal.Signals, told: str) -> None:
    async with serving("tests.scenario.faulty_server") as server, visit(server.port) as ann:
        server.process.send_signal(fault)
        await server.logs(told)
        assert "critical" in server.log
        await ann.hear_close()
        async with asyncio.timeout(PATIENCE):
            assert await server.process.wait() == EXIT_BROKEN


@pytest.mark.parametrize("thread", ["media-0", "media-tcp"])
async def test_a_media_thread_that_hangs_ends_the_process_for_its_supervisor(thread: str) -> None:
    async with serving() as server, visit(server.port) as ann:
        with stopped_thread(server.pid, thread):
            await server.logs("no progress")
            assert "critical" in server.log
            assert thread in server.log
            await ann.hear_close()
            async with asyncio.timeout(PATIENCE):
                while _runs(server.pid):  # noqa: ASYNC110 - asyncio hears of its end only after the tracer
                    await asyncio.sleep(0.05)
        assert await server.process.wait() == EXIT_BROKEN


def _runs(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


async def test_a_machine_that_was_suspended_has_no_threads_that_hang() -> None:
    async with serving() as server, visit(server.port) as ann, visit(server.port) as bob:
        await introduce(ann, bob)
        server.process.send_signal(signal.SIGSTOP)
        await asyncio.sleep((HANGS_AFTER + 2) * LOOK_INTERVAL)
        server.process.send_signal(signal.SIGCONT)
        # As many looks again, after which it would have been found out.
        began = time.monotonic()
        while time.monotonic() - began < (HANGS_AFTER + 2) * LOOK_INTERVAL:
            await _talk(ann, bob, f"m{time.monotonic_ns()}")
            await asyncio.sleep(0.2)
        assert server.process.returncode is None


async def _talk(ann: Visitor, bob: Visitor, name: str) -> None:
    await ann.say("chat_message", id=name, text=name)
    assert (await bob.hear("chat_message"))["text"] == name
    await ann.hear("message_delivered")


async def test_without_descriptors_calls_go_on_and_newcomers_wait_until_there_are_some() -> None:
    async with serving() as server, visit(server.port) as ann, visit(server.port) as bob:
        await introduce(ann, bob)
        _, most = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (_descriptors(server.pid) + SPARE, most))
        with ExitStack() as crowd:
            for _ in range(2 * SPARE):
                crowd.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            await server.logs("out_of_descriptors")
            before, began = _cpu_seconds(server.pid), time.monotonic()
            while time.monotonic() - began < 2:
                await _talk(ann, bob, f"m{time.monotonic_ns()}")
                await asyncio.sleep(0.1)  # slower than chat is limited to
            assert _cpu_seconds(server.pid) - before < 1, "it spins"
        async with visit(server.port) as eve:
            await eve.say("find_partner")
            await eve.hear("waiting_for_partner")


def _descriptors(pid: int) -> int:
    return 1 + max(int(entry.name) for entry in Path(f"/proc/{pid}/fd").iterdir())


def _cpu_seconds(pid: int) -> float:
    return time.clock_gettime((~pid << 3) | 2)  # clock_getcpuclockid(3)


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
async def test_a_clock_that_is_set_changes_nothing_for_those_inside(
    relay: Relay, monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    """What is kept by the wall clock would end everybody's session, or keep the lost ones for an hour."""
    async with visit(relay.port) as ann, visit(relay.port) as bob:
        await introduce(ann, bob)
        real = time.time
        monkeypatch.setattr(time, "time", lambda: real() + jump)
        await _talk(ann, bob, "after")
        bob.vanish()
        await ann.hear("partner_reconnecting")
        async with visit(relay.port) as again:
            await again.say("resume", token=bob.token, last_message="after")
            await again.hear("resumed")
            await ann.hear("partner_resumed")
            await _talk(ann, again, "later")
        assert relay.tally.task_failures == 0
