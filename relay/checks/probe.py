"""Asks a running server what a browser would ask it: page, WebSocket, and its media port over UDP, TCP and TURN.

It makes no call. A check (RFC 8445) that is answered shows that packets come through both ways.
"""

import asyncio
import socket
import ssl
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import aiohttp
import msgspec
from aioice import stun
from aiortc import sdp

from relay.checks.consent import check_consent
from relay.checks.finding import Finding, Verdict, failure, ok, warning
from relay.checks.offer import MID, OFFER, UFRAG
from relay.checks.page import FAILURES, find_page, why_shut
from relay.checks.plain import plain
from relay.checks.turn import INSIDE, OUTSIDE, check_turn, is_inside
from relay.errors import ErrorCode
from relay.protocol.messages import IceServer
from relay.transport.framing import LARGEST_DATAGRAM, frame

PATIENCE = 5.0
"""Seconds for each answer."""

ATTEMPT = 0.5
"""Seconds after which a lost datagram is retransmitted."""


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


class _RefusedError(Exception):
    """The server let the probe in and says no."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


NO_TURN_OVER_TLS = (
    "There is none: networks that let only TLS through can't be served. `relay check` on the server says why."
)

REMEDIES: dict[str, str] = {
    ErrorCode.SERVER_FULL: "`relay check` on the server says what limits it.",
    ErrorCode.SERVER_DRAINING: "It was told to end. Ask again when another one has taken its place.",
    ErrorCode.TOO_MANY_CONNECTIONS: "If a proxy is in front of the server, put it into RELAY_TRUSTED_PROXIES;"
    " else raise RELAY_MAX_PER_ADDRESS.",
}


async def probe(
    url: str, *, insecure: bool = False, insecure_page: bool = False, own: Collection[str] = ()
) -> list[Finding]:
    """Everything, from where we are. `insecure` takes any certificate, `insecure_page` that of the page alone.

    `own` are addresses of this host, when it is the server's: what a NAT does with others can't be seen from inside.
    """
    page, turn = (_context(any_certificate) for any_certificate in (insecure or insecure_page, insecure))
    jar = aiohttp.CookieJar(unsafe=True)  # those of an address too, as browsers keep them
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE), cookie_jar=jar) as client:
        base, found = await find_page(client, url, page)
        if base is None:
            return found
        found += await check_consent(client, base, page)
        try:
            # As a browser comes: with the page's origin.
            origin = str(base.origin())
            async with client.ws_connect(base / "ws", origin=origin, ssl=page) as visit:
                servers = await _greeting(visit)
                found.append(ok("WebSocket", "It opens."))
                media = await _media_port(visit)
                for candidate in media.candidates:
                    found.append(await _candidate(media, *candidate, own))
                if not any(url.startswith("turns:") for server in servers for url in server.urls):
                    found.append(warning("TURN over TLS", NO_TURN_OVER_TLS))
                for server in servers:
                    place = (base.host or "", base.port or 0)
                    ours = is_inside(server, place, media.candidates)
                    context, remedies = (page, INSIDE) if ours else (turn, OUTSIDE)
                    found += await check_turn(server, media.candidates, media.check, context, remedies, own)
        except aiohttp.WSServerHandshakeError as shut:
            found.append(await why_shut(client, base, page, shut.status))
        except _RefusedError as refused:
            remedy = REMEDIES.get(refused.code, "")
            found.append(failure("WebSocket", f"It opens, and we are told: {refused.sentence} {remedy}".strip()))
        except (*FAILURES, KeyError, TypeError, msgspec.MsgspecError) as cause:
            found.append(failure("WebSocket", f"It does not work: {plain(cause)}."))
    return found


def _context(any_certificate: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if any_certificate:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


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
                raise _RefusedError(message["data"]["code"], message["data"]["message"])


async def _media_port(visit: aiohttp.ClientWebSocketResponse) -> _MediaPort:
    await visit.send_json({"event": "webrtc_offer", "data": {"sdp": OFFER, "lines": {MID: "microphone"}}})
    (section,) = sdp.SessionDescription.parse((await _hear(visit, "webrtc_answer"))["sdp"]).media
    if section.ice is None or section.ice.usernameFragment is None or section.ice.password is None:
        raise OSError("the answer has no ICE credentials")
    candidates = tuple((item.protocol, item.ip, item.port) for item in section.ice_candidates)
    return _MediaPort(section.ice.usernameFragment, section.ice.password, candidates)


async def _candidate(media: _MediaPort, protocol: str, host: str, port: int, own: Collection[str]) -> Finding:
    name = f"media over {protocol.upper()}"
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    ask = _ask_udp if protocol == "udp" else _ask_tcp
    begun = time.monotonic()
    try:
        async with asyncio.timeout(PATIENCE):
            await ask(media.check, host, port)
    except (OSError, TimeoutError, EOFError) as cause:
        verdict, remedy = _media_remedy(cause, protocol, host, port, own)
        return Finding(name, verdict, f"{place}: {plain(cause)}. {remedy}")
    return ok(name, f"{place} answers after {1_000 * (time.monotonic() - begun):.0f} ms.")


def _media_remedy(
    cause: BaseException, protocol: str, host: str, port: int, own: Collection[str]
) -> tuple[Verdict, str]:
    """How bad it is, and what helps."""
    transport = protocol.upper()
    if own and host not in own:
        sentence = (
            "It is not this host's own, and many NATs let nobody in from inside: run `relay probe` on another machine."
            f" If that fails too, have the NAT pass {transport} port {port} on."
        )
        return Verdict.WARNING, sentence
    if isinstance(cause, ConnectionRefusedError):
        sentence = (
            f"Nothing listens there: {host} is another machine's address (RELAY_PUBLIC_ADDRESS), its port is another"
            f" (RELAY_PUBLIC_{transport}_PORT), or the server does not listen on it (RELAY_BIND, RELAY_MEDIA_BIND)."
            f" Otherwise open {transport} port {port} in every firewall, and pass it on in every NAT."
        )
        return Verdict.FAILURE, sentence
    if ":" in host and not isinstance(cause, TimeoutError):
        return Verdict.WARNING, "This machine may have no IPv6."
    return Verdict.FAILURE, f"Open {transport} port {port} in every firewall, and pass it on in every NAT."


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
