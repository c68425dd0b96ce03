"""Asks a running server what a browser would ask it: page, WebSocket, and its media port over UDP, TCP and TURN.

It makes no call. A check (RFC 8445) that is answered shows that packets come through both ways.
"""

import asyncio
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urljoin

import aiohttp
import msgspec
from aioice import stun
from aiortc import sdp

from relay.checks.finding import Finding, failure, ok, warning
from relay.checks.offer import MID, OFFER, UFRAG
from relay.checks.turn import check_turn
from relay.protocol.messages import IceServer
from relay.transport.framing import LARGEST_DATAGRAM, frame

PATIENCE = 5.0
"""Seconds for each answer."""

ATTEMPT = 0.5
"""Seconds after which a lost datagram is sent again."""

CLOCK_TOLERANCE = 60.0
"""Seconds that this clock and the server's may differ."""


@dataclass(frozen=True, slots=True)
class _MediaPort:
    """What the server's answer says of it."""

    ufrag: str
    password: str
    candidates: tuple[tuple[str, str, int], ...]
    """Protocol, address, port."""

    def check(self) -> stun.Message:
        request = stun.Message(
            stun.Method.BINDING,
            stun.Class.REQUEST,
            attributes={"USERNAME": f"{self.ufrag}:{UFRAG}", "PRIORITY": 1, "ICE-CONTROLLING": 1},
        )
        request.add_message_integrity(self.password.encode())
        request.add_fingerprint()
        return request


async def probe(url: str, *, trusting: bool = False) -> list[Finding]:
    """Everything, from where we are. `trusting` takes any certificate, as on the server's own host."""
    context = ssl.create_default_context()
    if trusting:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    timeout = aiohttp.ClientTimeout(total=PATIENCE)
    found: list[Finding] = []
    async with aiohttp.ClientSession(timeout=timeout) as client:
        try:
            async with client.get(urljoin(url, "videochat/health"), ssl=context) as response:
                if response.status == HTTPStatus.MISDIRECTED_REQUEST:
                    return [failure("page", f"The server does not serve the name in {url}. Add it to RELAY_HOSTS.")]
                found.append(ok("page", f"{url} answers."))
                found.append(_clock(response.headers.get("Date")))
        except (aiohttp.ClientError, TimeoutError, OSError) as cause:
            return [failure("page", f"{url} does not answer: {_plain(cause)}.")]
        try:
            async with client.ws_connect(urljoin(url, "ws"), ssl=context) as visit:
                servers = await _greeting(visit)
                found.append(ok("WebSocket", "It opens."))
                media = await _media_port(visit)
                for candidate in media.candidates:
                    found.append(await _candidate(media, *candidate))
                if not servers:
                    found.append(warning("TURN", "There is none: networks that let only TLS through can't be served."))
                for server in servers:
                    found += await check_turn(server, media.candidates, media.check, context)
        except (aiohttp.ClientError, TimeoutError, OSError, KeyError, msgspec.DecodeError) as cause:
            found.append(failure("WebSocket", f"It does not work: {_plain(cause)}."))
    return found


def _plain(cause: BaseException) -> str:
    return str(cause) or type(cause).__name__


def _clock(date: str | None) -> Finding:
    if date is None:
        return warning("clock", "The server does not tell the time.")
    off = abs(parsedate_to_datetime(date).timestamp() - time.time())
    if off > CLOCK_TOLERANCE:
        return failure("clock", f"The server's clock and this one differ by {off:.0f} seconds: TURN would refuse us.")
    return ok("clock", "The server's and this one agree.")


async def _greeting(visit: aiohttp.ClientWebSocketResponse) -> tuple[IceServer, ...]:
    data = await _hear(visit, "connected")
    return msgspec.convert(data.get("ice_servers", []), tuple[IceServer, ...])


async def _hear(visit: aiohttp.ClientWebSocketResponse, event: str) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE):
        while True:
            message = msgspec.json.decode(await visit.receive_str())
            if message["event"] == event:
                data: dict[str, Any] = message["data"]
                return data
            if message["event"] == "error":
                raise OSError(message["data"]["message"])


async def _media_port(visit: aiohttp.ClientWebSocketResponse) -> _MediaPort:
    await visit.send_json({"event": "webrtc_offer", "data": {"sdp": OFFER, "lines": {MID: "microphone"}}})
    (section,) = sdp.SessionDescription.parse((await _hear(visit, "webrtc_answer"))["sdp"]).media
    if section.ice is None or section.ice.usernameFragment is None or section.ice.password is None:
        raise OSError("the answer has no ICE credentials")
    candidates = tuple((item.protocol, item.ip, item.port) for item in section.ice_candidates)
    return _MediaPort(section.ice.usernameFragment, section.ice.password, candidates)


async def _candidate(media: _MediaPort, protocol: str, host: str, port: int) -> Finding:
    name = f"media over {protocol.upper()}"
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    ask = _ask_udp if protocol == "udp" else _ask_tcp
    begun = time.monotonic()
    try:
        async with asyncio.timeout(PATIENCE):
            await ask(media.check, host, port)
    except (OSError, TimeoutError, EOFError) as cause:
        remedy = f"Open {protocol.upper()} port {port} in every firewall, and pass it on in every NAT."
        why = "no answer" if isinstance(cause, TimeoutError) else _plain(cause)
        if ":" in host and isinstance(cause, OSError) and not isinstance(cause, TimeoutError):
            return warning(name, f"{place}: {why}. This machine may have no IPv6.")
        return failure(name, f"{place}: {why}. {remedy}")
    return ok(name, f"{place} answers after {1_000 * (time.monotonic() - begun):.0f} ms.")


async def _ask_udp(check: Callable[[], stun.Message], host: str, port: int) -> None:
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.setblocking(False)
        own.connect((host, port))
        while True:
            own.send(bytes(check()))
            try:
                async with asyncio.timeout(ATTEMPT):
                    _accept(await loop.sock_recv(own, LARGEST_DATAGRAM))
                    return
            except TimeoutError:
                continue


async def _ask_tcp(check: Callable[[], stun.Message], host: str, port: int) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(frame(bytes(check())))
        length = int.from_bytes(await reader.readexactly(2))
        _accept(await reader.readexactly(length))
    finally:
        writer.close()


def _accept(datagram: bytes) -> None:
    try:
        answer = stun.parse_message(datagram)
    except ValueError as cause:
        raise OSError("something else answers") from cause
    if answer.message_class is not stun.Class.RESPONSE:
        raise OSError("the check is refused")
