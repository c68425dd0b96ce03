"""The real coturn, with the configuration that the project ships or as a plain STUN server."""

import asyncio
import datetime
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from relay.front.self_signed import self_signed
from tests.kit.ports import free_port

CONFIGURATION = Path(__file__).parents[2] / "docker/turn/turnserver.conf"
SECRET = "correct horse battery staple"
RELAY, COTURN = "127.0.0.2", "127.0.0.4"
"""Where the relay is that one may reach through it, and where it listens itself."""
PATIENCE = 5.0


def options(certificate: Mapping[str, str], folder: Path, listening: str, relaying: str, peer: str) -> list[str]:
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
async def turnserver(folder: Path, peer: str, *more: str) -> AsyncIterator[tuple[int, int]]:
    """The plain port of one that may relay to `peer`, and the one for TLS."""
    chain, key = self_signed(folder / "certificate", (), datetime.datetime.now(datetime.UTC))
    port, secure = free_port(), free_port()
    command = options({"tls_cert": str(chain), "tls_key": str(key)}, folder, COTURN, COTURN, peer)
    async with _answering(port, *command, *more, f"--listening-port={port}", f"--tls-listening-port={secure}"):
        yield port, secure


@asynccontextmanager
async def stun_server(folder: Path) -> AsyncIterator[int]:
    """The port of one that answers anybody."""
    port = free_port()
    command = ["turnserver", "-n", f"--listening-ip={COTURN}", f"--relay-ip={COTURN}", f"--listening-port={port}"]
    command += ["--no-auth", "--no-tls", "--no-dtls", "--no-cli", "--log-file=stdout"]
    async with _answering(port, *command, f"--pidfile={folder}/turn.pid", f"--db={folder}/turn.db"):
        yield port


@asynccontextmanager
async def _answering(port: int, *command: str) -> AsyncIterator[None]:
    nowhere = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*command, stdout=nowhere, stderr=nowhere)
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    _, writer = await asyncio.open_connection(COTURN, port)
                except OSError:
                    await asyncio.sleep(0.05)
                else:
                    writer.close()
                    break
        yield
    finally:
        process.terminate()
        await process.wait()
