"""Whether a TURN server takes our credentials, reaches the media port, and reaches nobody else."""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from aioice import stun, turn

from relay.checks.finding import Finding, failure, ok, warning
from relay.checks.plain import plain
from relay.config.addresses import TURN_URL, is_address
from relay.protocol.messages import IceServer

PATIENCE, ANSWER = 5.0, 2.0
"""Seconds for all of it, and for what comes back through it."""
STRANGER = ("192.0.2.1", 9)
"""An address for documentation (RFC 5737): nobody is there, and nobody needs to be asked."""

BEHIND_NAT = "It is not this host's own, and many NATs let nobody in from inside: run `relay probe` on another machine."

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


@dataclass(frozen=True, slots=True)
class Remedies:
    """What helps, by what is wrong."""

    check: str
    """What the finding is called."""
    wrong_credentials: str
    certificate: str
    unknown_name: str
    silent: str
    forbidden: str
    forbidden_loopback: str
    relays_to_anybody: str
    unreached: str


OUTSIDE = Remedies(
    check="TURN",
    wrong_credentials="RELAY_TURN_SECRET and coturn's static-auth-secret differ, or a clock is wrong.",
    certificate="Browsers take no other: give coturn one for this name (--cert, --pkey).",
    unknown_name="Correct RELAY_TURN_URLS, or the name server.",
    silent="Is coturn running there?",
    forbidden="give coturn --allowed-peer-ip={host}.",
    # Loopback is refused by coturn itself, whatever it is told to allow.
    forbidden_loopback="give coturn --allowed-peer-ip={host} and --allow-loopback-peers.",
    relays_to_anybody="Use docker/turn/turnserver.conf: it denies all but us.",
    unreached="See its --relay-ip, and firewalls between the two.",
)
_FAULT = "That is a fault of the server's own: please report it."
INSIDE = Remedies(
    check="TURN inside",
    wrong_credentials="Another server answers there than the one that serves the page.",
    certificate="Browsers take no other: give the server one for this name (RELAY_TLS_CERT, RELAY_TLS_KEY).",
    unknown_name="Browsers find the page by another: see what the proxy in front of the server makes of Host.",
    silent="If a proxy is in front of the server, have it pass TLS on unread, or say that it is one (docker/proxies).",
    forbidden=f"it does not take {{host}} for its own. {_FAULT}",
    forbidden_loopback=f"it does not take {{host}} for its own. {_FAULT}",
    relays_to_anybody=_FAULT,
    unreached=_FAULT,
)
"""Of the server's own TURN."""


def is_inside(server: IceServer, page: tuple[str, int], candidates: Sequence[tuple[str, str, int]]) -> bool:
    """Whether it is the server's own: at the place of its page, or of its media."""
    places = {page, *((host, port) for _, host, port in candidates)}
    return all(_parts(url)[1:3] in places for url in server.urls)


async def check_turn(
    server: IceServer,
    candidates: Sequence[tuple[str, str, int]],
    check: Callable[[], stun.Message],
    context: ssl.SSLContext,
    remedies: Remedies,
    own: Collection[str] = (),
) -> list[Finding]:
    """For each of its URLs. `own` are addresses of this host, when it is the server's."""
    targets = [(host, port) for protocol, host, port in candidates if protocol == "udp"]
    # Who has IPv4 only relays to nothing else.
    targets.sort(key=lambda target: ":" in target[0])
    if not targets or (":" in targets[0][0] and remedies is not INSIDE):
        return []
    found = []
    for url in server.urls:
        try:
            async with asyncio.timeout(PATIENCE):
                fault = await _fault_of(url, server, targets[0], check, context, remedies)
        except stun.TransactionFailed as refused:
            code, reason = refused.response.attributes["ERROR-CODE"]
            fault = f"{url} refuses us: {reason}. {remedies.wrong_credentials if code == UNAUTHORIZED else ''}".strip()
        except ssl.SSLError as cause:
            fault = f"{url} can't be used: {plain(cause)}. {remedies.certificate}"
        except (socket.gaierror, UnicodeError):
            fault = f"The name in {url} is not known. {remedies.unknown_name}"
        except (OSError, TimeoutError, stun.TransactionTimeout) as cause:
            why = "no answer" if isinstance(cause, stun.TransactionTimeout) else plain(cause)
            fault = f"{url} does not answer ({why}). {remedies.silent}"
            if own and is_address(host := _parts(url)[1]) and host not in own:
                found.append(warning(remedies.check, f"{url} does not answer ({why}). {BEHIND_NAT}"))
                continue
        sentence = f"{url} takes our credentials, reaches the media port, and refuses other peers."
        found.append(failure(remedies.check, fault) if fault else ok(remedies.check, sentence))
    return found


async def _fault_of(
    url: str,
    server: IceServer,
    target: tuple[str, int],
    check: Callable[[], stun.Message],
    context: ssl.SSLContext,
    remedies: Remedies,
) -> str | None:
    """What is wrong with what it lets us do; None if nothing is."""
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
            is_loopback = ipaddress.ip_address(target[0]).is_loopback
            remedy = remedies.forbidden_loopback if is_loopback else remedies.forbidden
            return f"{url} may not relay to us: {remedy.format(host=target[0])}"
        try:
            await protocol.channel_bind(0x4001, STRANGER)
        except stun.TransactionFailed:
            pass
        else:
            return f"{url} relays to anybody. {remedies.relays_to_anybody}"
        await protocol.send_data(bytes(check()), target)
        try:
            async with asyncio.timeout(ANSWER):
                stun.parse_message(await heard.datagrams.get())
        except TimeoutError:
            sentence = f"{url} takes our credentials, but what it relays does not reach {target[0]} port {target[1]}."
            return f"{sentence} {remedies.unreached}"
        return None
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
