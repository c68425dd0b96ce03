"""Passes TCP connections on: `python -m tests.network.forwarder FROM TO`, each a Unix socket or `ADDRESS:PORT`.

Two of them, with a Unix socket between, lead from one namespace into another.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(65_536):
            writer.write(piece)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


async def _connect(place: str) -> Ends:
    host, _, port = place.rpartition(":")
    return await (asyncio.open_connection(host, int(port)) if host else asyncio.open_unix_connection(place))


async def _listen(place: str, serve: Callable[..., Awaitable[None]]) -> asyncio.Server:
    host, _, port = place.rpartition(":")
    return await (asyncio.start_server(serve, host, int(port)) if host else asyncio.start_unix_server(serve, place))


async def _main(here: str, there: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far = await _connect(there)
        await asyncio.gather(_pass(reader, far[1]), _pass(far[0], writer))

    server = await _listen(here, serve)
    print("listening", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
