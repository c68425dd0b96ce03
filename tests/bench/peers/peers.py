"""Other media servers, built from the modules that `go.mod` pins, each behind a door that speaks our protocol."""

import json
import os
import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench import servers
from tests.bench.servers import Server, UnavailableError, running
from tests.kit.generator import BINARIES
from tests.kit.ports import free_port

FOLDER = Path(__file__).parent
BUILT = BINARIES.parent / "peers"
"""Beside what cargo builds, and out of git like that."""
LIVEKIT = "github.com/livekit/livekit-server/cmd/server"


def build() -> None:
    """Compile, if something changed.

    Raises:
        UnavailableError: there is no Go, or a module can't be had.
    """
    if shutil.which("go") is None:
        raise UnavailableError("Go is not installed")
    BUILT.mkdir(parents=True, exist_ok=True)
    command = ["go", "build", "-mod=readonly", "-o", f"{BUILT}{os.sep}", "./pion", "./livekit", LIVEKIT]
    built = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False)
    if built.returncode != 0:
        raise UnavailableError(f"{' '.join(command)}: {built.stderr.strip()[-500:]}")


@contextmanager
def pion(core: int) -> Iterator[Server]:
    """A forwarding unit written with Pion."""
    at = f"127.0.0.1:{free_port()}"
    with running([str(BUILT / "pion"), "--server", at], [core]) as process:
        process.wait_for(lambda: _listens(at))
        yield Server(process.pid, "relay", at, process.age())


@contextmanager
def livekit(core: int) -> Iterator[Server]:
    """LiveKit as it is. The door is not charged: it is only ours, and has nothing to do once people are in."""
    door, signalling, media, tcp = (f"127.0.0.1:{free_port()}" for _ in range(4))
    secret = secrets.token_hex()
    settings = {
        "port": _port(signalling),
        "bind_addresses": ["127.0.0.1"],
        "keys": {"peers": secret},
        "logging": {"level": "error"},
        "rtc": {
            "udp_port": _port(media),
            "tcp_port": _port(tcp),
            "node_ip": "127.0.0.1",
            "use_external_ip": False,
            "use_ice_lite": True,
            "enable_loopback_candidate": True,
            "interfaces": {"includes": ["lo"]},
            # People of the generator tell no bandwidth: it forwards all that comes.
            "congestion_control": {"enabled": False, "allow_pause": False},
        },
    }
    # JSON is YAML.
    with running([str(BUILT / "server"), "--config-body", json.dumps(settings)], [core]) as process:
        process.wait_for(lambda: _listens(signalling))
        started_in = process.age()
        options = ["--address", door, "--server", signalling, "--media", media, "--secret", secret]
        with running([str(BUILT / "livekit"), *options], [core]) as entrance:
            entrance.wait_for(lambda: _listens(door))
            yield Server(process.pid, "relay", door, started_in)


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])


def _listens(address: str) -> bool | None:
    """True as soon as somebody accepts connections there."""
    try:
        socket.create_connection(("127.0.0.1", _port(address)), servers.PATIENCE).close()
    except OSError:
        return None
    return True
