"""Servers under test: in the test's own process, or as a self-hoster starts one."""

import asyncio
import os
import signal
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

import aiohttp

from relay.app import Relay
from relay.config.settings import EngineChoice, Settings
from tests.kit.ports import free_port

LOOPBACK = "127.0.0.1"
PATIENCE = 60.0
"""Seconds that a process may take until it serves."""
ENDING = 5.0
"""Seconds that one may take to end."""

NOTHING_LASTS = {"database": "off", "consent": "off"}
"""Settings of a server that a test or a program asks nothing of this kind: it writes no file, and people of the kit
need no cookie. `tests/kit/agreeing.py` has those who agree."""


def on_loopback(**more: object) -> Settings:
    """Loopback only, at a port of its own, without a database, where nobody is asked to agree, and with these settings.

    The people of a test live in the server's process: their CPU and lag are no reason to refuse one of them.
    """
    at = {"port": free_port(), "bind": (LOOPBACK,), "public_address": (LOOPBACK,), **NOTHING_LASTS}
    return Settings.of(**{**at, "max_cpu": 1.0, "max_lag": 60.0, **more})


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Relay]:
    """A server in this process."""
    relay = Relay(settings)
    await relay.start()
    try:
        yield relay
    finally:
        await relay.stop()


async def ask(
    relay: Relay, path: str, headers: list[tuple[str, str]], tls: ssl.SSLContext | None = None
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the answer to what is asked with exactly these headers."""
    async with aiohttp.ClientSession() as client:
        url = f"{'http' if tls is None else 'https'}://{LOOPBACK}:{relay.port}{path}"
        timeout = aiohttp.ClientTimeout(total=10)
        async with client.get(url, headers=headers, ssl=tls or True, allow_redirects=False, timeout=timeout) as answer:
            body = b"" if answer.status == 101 else await answer.read()
            return answer.status, dict(answer.headers), body


class Served:
    """`relay serve` in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.port = port
        self.url = f"http://localhost:{port}/"

    def cpu_seconds(self) -> float:
        """User and system time of the process so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident(self) -> int:
        """Bytes of memory."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    async def answers(self) -> None:
        """Wait until it takes people."""
        async with asyncio.timeout(PATIENCE), aiohttp.ClientSession() as client:
            while self.process.returncode is None:
                try:
                    # With a certificate of its own the server points to HTTPS.
                    async with client.get(self.url + "videochat/health", ssl=False) as response:
                        if response.status == 200:
                            return
                except aiohttp.ClientError:
                    await asyncio.sleep(0.05)
        raise AssertionError(f"the server ended with {self.process.returncode}")


async def start(
    *flags: str, module: str = "relay", log: IO[bytes] | int | None = None, **settings: str
) -> asyncio.subprocess.Process:
    """`relay serve` with these flags; it may not serve yet. Nothing of the test's own environment holds for it."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RELAY_")}
    given = {f"RELAY_{name.upper()}": value for name, value in {**NOTHING_LASTS, **settings}.items()}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, "serve", *flags), env={**clean, **given}, stderr=log
    )


@asynccontextmanager
async def serving(
    engine: EngineChoice = EngineChoice.PACKETS,
    module: str = "relay",
    log: IO[bytes] | None = None,
    **settings: str,
) -> AsyncIterator[Served]:
    """A server as a self-hoster starts it, on loopback; it must end within five seconds of Ctrl-C.

    `settings` are by name and as written in the environment; `module` may do more than `relay`.
    What it logs goes to `log`, if there is one.
    """
    usual = {"port": str(free_port()), "public_address": LOOPBACK, "metrics_allow": "127.0.0.1,::1"}
    with TemporaryDirectory(prefix="relay-") as state:
        given = {
            **usual,
            "state_dir": state,
            "database": f"sqlite:///{state}/relay.db",
            "engine": engine.value,
            **settings,
        }
        process = await start(module=module, log=log, **given)
        try:
            served = Served(process, int(given["port"]))
            await served.answers()
            yield served
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGINT)
            async with asyncio.timeout(ENDING):
                assert await process.wait() == 0


@asynccontextmanager
async def draining(relay: Relay, seconds: float) -> AsyncIterator[asyncio.Task[None]]:
    """It drains, and is left alone at the end of the block. What goes wrong there goes wrong in the test."""
    task = asyncio.create_task(relay.drain(seconds))
    await asyncio.sleep(0)
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
