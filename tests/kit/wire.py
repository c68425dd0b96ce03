"""Bytes as a stranger writes them: one TCP connection, without any library's manners."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from tests.kit.people import PATIENCE


@dataclass(frozen=True, slots=True)
class Wire:
    """An open connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, content: bytes) -> None:
        """Send, if the server still takes it."""
        if self.writer.transport.is_closing():
            return
        with suppress(ConnectionError):
            self.writer.write(content)
            await self.writer.drain()

    async def rest(self, patience: float = PATIENCE) -> bytes:
        """Everything until the server closes, which it must do in time."""
        received = b""
        try:
            async with asyncio.timeout(patience):
                while piece := await self.reader.read(65_536):
                    received += piece
        except ConnectionError:
            pass
        return received

    async def head(self) -> bytes:
        """The beginning of an HTTP answer, or less if the server closes."""
        try:
            async with asyncio.timeout(PATIENCE):
                return await self.reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as ended:
            return ended.partial
        except ConnectionError:
            return b""

    async def is_open(self, seconds: float = 0.1) -> bool:
        """Whether the server has neither closed nor said anything."""
        try:
            async with asyncio.timeout(seconds):
                await self.reader.read(1)
        except TimeoutError:
            return True
        except ConnectionError:
            pass
        return False


@asynccontextmanager
async def wire(port: int, address: str = "127.0.0.1", context: ssl.SSLContext | None = None) -> AsyncIterator[Wire]:
    """Connect on loopback, from this address, over TLS if there is a context for it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0), ssl=context)
    try:
        yield Wire(reader, writer)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def status_of(port: int, request: bytes, address: str = "127.0.0.1") -> int:
    """The status of the answer to what is written as it is; 0 if the connection just ends."""
    async with wire(port, address) as raw:
        await raw.send(request)
        answer = await raw.head()
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/") else 0
