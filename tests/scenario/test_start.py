"""What is said at the start, and what may change while the server runs."""
# ruff: noqa: ASYNC240 - files of a test, and of /proc

import asyncio
import datetime
import json
import os
import pty
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography import x509

from relay import config, native
from relay.app import Relay
from relay.checks.start import tell
from relay.config.settings import EngineChoice
from tests.kit.certificates import certificate, certificate_of
from tests.kit.people import introduce, visit
from tests.kit.ports import free_port
from tests.kit.servers import PATIENCE, on_loopback, running, start

LOOPBACK = {"RELAY_BIND": "127.0.0.1", "RELAY_PUBLIC_ADDRESS": "127.0.0.1"}


class Server:
    """`relay serve` in a process of its own, which logs JSON."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.port = port
        self.events: list[dict[str, Any]] = []

    async def logs(self, event: str) -> dict[str, Any]:
        """The next such event."""
        assert self.process.stderr is not None
        async with asyncio.timeout(PATIENCE):
            while True:
                line = await self.process.stderr.readline()
                assert line, self.events
                self.events.append(json.loads(line))
                if self.events[-1]["event"] == event:
                    return self.events[-1]


@asynccontextmanager
async def starting(*flags: str, **environment: str) -> AsyncIterator[Server]:
    port = free_port()
    settings = {name.removeprefix("RELAY_").lower(): value for name, value in {**LOOPBACK, **environment}.items()}
    told = (f"--port={port}", "--log-format=json", *flags)
    process = await start(*told, log=asyncio.subprocess.PIPE, **settings)
    try:
        yield Server(process, port)
    finally:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(PATIENCE):
            await process.communicate()
    assert process.returncode == 0


async def test_it_says_what_runs_with_what_and_what_is_lacking() -> None:
    async with starting(RELAY_MAX_PEOPLE="7") as server:
        said = await server.logs("serving")
        assert said["version"]
        assert said["open"] == f"http://localhost:{server.port}"
        assert said["listens"] == said["advertised"] == "127.0.0.1"
        assert said["capacity"] == "7 people; RELAY_MAX_PEOPLE says so"
        assert said["certificate"] == "none"
        assert (
            said["settings"]
            == "flag: port, log_format; environment: bind, public_address, database, consent, max_people"
        )
        for part in ("RELAY_TLS_CERT", "TURN over TLS", "RELAY_OPERATOR_TOKEN"):
            assert part in said["lacking"]


async def test_on_a_terminal_it_is_a_block_of_plain_lines() -> None:
    ours, theirs = pty.openpty()
    port = free_port()
    process = await start(f"--port={port}", log=theirs, bind="127.0.0.1", public_address="127.0.0.1")
    os.close(theirs)
    loop = asyncio.get_running_loop()
    written = b""
    try:
        async with asyncio.timeout(PATIENCE):
            while b"lacking  " not in written:
                written += await loop.run_in_executor(None, os.read, ours, 4_096)
    finally:
        process.terminate()
        await process.wait()
        os.close(ours)
    block = written.decode().partition("The relay takes people.")[2].splitlines()
    assert [line.split()[0] for line in block if line.startswith("  ")][:3] == ["version", "open", "listens"]
    assert f"open http://localhost:{port}" in [" ".join(line.split()) for line in block]


@pytest.mark.parametrize(
    ("ends", "level", "event"), [(-1, "error", "certificate_ended"), (5, "warning", "certificate_ends_soon")]
)
async def test_a_certificate_that_browsers_refuse_is_told_of(tmp_path: Path, ends: int, level: str, event: str) -> None:
    async with starting(*certificate(tmp_path, ends=ends)) as server:
        said = await server.logs(event)
        assert said["level"] == level
        assert "renew it" in said["remedy"]
        word = "ended" if ends < 0 else "until"
        assert (await server.logs("serving"))["certificate"] == f"{word} {said['ends']}"


async def test_the_end_of_the_certificate_is_a_figure(tmp_path: Path) -> None:
    chain, key = (flag.partition("=")[2] for flag in certificate(tmp_path, ends=5))
    ends = x509.load_pem_x509_certificate(Path(chain).read_bytes()).not_valid_after_utc.timestamp()
    async with running(on_loopback(tls_cert=chain, tls_key=key)) as relay:
        figures = re.findall(
            r"^relay_certificate_expiry_timestamp_seconds (.*)$", relay.metrics.render().decode(), re.M
        )
        assert [float(figure) for figure in figures] == [ends]
    async with running(on_loopback()) as relay:
        assert "relay_certificate_expiry" not in relay.metrics.render().decode()


async def test_a_fallback_to_frames_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(native, "BUILT", False)
    for engine in (None, EngineChoice.FRAMES):
        configuration = config.load(
            {**LOOPBACK, "RELAY_PORT": str(free_port()), **({"RELAY_ENGINE": engine} if engine else {})}
        )
        relay = Relay(configuration.settings)
        await relay.start()
        tell(configuration, relay)
        await relay.stop()
        told = capsys.readouterr().out
        assert ("native_core_not_built" in told) == (engine is None)
        # Which notices a toolchain that was not there before, and leaves everything else as it is.
        assert ("make run" in told) == (engine is None)


async def test_what_kubernetes_puts_into_the_environment_stops_no_start() -> None:
    injected = {"RELAY_SERVICE_HOST": "10.96.0.17", "RELAY_SERVICE_PORT": "8080", "RELAY_PORT": "tcp://10.96.0.17:8080"}
    async with starting(**injected) as server:
        await server.logs("serving")
        said = await server.logs("variables_ignored")
        assert said["variables"] == "RELAY_PORT, RELAY_SERVICE_HOST, RELAY_SERVICE_PORT"
        assert "enableServiceLinks" in said["remedy"]


class TestSighup:
    async def test_reads_certificate_and_log_level_again_and_ends_no_conversation(self, tmp_path: Path) -> None:
        for name in ("first", "second"):
            (tmp_path / name).mkdir()
        flags, other = certificate(tmp_path / "first"), certificate(tmp_path / "second", ends=50)
        file = tmp_path / "relay.toml"
        file.write_text('log_level = "warning"\n')
        async with starting(*flags, f"--config={file}", "--media-port", str(free_port())) as server:
            await _answers(server)
            shown = await certificate_of(server.port)
            async with (
                aiohttp.ClientSession() as client,
                client.ws_connect(f"https://127.0.0.1:{server.port}/ws", ssl=False) as socket,
            ):
                await socket.receive_json(timeout=PATIENCE)
                for mine, its in zip(flags, other, strict=True):
                    Path(its.partition("=")[2]).replace(mine.partition("=")[2])
                file.write_text('log_level = "debug"\nmax_people = 9\n')
                server.process.send_signal(signal.SIGHUP)
                said = await server.logs("reloaded")
                assert (said["log_level"], said["needs_a_restart"]) == ("debug", "max_people")
                assert (await server.logs("certificate_renewed"))["ends"] == f"{_in_days(50):%Y-%m-%d}"
                assert await certificate_of(server.port) != shown
                await socket.send_json({"event": "ping"})
                assert (await socket.receive_json(timeout=PATIENCE))["event"] == "pong"

    async def test_with_a_file_that_is_wrong_changes_nothing(self, tmp_path: Path) -> None:
        file = tmp_path / "relay.toml"
        file.write_text("")
        async with starting(f"--config={file}") as server:
            await server.logs("serving")
            async with visit(server.port) as ann, visit(server.port) as bob:
                await introduce(ann, bob)
                file.write_text("prot = 1\n")
                server.process.send_signal(signal.SIGHUP)
                assert "Did you mean" in (await server.logs("not_reloaded"))["cause"]
                await ann.say("chat_message", id="1", text="still here")
                await bob.hear("chat_message")

    async def test_ends_no_server_that_is_still_starting(self) -> None:
        async with starting() as server:
            for _ in range(20):
                await asyncio.sleep(0.05)
                if await _has_begun(server.process.pid):
                    server.process.send_signal(signal.SIGHUP)
            await server.logs("serving")


def _in_days(days: int) -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)


async def _answers(server: Server) -> None:
    async with aiohttp.ClientSession() as client, asyncio.timeout(PATIENCE):
        while True:
            try:
                async with client.get(f"https://127.0.0.1:{server.port}/videochat/health/live", ssl=False):
                    return
            except aiohttp.ClientError:
                await asyncio.sleep(0.05)


async def _has_begun(pid: int) -> bool:
    """Whether it is past what Python does before any of ours runs: it ignores SIGHUP then, or has a use for it."""
    fields = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    heeded = int(fields["SigIgn"], 16) | int(fields["SigCgt"], 16)
    return bool(heeded & 1 << signal.SIGHUP - 1)
