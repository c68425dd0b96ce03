"""What the bench loads: the product, and the yardsticks beside it, each pinned to one core, or to two for two media
threads."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import IO, TypeVar

from relay.front.self_signed import self_signed
from tests.kit import turn
from tests.kit.certificates import anyone
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

SPLICED = "turn.test"
"""The name by which TURN over TLS is told from pages."""

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
    helpers: tuple[int, ...] = ()
    """Processes without which it would not serve, and whose work is its own."""
    cores: int = 1
    """That it is pinned to."""

    @property
    def pids(self) -> tuple[int, ...]:
        return (self.pid, *self.helpers)


@contextmanager
def relay(
    engine: str,
    people: int,
    core: int,
    checkout: Path = CHECKOUT,
    share: float = 1.0,
    port: int | None = None,
    more: Mapping[str, str] = MappingProxyType({}),
    second_core: int | None = None,
) -> Iterator[Server]:
    """The product with one of its engines, this one or that of another checkout where everything is built.

    `share` is what one address may have of the event loop, and all people come from one: with 1 nothing is metered.
    `port` is a free one if none is given; `more` are settings beside those that all servers have. With a `second_core`
    there are two media threads.

    Raises:
        UnavailableError: it does not know the engine, or runs another one.
    """
    port = port or free_port()
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
        for name, value in {
            "max_cpu_per_address": str(share),
            "consent": "off",
            **dict.fromkeys(RATES, OFTEN),
        }.items()
        if f"    {name}:" in known
    }
    cores = (core,) if second_core is None else (core, second_core)
    threads = {} if second_core is None else {"RELAY_MEDIA_THREADS": "2"}
    command = [sys.executable, "-P", "-m", "relay", "serve"]
    with tempfile.TemporaryDirectory() as state:
        kept = {"RELAY_STATE_DIR": state}
        environment = {**kept, **os.environ, "PYTHONPATH": str(checkout), **settings, **threads, **more}
        with running(command, cores, environment) as process:
            runs = process.wait_for(lambda: _health(port, "RELAY_TLS" in more))["engine"]
            if runs != engine:
                raise UnavailableError(f"relay: runs the engine `{runs}` instead of `{engine}`")
            yield Server(process.pid, "relay", f"127.0.0.1:{port}", process.age(), cores=len(cores))


@contextmanager
def turn_inside(people: int, core: int) -> Iterator[Server]:
    """The product with HTTPS, whose own TURN people use."""
    with tempfile.TemporaryDirectory() as folder, relay("packets", people, core, more=_https(people, folder)) as server:
        yield server


@contextmanager
def turn_spliced(people: int, core: int) -> Iterator[Server]:
    """The product with HTTPS, and coturn behind it as in `docker/turn`: both are charged.

    Raises:
        UnavailableError: coturn can't be had.
    """
    _install_coturn()
    port = free_port()
    with tempfile.TemporaryDirectory() as folder, _coturn_behind(Path(folder), core) as (behind, backend):
        splice = {
            "RELAY_TURN_INSIDE": "off",
            "RELAY_TURN_URLS": f"turns:{SPLICED}:{port}?transport=tcp",
            "RELAY_TURN_SECRET": turn.SECRET,
            "RELAY_TURN_SNI": SPLICED,
            "RELAY_TURN_BACKEND": backend,
        }
        with relay("packets", people, core, port=port, more={**_https(people, folder), **splice}) as server:
            yield replace(server, helpers=(behind,))


@contextmanager
def _coturn_behind(folder: Path, core: int) -> Iterator[tuple[int, str]]:
    """The process of one that relays to the product alone, and where it listens for TLS."""
    chain, key = self_signed(folder / "coturn", (), datetime.now(UTC))
    port, secure = free_port(), free_port()
    certificate = {"tls_cert": str(chain), "tls_key": str(key)}
    command = turn.options(certificate, folder, turn.COTURN, turn.COTURN, "127.0.0.1")
    command += ["--allow-loopback-peers", f"--listening-port={port}", f"--tls-listening-port={secure}"]
    with running(command, [core]) as process:
        process.wait_for(lambda: is_bound(port, turn.COTURN))
        yield process.pid, f"{turn.COTURN}:{secure}"


def _https(people: int, folder: str) -> dict[str, str]:
    # People have two connections each where else they have one.
    return {"RELAY_TLS": "self-signed", "RELAY_STATE_DIR": folder, "RELAY_MAX_PER_ADDRESS": str(4 * people)}


@contextmanager
def forwarder(core: int, *options: str) -> Iterator[Server]:
    """The floor: this folder's forwarder, which opens nothing."""
    port = free_port()
    with running([str(FORWARDER), "--port", str(port), *options], [core]) as process:
        process.wait_for(lambda: is_bound(port))
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
    with running(command, [core]) as process:
        process.wait_for(lambda: is_bound(port))
        yield Server(process.pid, "turn", f"127.0.0.1:{port}", process.age())


class Process:
    """A server's process, pinned to its cores; taskset becomes the command, so that the pid is the server's."""

    def __init__(
        self, command: Sequence[str], cores: Sequence[int], environment: Mapping[str, str] | None, said: IO[str]
    ) -> None:
        self._name = Path(command[0]).name
        self._said = said
        self._since = time.monotonic()
        pinned = ["taskset", "--cpu-list", ",".join(map(str, cores)), *command]
        self._process = subprocess.Popen(pinned, env=environment, stdout=subprocess.DEVNULL, stderr=said)
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
def running(
    command: Sequence[str], cores: Sequence[int], environment: Mapping[str, str] | None = None
) -> Iterator[Process]:
    """A server's process, until the end of the block. It may not serve yet."""
    with tempfile.TemporaryFile("w+") as said:
        process = Process(command, cores, environment, said)
        try:
            yield process
        finally:
            process.end()


def _health(port: int, is_secure: bool) -> dict[str, object] | None:
    """What the product says of itself; None while it does not answer."""
    url = f"{'https' if is_secure else 'http'}://127.0.0.1:{port}/videochat/health"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {TOKEN}"})  # noqa: S310 - as just written
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE, context=anyone()) as response:  # noqa: S310 - likewise
            health: dict[str, object] = json.load(response)
            return health
    except OSError:
        return None


def is_bound(port: int, address: str = "127.0.0.1") -> bool | None:
    """True as soon as somebody has this UDP port. The kernel writes addresses backwards."""
    backwards = socket.inet_aton(address)[::-1].hex().upper()
    return True if f"{backwards}:{port:04X}" in Path("/proc/net/udp").read_text() else None


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
