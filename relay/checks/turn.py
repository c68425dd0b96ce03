"""Whether a TURN server takes our credentials, reaches the media port, and reaches nobody else."""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Callable, Sequence

from aioice import stun, turn

from relay.checks.finding import Finding, failure, ok
from relay.checks.plain import plain
from relay.config.addresses import TURN_URL
from relay.protocol.messages import IceServer

PATIENCE, ANSWER = 5.0, 2.0
"""Seconds for all of it, and for what comes back through it."""
STRANGER = ("192.0.2.1", 9)
"""An address for documentation (RFC 5737): nobody is there, and nobody needs to be asked."""

DEFAULT_PORTS = {"turn": 3_478, "turns": 5_349}
FORBIDDEN, UNAUTHORIZED = 403, 401
"""RFC 8656 section 18.4, RFC 8489 section 14.8."""


class _Heard:
    """What comes through the allocation."""

    def __init__(self) -> None:
        self.datagrams: asyncio.Queue[bytes] = asyncio.Queue(16)

    def connection_lost(self, cause: Exception | None) -> None:
        """aioice tells it; the one who waits has a deadline."""

    def error_received(self, cause: Exception) -> None:
        """As above."""

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if not self.datagrams.full():
            self.datagrams.put_nowait(data)


async def check_turn(
    server: IceServer,
    candidates: Sequence[tuple[str, str, int]],
    check: Callable[[], stun.Message],
    context: ssl.SSLContext,
) -> list[Finding]:
    """For each of its URLs."""
    targets = [(host, port) for protocol, host, port in candidates if protocol == "udp" and ":" not in host]
    if not targets:
        return []
    found = []
    for url in server.urls:
        try:
            async with asyncio.timeout(PATIENCE):
                found.append(await _check(url, server, targets[0], check, context))
        except stun.TransactionFailed as refused:
            code, reason = refused.response.attributes["ERROR-CODE"]
            remedy = " RELAY_TURN_SECRET and coturn's static-auth-secret differ, or a clock is wrong."
            found.append(failure("TURN", f"{url} refuses us: {reason}.{remedy if code == UNAUTHORIZED else ''}"))
        except ssl.SSLError as cause:
            remedy = "Browsers take no other: give coturn one for this name (--cert, --pkey)."
            found.append(failure("TURN", f"{url} can't be used: {plain(cause)}. {remedy}"))
        except (socket.gaierror, UnicodeError):
            found.append(
                failure("TURN", f"The name in {url} is not known. Correct RELAY_TURN_URLS, or the name server.")
            )
        except (OSError, TimeoutError, stun.TransactionTimeout) as cause:
            why = "no answer" if isinstance(cause, stun.TransactionTimeout) else plain(cause)
            found.append(failure("TURN", f"{url} does not answer ({why}). Is coturn running there?"))
    return found


async def _check(
    url: str,
    server: IceServer,
    target: tuple[str, int],
    check: Callable[[], stun.Message],
    context: ssl.SSLContext,
) -> Finding:
    scheme, host, port, transport = _parts(url)
    protocol = await _connect(scheme, host, port, transport, server, context)
    heard = _Heard()
    protocol.receiver = heard  # type: ignore[assignment]
    try:
        await protocol.connect()
        try:
            await protocol.channel_bind(0x4000, target)
        except stun.TransactionFailed as refused:
            if refused.response.attributes["ERROR-CODE"][0] != FORBIDDEN:
                raise
            # Loopback is refused by coturn itself, whatever it is told to allow.
            loopback = " and --allow-loopback-peers" if ipaddress.ip_address(target[0]).is_loopback else ""
            remedy = f"give coturn --allowed-peer-ip={target[0]}{loopback}"
            return failure("TURN", f"{url} may not relay to us: {remedy}.")
        try:
            await protocol.channel_bind(0x4001, STRANGER)
        except stun.TransactionFailed:
            pass
        else:
            return failure("TURN", f"{url} relays to anybody. Use docker/turn/turnserver.conf: it denies all but us.")
        await protocol.send_data(bytes(check()), target)
        try:
            async with asyncio.timeout(ANSWER):
                stun.parse_message(await heard.datagrams.get())
        except TimeoutError:
            sentence = f"{url} takes our credentials, but what it relays does not reach {target[0]} port {target[1]}."
            return failure("TURN", f"{sentence} See its --relay-ip, and firewalls between the two.")
        return ok("TURN", f"{url} takes our credentials, reaches the media port, and refuses other peers.")
    finally:
        protocol.transport.close()


def _parts(url: str) -> tuple[str, str, int, str]:
    parsed = TURN_URL.fullmatch(url)
    if parsed is None:
        raise OSError("that is no TURN URL")
    scheme = url.partition(":")[0]
    port = int(parsed[2][1:]) if parsed[2] else DEFAULT_PORTS[scheme]
    return scheme, parsed[1].strip("[]"), port, parsed[4] or ("tcp" if scheme == "turns" else "udp")


async def _connect(
    scheme: str, host: str, port: int, transport: str, server: IceServer, context: ssl.SSLContext
) -> turn.TurnClientProtocol:
    loop = asyncio.get_running_loop()
    credentials = (server.username, server.credential, turn.DEFAULT_ALLOCATION_LIFETIME)
    refresh = turn.DEFAULT_CHANNEL_REFRESH_TIME
    if transport == "tcp":
        secure = context if scheme == "turns" else None
        _, stream = await loop.create_connection(
            lambda: turn.TurnClientTcpProtocol((host, port), *credentials, refresh), host, port, ssl=secure
        )
        return stream
    _, datagrams = await loop.create_datagram_endpoint(
        lambda: turn.TurnClientUdpProtocol((host, port), *credentials, refresh), remote_addr=(host, port)
    )
    return datagrams
