"""The coturn configuration that the project ships, run by the real coturn: it relays to us and to nobody else."""

import asyncio
import contextlib
import datetime
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aioice import stun, turn

from relay.config import Settings
from relay.ids import UserId
from relay.session.turn import Turn
from relay.web.self_signed import self_signed
from tests.conftest import free_port
from tests.network.turn import SECRET, options

RELAY, STRANGER, COTURN = "127.0.0.2", "127.0.0.3", "127.0.0.4"
PATIENCE = 5.0

MOST_ALLOCATIONS = 8
QUOTA_REACHED = 486
"""RFC 8656 section 7.2."""


class Echo(asyncio.DatagramProtocol):
    """A peer that says back what it hears."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.heard.put_nowait(data)
        assert self.transport is not None
        self.transport.sendto(data, addr)


@pytest.fixture
async def coturn(tmp_path: Path) -> AsyncIterator[int]:
    """Its plain TCP and UDP port. Loopback has to be allowed on purpose."""
    async with turnserver(tmp_path, RELAY, "--allow-loopback-peers") as (port, _):
        yield port


@contextlib.asynccontextmanager
async def turnserver(folder: Path, peer: str, *more: str) -> AsyncIterator[tuple[int, int]]:
    """The plain port of one that may relay to `peer`, and the one for TLS."""
    chain, key = self_signed(folder / "certificate", (), datetime.datetime.now(datetime.UTC))
    port, secure = free_port(), free_port()
    command = options({"tls_cert": str(chain), "tls_key": str(key)}, folder, COTURN, COTURN, peer)
    process = await asyncio.create_subprocess_exec(
        *command,
        *more,
        f"--listening-port={port}",
        f"--tls-listening-port={secure}",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                _, writer = await asyncio.open_connection(COTURN, port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                break
    try:
        yield port, secure
    finally:
        process.terminate()
        await process.wait()


def credentials(secret: str = SECRET, now: float | None = None, user: str = "ann") -> tuple[str, str]:
    settings = Settings(turn_urls=("turn:turn.test",), turn_secret=secret, turn_lifetime=60)
    moment = datetime.datetime.now(datetime.UTC).timestamp() if now is None else now
    (server,) = Turn.configured(settings).servers(UserId(user), moment)
    assert server.username is not None
    assert server.credential is not None
    return server.username, server.credential


async def through(port: int, peer: str, name: tuple[str, str]) -> bytes:
    """What a peer says back through the TURN server."""
    loop = asyncio.get_running_loop()
    there, _ = await loop.create_datagram_endpoint(Echo, local_addr=(peer, 0))
    address = there.get_extra_info("sockname")
    here = Echo.__new__(Echo)
    Echo.__init__(here)
    here.datagram_received = lambda data, addr: here.heard.put_nowait(data)  # type: ignore[method-assign]
    transport = None
    try:
        transport, _ = await turn.create_turn_endpoint(
            lambda: here, server_addr=(COTURN, port), username=name[0], password=name[1], transport="tcp"
        )
        transport.sendto(b"hello", address)
        async with asyncio.timeout(PATIENCE):
            return await here.heard.get()
    finally:
        there.close()
        if transport is not None:
            transport.close()


async def test_media_passes_to_the_relay_with_our_credentials(coturn: int) -> None:
    assert await through(coturn, RELAY, credentials()) == b"hello"


async def test_no_other_peer_is_reached(coturn: int, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises((stun.TransactionFailed, TimeoutError)):
        await through(coturn, STRANGER, credentials())


@pytest.mark.parametrize("name", [credentials(secret="another secret"), credentials(now=1_000.0)])
async def test_wrong_and_outdated_credentials_are_refused(coturn: int, name: tuple[str, str]) -> None:
    with pytest.raises(stun.TransactionFailed) as refused:
        await through(coturn, RELAY, name)
    assert refused.value.response.attributes["ERROR-CODE"][0] == 401


async def test_one_person_gets_eight_allocations_and_leaves_room_for_the_next(coturn: int) -> None:
    earlier = credentials(now=datetime.datetime.now(datetime.UTC).timestamp() - 1)
    async with contextlib.AsyncExitStack() as allocations:

        async def allocate(name: tuple[str, str]) -> None:
            transport, _ = await turn.create_turn_endpoint(
                asyncio.DatagramProtocol,
                server_addr=(COTURN, coturn),
                username=name[0],
                password=name[1],
                transport="tcp",
            )
            allocations.callback(transport.close)

        for _ in range(MOST_ALLOCATIONS):
            await allocate(credentials())
        for name in (credentials(), earlier):
            with pytest.raises(stun.TransactionFailed) as refused:
                await allocate(name)
            assert refused.value.response.attributes["ERROR-CODE"][0] == QUOTA_REACHED
        await allocate(credentials(user="bob"))
