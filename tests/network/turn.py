"""The project's coturn configuration, run by the real coturn."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.network.internet import SERVER, Internet
from tests.network.processes import Program, running

CONFIGURATION = Path(__file__).parents[2] / "docker/turn/turnserver.conf"
SECRET = "correct horse battery staple"
NAME = "turn.test"
READY = "Relay ports initialization done"


def options(certificate: dict[str, str], folder: Path, listening: str, relaying: str, peer: str) -> list[str]:
    """The command line: what differs from place to place. The secret is in a copy of the configuration, as it is told
    to be."""
    own = folder / "turnserver.conf"
    own.touch(mode=0o600)
    own.write_text(f"{CONFIGURATION.read_text()}static-auth-secret={SECRET}\n")
    return [
        "turnserver",
        "-c",
        str(own),
        "--realm=relay.test",
        f"--cert={certificate['tls_cert']}",
        f"--pkey={certificate['tls_key']}",
        f"--listening-ip={listening}",
        f"--relay-ip={relaying}",
        f"--allowed-peer-ip={peer}",
        f"--pidfile={folder / 'turn.pid'}",
        f"--db={folder / 'turn.db'}",
    ]


@asynccontextmanager
async def coturn(internet: Internet, certificate: dict[str, str], folder: Path) -> AsyncIterator[Program]:
    """Beside the relay, on loopback only: the relay's TCP port leads to it."""
    command = options(certificate, folder, "127.0.0.1", SERVER, SERVER)
    async with running(internet, "server", *command, ready=READY) as program:
        yield program
