"""TCP between one browser and the server, which can be cut, held up or lose its way. Media is UDP and passes by it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.kit.ports import free_port


class Wire:
    """Carries everything, unless told otherwise."""

    def __init__(self, to: int) -> None:
        self.port = free_port()
        self._to = to
        self._listener: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._lets_sockets_through = asyncio.Event()
        self._lets_sockets_through.set()
        self._lost: set[asyncio.StreamWriter] = set()

    async def restore(self) -> None:
        self._listener = await asyncio.start_server(self._carry, "127.0.0.1", self.port)

    async def cut(self) -> None:
        """Break every connection without a goodbye, and refuse new ones."""
        assert self._listener is not None
        self._listener.close()
        for writer in list(self._open):
            writer.transport.abort()
        await self._listener.wait_closed()

    def lose_the_way(self) -> None:
        """Carry nothing more over what is open, and tell neither end: an address changed. What is new passes."""
        self._lost |= self._open

    def hold_up_sockets(self) -> None:
        """Let nobody's WebSocket reach the server for now; pages pass."""
        self._lets_sockets_through.clear()

    def let_sockets_through(self) -> None:
        self._lets_sockets_through.set()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward_reader, onward = await asyncio.open_connection("127.0.0.1", self._to)
        self._open |= {writer, onward}
        try:
            await asyncio.gather(self._copy(reader, onward), self._copy(onward_reader, writer))
        finally:
            self._open -= {writer, onward}
            self._lost -= {writer, onward}

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                if b"Upgrade: websocket" in data:
                    await self._lets_sockets_through.wait()
                if writer not in self._lost:
                    writer.write(data)
                    await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.transport.abort()


@asynccontextmanager
async def wire_to(port: int) -> AsyncIterator[Wire]:
    """A wire to the server at that port of this host."""
    wire = Wire(port)
    await wire.restore()
    try:
        yield wire
    finally:
        wire.let_sockets_through()
        await wire.cut()
