"""The project's coturn configuration, run by the real coturn."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.kit.turn import options
from tests.network.internet import SERVER, Internet
from tests.network.processes import Program, running

NAME = "turn.test"
READY = "Relay ports initialization done"


@asynccontextmanager
async def coturn(internet: Internet, certificate: dict[str, str], folder: Path) -> AsyncIterator[Program]:
    """Beside the relay, on loopback only: the relay's TCP port leads to it."""
    command = options(certificate, folder, "127.0.0.1", SERVER, SERVER)
    async with running(internet, "server", *command, ready=READY) as program:
        yield program
