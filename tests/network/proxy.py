"""What companies have between their people and the internet. A proxy that takes CONNECT, to port 443 only; or, in front
of one server, a firewall that looks into connections without being asked.

`python -m tests.network.proxy ADDRESS PORT [--tls] [--http] [--idle=SECONDS] [--before=ADDRESS] [NAME=ADDRESS...]`
"""

import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]

TLS_HANDSHAKE = b"\x16\x03"
RECORD_HEADER = 5
HTTP = b"\x08http/1.1"
"""As a ClientHello names it (ALPN, RFC 7301). Who offers h2 offers this too."""


@dataclass(frozen=True, slots=True)
class Rules:
    only_tls: bool
    """Only what begins with a ClientHello passes."""
    only_http: bool
    """Only what begins with a ClientHello that offers HTTP passes."""
    idle: float | None
    """Seconds of silence, in both directions, after which a connection is ended."""
    before: str | None
    """The server behind a firewall; none: people say by CONNECT where they want to."""
    names: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, *options: str) -> "Rules":
        given = dict(option.partition("=")[::2] for option in options)
        idle = given.get("--idle")
        names = {name: address for name, address in given.items() if not name.startswith("--")}
        return cls(
            "--tls" in given, "--http" in given, None if idle is None else float(idle), given.get("--before"), names
        )

    def objection(self, first: bytes) -> str | None:
        """What is wrong with a connection that begins like this."""
        if (self.only_tls or self.only_http) and first[:2] != TLS_HANDSHAKE:
            return "not TLS"
        return "not HTTP" if self.only_http and HTTP not in first else None


async def _serve(rules: Rules, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        if rules.before is not None:
            target = host = rules.before
        else:
            target, host = await _asked(rules, reader, writer)
        there = await asyncio.open_connection(host, 443)
        if rules.before is None:
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await _lead(rules, target, (reader, writer), there)
    except (OSError, asyncio.IncompleteReadError):
        writer.close()


async def _asked(rules: Rules, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[str, str]:
    """What CONNECT names, and the address of it."""
    request = await reader.readuntil(b"\r\n\r\n")
    method, target, _ = request.split(b"\r\n")[0].decode().split()
    host, _, port = target.rpartition(":")
    if method != "CONNECT" or port != "443":
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        print("forbidden", method, target, flush=True)
        raise PermissionError(target)
    return target, rules.names.get(host, host.strip("[]"))


async def _first(reader: asyncio.StreamReader) -> bytes:
    """What there is; of TLS the whole first record, which browsers' ClientHellos fill two segments with."""
    first = await reader.read(65_536)
    while first[:2] == TLS_HANDSHAKE and len(first) < RECORD_HEADER + int.from_bytes(first[3:RECORD_HEADER]):
        if not (piece := await reader.read(65_536)):
            break
        first += piece
    return first


async def _lead(rules: Rules, target: str, here: Ends, there: Ends) -> None:
    """Until both have ended, or said nothing for too long."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(rules.idle) as patience:

            def heard() -> None:
                if rules.idle is not None:
                    patience.reschedule(loop.time() + rules.idle)

            first = await _first(here[0])
            if first and (objection := rules.objection(first)) is None:
                print("connected", target, flush=True)
                there[1].write(first)
                heard()
                await asyncio.gather(_pass(here[0], there[1], heard), _pass(there[0], here[1], heard))
            elif first:
                print(objection, target, flush=True)
    except TimeoutError:
        print("idle", target, flush=True)
    finally:
        here[1].close()
        there[1].close()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: Callable[[], None]) -> None:
    try:
        while piece := await reader.read(65_536):
            heard()
            writer.write(piece)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


async def _main(host: str, port: str, *options: str) -> None:
    server = await asyncio.start_server(partial(_serve, Rules.read(*options)), host, int(port))
    print("listening", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
