"""What the bench loads: the product, and the yardsticks beside it, each pinned to one core."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar

from tests.kit.generator import FORWARDER
from tests.kit.ports import free_port

TOKEN = "the token of who measures"
"""The operator's: it is told which engine runs."""

PATIENCE = 15.0
"""Seconds that a server may take to start or to stop."""

LOOK_AGAIN = 0.02
"""Seconds until a server that did not serve yet is looked at again."""

CHECKOUT = Path(__file__).parents[2]
"""This one."""

RATES = [f"rate_address_{deed}" for deed in ("connection", "join", "offer", "skip")]
OFTEN = "1000000"
"""A minute: as often as they like."""

COTURN_ALLOCATIONS = ("--min-port", "40000", "--max-port", "49999")


Found = TypeVar("Found")


class UnavailableError(Exception):
    """A server can't be had here; the text says why."""


@dataclass(frozen=True, slots=True)
class Server:
    """One that runs."""

    pid: int
    route: str
    """How the generator reaches it."""
    address: str
    started_in: float
    """Seconds until it served."""


@contextmanager
def relay(engine: str, people: int, core: int, checkout: Path = CHECKOUT, share: float = 1.0) -> Iterator[Server]:
    """The product with one of its engines, this one or that of another checkout where everything is built.

    `share` is what one address may have of the event loop, and all people come from one: with 1 nothing is metered.

    Raises:
        UnavailableError: it does not know the engine, or runs another one.
    """
    port = free_port()
    settings = {
        "RELAY_ENGINE": engine,
        "RELAY_PORT": str(port),
        "RELAY_BIND": "127.0.0.1",
        "RELAY_PUBLIC_ADDRESS": "127.0.0.1",
        "RELAY_MAX_PEOPLE": str(2 * people),
        "RELAY_MAX_PER_ADDRESS": str(2 * people),
        "RELAY_LOG_LEVEL": "error",
        "RELAY_OPERATOR_TOKEN": TOKEN,
    }
    places = ("relay/config/settings.py", "relay/config.py")
    known = next(file.read_text() for place in places if (file := checkout / place).exists())
    settings |= {
        f"RELAY_{name.upper()}": value
        for name, value in {"max_cpu_per_address": str(share), **dict.fromkeys(RATES, OFTEN)}.items()
        if f"    {name}:" in known
    }
    environment = {**os.environ, "PYTHONPATH": str(checkout), **settings}
    with _running([sys.executable, "-P", "-m", "relay", "serve"], core, environment) as process:
        running = process.wait_for(lambda: _health(port))["engine"]
        if running != engine:
            raise UnavailableError(f"relay: runs the engine `{running}` instead of `{engine}`")
        yield Server(process.pid, "relay", f"127.0.0.1:{port}", process.age())


@contextmanager
def forwarder(core: int, *options: str) -> Iterator[Server]:
    """The floor: this folder's forwarder, which opens nothing."""
    port = free_port()
    with _running([str(FORWARDER), "--port", str(port), *options], core) as process:
        process.wait_for(lambda: _is_bound(port))
        yield Server(process.pid, "forwarder", f"127.0.0.1:{port}", process.age())


@contextmanager
def coturn(core: int) -> Iterator[Server]:
    """A TURN server, installed if that is possible.

    Raises:
        UnavailableError: it is not.
    """
    _install_coturn()
    port = free_port()
    command = ["turnserver", "-n", "--no-auth", "--allow-loopback-peers", "--no-tls", "--no-dtls", "--no-cli"]
    command += ["--listening-ip", "127.0.0.1", "--relay-ip", "127.0.0.1", "--listening-port", str(port)]
    command += [*COTURN_ALLOCATIONS, "--pidfile", "/dev/null", "--log-file", "/dev/null"]
    with _running(command, core) as process:
        process.wait_for(lambda: _is_bound(port))
        yield Server(process.pid, "turn", f"127.0.0.1:{port}", process.age())


class _Process:
    """A server's process, pinned to a core; taskset becomes the command, so that the pid is the server's."""

    def __init__(self, command: Sequence[str], core: int, environment: Mapping[str, str] | None, said: IO[str]) -> None:
        self._name = Path(command[0]).name
        self._said = said
        self._since = time.monotonic()
        self._process = subprocess.Popen(
            ["taskset", "--cpu-list", str(core), *command], env=environment, stdout=subprocess.DEVNULL, stderr=said
        )
        self.pid = self._process.pid

    def age(self) -> float:
        return time.monotonic() - self._since

    def wait_for(self, look: Callable[[], Found | None]) -> Found:
        """What `look` finds, as soon as it finds something.

        Raises:
            UnavailableError: the server ended before, or took too long.
        """
        while (found := look()) is None:
            if self._process.poll() is not None or self.age() > PATIENCE:
                self._said.seek(0)
                raise UnavailableError(f"{self._name}: did not start: {self._said.read().strip()[-500:]}")
            time.sleep(LOOK_AGAIN)
        return found

    def end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def _running(command: Sequence[str], core: int, environment: Mapping[str, str] | None = None) -> Iterator[_Process]:
    with tempfile.TemporaryFile("w+") as said:
        process = _Process(command, core, environment, said)
        try:
            yield process
        finally:
            process.end()


def _health(port: int) -> dict[str, object] | None:
    """What the product says of itself; None while it does not answer."""
    url = f"http://127.0.0.1:{port}/videochat/health"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {TOKEN}"})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:  # noqa: S310 - HTTP, as just written
            health: dict[str, object] = json.load(response)
            return health
    except OSError:
        return None


def _is_bound(port: int) -> bool | None:
    """True as soon as somebody has this UDP port of the loopback address."""
    sockets = Path("/proc/net/udp").read_text().splitlines()
    return True if any(f"0100007F:{port:04X}" in socket for socket in sockets) else None


def _install_coturn() -> None:
    if shutil.which("turnserver"):
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise UnavailableError("coturn: not installed, and only root can install it")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update"], ["apt-get", "install", "--yes", "--no-install-recommends", "coturn"]):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise UnavailableError(f"coturn: {' '.join(command)} failed: {done.stderr.strip()[-200:]}")
