"""An HTTP proxy as companies have it: CONNECT to port 443 only, and if it likes only for TLS.

`python -m tests.network.proxy ADDRESS PORT [--tls] [NAME=ADDRESS...]`
"""

import asyncio
import sys
from functools import partial

TLS_HANDSHAKE = b"\x16\x03"


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(65_536):
            writer.write(piece)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


async def _serve(
    names: dict[str, str], only_tls: bool, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    try:
        request = await reader.readuntil(b"\r\n\r\n")
        method, target, _ = request.split(b"\r\n")[0].decode().split()
        host, _, port = target.rpartition(":")
        if method != "CONNECT" or port != "443":
            writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            print("forbidden", method, target, flush=True)
            writer.close()
            return
        there = await asyncio.open_connection(names.get(host, host.strip("[]")), 443)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        first = await reader.read(65_536)
        if only_tls and first[:2] != TLS_HANDSHAKE:
            print("not TLS", target, flush=True)
            writer.close()
            there[1].close()
            return
        print("connected", target, flush=True)
        there[1].write(first)
        await asyncio.gather(_pass(reader, there[1]), _pass(there[0], writer))
    except (OSError, asyncio.IncompleteReadError):
        writer.close()


async def _main(host: str, port: str, *options: str) -> None:
    names = dict(option.split("=") for option in options if "=" in option)
    server = await asyncio.start_server(partial(_serve, names, "--tls" in options), host, int(port))
    print("listening", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
