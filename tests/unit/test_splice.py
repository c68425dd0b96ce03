"""A connection that is joined with one to another server, over real sockets."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from relay.front import splice as splice_module
from relay.front.mux import Arrival
from relay.front.splice import Splice
from relay.ledger.turns import Turns
from relay.observe.drops import Drops
from tests.kit.payers import payer

PATIENCE = 5.0


class Backend:
    """The other server: it repeats what it hears."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()
        """Set when a connection to it has ended."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while piece := await reader.read(100):
                writer.write(piece)
        writer.close()
        self.ended.set()


@pytest.fixture
def backend() -> Backend:
    return Backend()


@pytest.fixture
async def splice(backend: Backend) -> AsyncIterator[Splice]:
    def fail(task: str, failure: BaseException) -> None:
        raise AssertionError(task) from failure

    turns = Turns()
    async with await asyncio.start_server(backend.serve, "127.0.0.1", 0) as server:
        splice = Splice(
            server_name="turn.test",
            host="127.0.0.1",
            port=server.sockets[0].getsockname()[1],
            most=1,
            most_per_address=1,
            turns=turns,
            drops=Drops(),
            report=fail,
        )
        yield splice
        await splice.close()
    turns.close()


async def joined(splice: Splice) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """The visitor's end of a connection that is joined."""
    here, there = socket.socketpair()
    here.setblocking(False)
    splice.join(Arrival(here, "192.0.2.1", payer(), may_be_proxied=False))
    return await asyncio.open_connection(sock=there)


async def test_what_passes_keeps_a_connection_open_and_silence_ends_it(
    splice: Splice, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(splice_module, "IDLE_TIMEOUT", 0.5)
    loop = asyncio.get_running_loop()
    reader, writer = await joined(splice)
    began = loop.time()
    async with asyncio.timeout(PATIENCE):
        while loop.time() - began < 1.0:
            writer.write(b"x")
            assert await reader.read(1) == b"x"
            await asyncio.sleep(0.02)
        assert await reader.read(1) == b""
        await backend.ended.wait()
    writer.close()


async def test_a_connection_that_ends_while_it_is_joined_leaves_none_to_the_other_server(
    splice: Splice, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect, is_there = asyncio.open_connection, asyncio.Event()

    async def connect_there_alone(*to: Any, sock: socket.socket | None = None) -> Any:
        if sock is None:
            return await connect(*to)
        is_there.set()
        return await asyncio.Event().wait()

    monkeypatch.setattr(asyncio, "open_connection", connect_there_alone)
    here, there = socket.socketpair()
    with there:
        here.setblocking(False)
        async with asyncio.timeout(PATIENCE):
            splice.join(Arrival(here, "192.0.2.1", payer(), may_be_proxied=False))
            await is_there.wait()
            await splice.close()
            await backend.ended.wait()
