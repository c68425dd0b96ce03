"""Programs that run inside the small internet, and end with the test."""

import asyncio
import json
import os
import resource
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.network.internet import Internet

PATIENCE = 20.0
"""Seconds that a program may take to start."""


class Program:
    """A running program and what it wrote."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.lines: list[str] = []
        self._reading: asyncio.Task[None] | None = None

    def resident(self) -> int:
        """Bytes of memory that it holds."""
        return int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]) * resource.getpagesize()

    async def says(self, words: str) -> None:
        """Wait until it wrote a line with these words."""
        stream = self._process.stdout
        assert stream is not None
        async with asyncio.timeout(PATIENCE):
            while line := (await stream.readline()).decode():
                self.lines.append(line.rstrip())
                if words in line:
                    self._reading = asyncio.ensure_future(self._read_on(stream))
                    return
        raise AssertionError("\n".join(self.lines))

    async def has_said(self, words: str) -> None:
        """Wait until some line had these words, after `says()`."""
        async with asyncio.timeout(PATIENCE):
            while not any(words in line for line in self.lines):  # noqa: ASYNC110 - lines are only appended
                await asyncio.sleep(0.05)

    async def stop(self) -> None:
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGINT)
            try:
                async with asyncio.timeout(5):
                    await self._process.wait()
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        if self._reading is not None:
            await self._reading

    async def _read_on(self, stream: asyncio.StreamReader) -> None:
        while line := (await stream.readline()).decode():
            self.lines.append(line.rstrip())


@asynccontextmanager
async def running(
    internet: Internet, where: str, *command: str, ready: str, environment: Mapping[str, str] | None = None
) -> AsyncIterator[Program]:
    """Run a command in a namespace until the block ends; it is ready when it writes `ready`."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("RELAY_")}
    process = await asyncio.create_subprocess_exec(
        *internet.inside(where, *command),
        env={**own, "PYTHONUNBUFFERED": "1", **(environment or {})},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    program = Program(process)
    try:
        await program.says(ready)
        yield program
    finally:
        await program.stop()


class Server:
    """`relay serve` in the namespace called server."""

    def __init__(self, internet: Internet, program: Program, url: str) -> None:
        """`url` is for programs on the same host."""
        self._internet = internet
        self._url = url
        self.program = program

    async def stats(self) -> dict[str, Any]:
        """What it says of itself, asked from its own host."""
        process = await asyncio.create_subprocess_exec(
            *self._internet.inside("server", "curl", "-skm5", f"{self._url}/videochat/stats"),
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await process.communicate()
        found: dict[str, Any] = json.loads(output)
        assert "people" in found, (found, self.program.lines[-20:])
        return found

    async def has_paths(self, expected: Mapping[str, int]) -> None:
        """Wait until this is what carries media: browsers may begin by TURN, and move where less is between."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE
        while (found := (await self.stats())["paths"]) != expected:
            assert loop.time() < deadline, found
            await asyncio.sleep(0.2)


@asynccontextmanager
async def serving(internet: Internet, **settings: str) -> AsyncIterator[Server]:
    """A server with these settings, such as `port="443"`."""
    environment = {f"RELAY_{name.upper()}": value for name, value in {"consent": "off", **settings}.items()}
    async with running(
        internet, "server", sys.executable, "-m", "relay", "serve", ready="serving", environment=environment
    ) as program:
        scheme = "https" if "tls_cert" in settings else "http"
        yield Server(internet, program, f"{scheme}://localhost:{settings.get('port', '8080')}")
