"""What the bench loads: the product, and the yardsticks beside it, each pinned to one core."""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from tests.conftest import free_port
from tests.load.generator import FORWARDER

PATIENCE = 15.0
"""Seconds that a server may take to start or to stop."""

COTURN_ALLOCATIONS = ("--min-port", "40000", "--max-port", "49999")


class UnavailableError(Exception):
    """A server can't be had here; the text says why."""


@dataclass(frozen=True, slots=True)
class Server:
    """One that runs."""

    pid: int
    route: str
    """How the generator reaches it."""
    address: str


@contextmanager
def relay(engine: str, people: int, core: int) -> Iterator[Server]:
    """The product with one of its engines.

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
    }
    command = [sys.executable, "-m", "relay"]
    environment = {**os.environ, **settings}
    check = subprocess.run([*command, "config"], env=environment, capture_output=True, text=True, check=False)
    if check.returncode != 0:
        raise UnavailableError(check.stderr.strip())
    with _running([*command, "serve"], core, environment) as pid:
        running = _health(port)["engine"]
        if running != engine:
            raise UnavailableError(f"relay: runs the engine `{running}` instead of `{engine}`")
        yield Server(pid, "relay", f"127.0.0.1:{port}")


@contextmanager
def forwarder(core: int, *options: str) -> Iterator[Server]:
    """The floor: this folder's forwarder, which opens nothing."""
    port = free_port()
    with _running([str(FORWARDER), "--port", str(port), *options], core) as pid:
        time.sleep(0.2)
        yield Server(pid, "forwarder", f"127.0.0.1:{port}")


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
    with _running(command, core) as pid:
        time.sleep(1.0)
        yield Server(pid, "turn", f"127.0.0.1:{port}")


@contextmanager
def _running(command: Sequence[str], core: int, environment: Mapping[str, str] | None = None) -> Iterator[int]:
    """Run a command pinned to a core; taskset becomes the command, so that the pid is the server's."""
    process = subprocess.Popen(
        ["taskset", "--cpu-list", str(core), *command],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _health(port: int) -> dict[str, object]:
    url = f"http://127.0.0.1:{port}/videochat/health"
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE) as response:
                health: dict[str, object] = json.load(response)
                return health
        except OSError as cause:
            if time.monotonic() > deadline:
                raise UnavailableError(f"relay: did not start: {cause}") from cause
            time.sleep(0.1)


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
