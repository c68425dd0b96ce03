"""Every class of siege that `siege.py` lays: what is sent over TCP, to pages, WebSocket and handshakes."""

from dataclasses import replace

import msgspec

from tests.bench.attack.field import Siege
from tests.kit.hellos import client_hello, in_records_of
from tests.kit.offers import ROLES, offer

UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
GREETING = b'"connected"'
QUESTION = b"GET /videochat/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
CHUNK = 65_536
ELSEWHERE = "audio"
"""The mode in which attackers seek partners: those whom the siege watches are to meet each other."""

TEXT, PING, PONG, CONTINUATION = 1, 9, 10, 0
"""Opcodes (RFC 6455 section 5.2)."""

PER_ADDRESS = 290
"""Connections, of the 300 that an address may have by default."""
FLOODING = 5
"""WebSockets of an address that flood: one is enough for most of it."""
FLOODING_IN_ALL = 50


def frame(opcode: int, payload: bytes = b"", *, final: bool = True) -> bytes:
    """As a browser writes it, with a mask of zeros (RFC 6455 section 5.3)."""
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2)
    return bytes([0x80 * final | opcode]) + length + bytes(4) + payload


def event(name: str, **data: object) -> bytes:
    """One event in a frame of its own."""
    return frame(TEXT, msgspec.json.encode({"event": name, "data": data}))


def offers(count: int, more_lines: int = 0) -> tuple[bytes, ...]:
    """Each with ICE credentials of its own; `more_lines` are attributes of the last section that nobody needs."""
    lines = [f"a=fmtp:96 x{number}={number}" if number % 2 else "a=rtcp-fb:96 nack" for number in range(more_lines)]
    sdp = offer() + "".join(line + "\n" for line in lines)
    roles = {mid: role.value for mid, role in ROLES.items()}
    return tuple(
        event("webrtc_offer", sdp=sdp.replace("a=ice-ufrag:wxyz", f"a=ice-ufrag:wx{number:02}"), lines=roles)
        for number in range(count)
    )


def flood(name: str, one: bytes, first: bytes = b"") -> Siege:
    """The same frame without an end, on WebSockets."""
    times = CHUNK // len(one)
    return Siege(
        name=name,
        opening=UPGRADE + first,
        greeting=GREETING,
        press=(one * times,),
        messages=times,
        per_address=FLOODING,
        most=FLOODING_IN_ALL,
    )


def requests(path: str, per_address: int = 40, *headers: str) -> Siege:
    """The same request without an end, and without waiting for the answers."""
    one = "\r\n".join([f"GET {path} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode()
    times = CHUNK // len(one)
    name = f"HTTP: {path}" if not headers else "operator tokens guessed"
    return Siege(name=name, press=(one * times,), messages=times, per_address=per_address, most=100)


def handshakes() -> list[Siege]:
    """Connections that come to nothing, or only as far as costs memory."""
    hello = client_hello("here")
    slow_hello = in_records_of(1, b"\x16\x03\x01\x20\x00\x01\x00\x1f\xfc\x03\x03" + bytes(8_000))
    headers = b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: 1\r\n" * 100
    return [
        Siege(name="TLS: half-open", over_tls=True, opening=hello, per_address=PER_ADDRESS, lasts=9.5),
        Siege(name="TLS: idle", over_tls=True, shakes_hands=True, opening=QUESTION, per_address=PER_ADDRESS),
        Siege(name="TLS: handshakes", over_tls=True, shakes_hands=True, opening=QUESTION, per_address=60, most=200,
              farewell=b"HTTP/1.1 200"),
        Siege(name="TLS: hello in 1-byte records", opening=slow_hello[:7_000], press=tuple(
            bytes([byte]) for byte in slow_hello[7_000:8_190]), pause=1 / 16, per_address=30, most=300),
        Siege(name="HTTP: idle", opening=QUESTION, per_address=PER_ADDRESS),
        Siege(name="HTTP: headers byte by byte", press=tuple(bytes([byte]) for byte in headers), pause=0.1,
              per_address=PER_ADDRESS, most=1_000),
        Siege(name="TCP: silent", per_address=PER_ADDRESS),
    ]  # fmt: skip


def floods() -> list[Siege]:
    """Frames without an end on WebSockets that were let in."""
    found = event("find_partner", mode=ELSEWHERE)
    return [
        flood("pings, empty", frame(PING)),
        flood("pings of 125 bytes", frame(PING, bytes(125))),
        flood("pongs, empty", frame(PONG)),
        flood("continuations, empty", frame(CONTINUATION, final=False), frame(TEXT, b" ", final=False)),
        flood("continuations of 1 byte", frame(CONTINUATION, b" ", final=False), frame(TEXT, b" ", final=False)),
        flood("text: nonsense", frame(TEXT, b"nonsense")),
        flood("text: pong", event("pong")),
        flood("text: typing", event("typing", active=True), found),
        flood("text: resume, wrong token", event("resume", token="t" * 43)),
        replace(flood("TLS: pings in 1-byte records", frame(PING)), over_tls=True, shakes_hands=True, record=1),
    ]


def turnovers() -> list[Siege]:
    """New WebSockets again and again: what is limited for each of them is not limited."""
    # The greeting is an event, too.
    told = b'"event"'
    join = Siege(name="join, leave", farewell=GREETING, opening=UPGRADE, per_address=45, most=450)
    more = replace(join, greeting=GREETING, endless=False, farewell=told)
    return [
        join,
        replace(more, name="offers", press=offers(10), farewells=11),
        replace(more, name="offers, 950 more lines", press=offers(10, 950), farewells=11),
        replace(more, name="offer and cut", press=offers(1), farewells=2, opened_per_second=160),
        replace(more, name="pairings", press=(event("find_partner", mode=ELSEWHERE),), farewell=b'"partner_found"'),
    ]


def pipelines() -> list[Siege]:
    """Requests faster than they are answered."""
    guess = "Authorization: Bearer " + "wrong" * 5
    return [
        requests("/videochat/health"),
        requests("/videochat/stats"),
        requests("/"),
        requests("/nowhere"),
        requests("/videochat/rooms", 40, guess),
    ]


def all_sieges() -> list[Siege]:
    return [*handshakes(), *floods(), *turnovers(), *pipelines()]
