"""The systemd unit, by systemd's own tools, and the server with the rights that it is given there.

systemd itself is not started: its filter of system calls, its view of files and its control group are not tried.
"""

import asyncio
import os
import random
import re
import signal
import socket
import subprocess
import sys
from asyncio.subprocess import DEVNULL
from pathlib import Path

import aiohttp
import pytest

from relay import config
from relay.config.settings import EngineChoice, Settings
from tests.kit.people import MediaVisitor, introduce, visit
from tests.kit.ports import free_port

ROOT = Path(__file__).parents[2]
UNIT = (ROOT / "docker/systemd/relay.service").read_text()
COMPOSE = (ROOT / "docker/compose.yaml").read_text()

EXPOSURE = 20
"""Tenths: what `systemd-analyze security` may find at most. An ordinary service has 96."""

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


def value(name: str) -> str:
    """Of a line of the unit that is there once."""
    (found,) = re.findall(rf"^{name}=(.*)$", UNIT, re.MULTILINE)
    return str(found)


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit, with a program that is there."""
    file = tmp_path / "relay.service"
    file.write_text(UNIT.replace("/opt/relay/bin/relay", sys.executable))
    return file


def test_systemd_finds_nothing_wrong_with_it(unit: Path) -> None:
    checked = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_it_may_do_little(unit: Path) -> None:
    command = ["systemd-analyze", "security", "--offline=yes", f"--threshold={EXPOSURE}", "--no-pager", str(unit)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_it_is_stopped_after_the_drain_and_as_late_as_the_container() -> None:
    seconds = int(value("TimeoutStopSec"))
    assert seconds >= Settings().visits.drain_timeout + 10
    assert f"stop_grace_period: {seconds}s" in COMPOSE


def test_what_is_configured_wrongly_is_not_started_again_and_again() -> None:
    wrong = subprocess.run(
        [sys.executable, "-m", "relay", "serve"],
        env={"PATH": os.environ["PATH"], "RELAY_PORT": "none"},
        capture_output=True,
        check=False,
    )
    assert str(wrong.returncode) == value("RestartPreventExitStatus")


def privileged_port() -> int:
    """One that only root may open."""
    for port in random.sample(range(600, 1024), 50):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no port below 1024 is free")


def as_the_unit_has_it() -> list[str]:
    """What gives the rest of a command the unit's rights: those of nobody, but for ports below 1024."""
    assert value("AmbientCapabilities") == value("CapabilityBoundingSet") == "CAP_NET_BIND_SERVICE"
    assert value("NoNewPrivileges") == "yes"
    somebody = ["--reuid=nobody", "--regid=nogroup", "--clear-groups", "--no-new-privs"]
    rights = ["--inh-caps=+net_bind_service", "--ambient-caps=+net_bind_service"]
    return ["setpriv", *somebody, *rights, "--bounding-set=-all,+net_bind_service"]


@needs_root
@pytest.mark.usefixtures("loopback_candidates")
async def test_it_serves_a_port_of_root_as_somebody_without_rights(tmp_path: Path, engine: EngineChoice) -> None:
    command = [*as_the_unit_has_it(), sys.executable, "-m", "relay"]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    helped = await asyncio.create_subprocess_exec(*command, "--help", env=environment, cwd="/", stdout=DEVNULL)
    if await helped.wait():
        pytest.skip("this Python is for root alone")
    port = privileged_port()
    settings = {
        "port": port,
        "media-port": free_port(),
        "bind": "127.0.0.1",
        "public-address": "127.0.0.1",
        "consent": "off",
    }
    options = [part for name, chosen in settings.items() for part in (f"--{name}", str(chosen))]
    process = await asyncio.create_subprocess_exec(
        *command, "serve", "--engine", engine.value, *options, env=environment, cwd="/"
    )
    try:
        await _answers(process, port)
        status = await asyncio.to_thread(Path(f"/proc/{process.pid}/status").read_text)
        assert re.search(r"^Uid:(\t65534){4}$", status, re.MULTILINE)
        assert re.search(r"^CapBnd:\t0*400$", status, re.MULTILINE)
        async with visit(port) as ann, visit(port) as bob:
            people = [MediaVisitor(ann, 60), MediaVisitor(bob, 200)]
            for person in people:
                await person.connect()
            await introduce(ann, bob)
            await asyncio.gather(*(person.close() for person in people))
    finally:
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(15):
            assert await process.wait() == 0


def test_the_settings_that_are_shown_for_it_are_right(tmp_path: Path) -> None:
    written = re.search(r"^```toml\n(.*?)^```", (ROOT / "docker/README.md").read_text(), re.MULTILINE | re.DOTALL)
    assert written is not None
    file = tmp_path / "relay.toml"
    file.write_text(written[1].replace('"..."', '"a token of the operator"'))
    loaded = config.load({}, config_file=str(file))
    assert loaded.settings.network.port == 443
    assert "RELAY_CONFIG=/etc/relay/relay.toml" in UNIT


async def _answers(process: asyncio.subprocess.Process, port: int) -> None:
    async with asyncio.timeout(60), aiohttp.ClientSession() as client:
        while process.returncode is None:
            try:
                async with client.get(f"http://127.0.0.1:{port}/videochat/health") as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientError:
                await asyncio.sleep(0.05)
    raise AssertionError(f"it ended with {process.returncode}")
