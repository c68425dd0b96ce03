"""People who join and are paired, without sockets and without waiting: what `make guard` counts of Python.

Everything of a join is real but the ends: the session and its messages, the offer and its answer, DTLS with clients of
OpenSSL, the lobby, the room, the routes. Not in it: HTTP, the WebSocket, and the core, which takes what it is told.
The clock stands still. What browsers do is not counted, nor is garbage collection, whose turns come by numbers of
objects and not of joins.
"""

import argparse
import asyncio
import ctypes
import gc
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from aiortc import RTCCertificate
from OpenSSL import SSL

from relay.ids import PeerId
from relay.media.connections import MediaConnections
from relay.media.packets import PacketsEngine
from relay.media.switchboard import Switchboard
from relay.observe.drops import Drops
from relay.observe.journal import Journal
from relay.peer.aiortc_bridge import SharedCertificate
from relay.peer.candidates import Reach
from relay.protocol.codec import encode
from relay.protocol.messages import FindPartner, WebrtcOffer
from relay.session.session import Session
from relay.transport.port import Path
from tests.kit.control_side import TLS_HOST, ControlSide, FakeSocket, FakeTurnPort, fail
from tests.kit.offers import FINGERPRINT, OFFER, ROLES
from tests.kit.payers import payer

PATIENCE = 30.0
"""Seconds for a handshake, which valgrind makes slow."""
LARGEST = 65_536
REACH = Reach(("203.0.113.7",), udp_port=443, tcp_port=443)


class Browser:
    """What one says, and its side of a handshake, whose datagrams need no network.

    Names, passwords, streams and certificates are each browser's own; all else is alike.
    """

    def __init__(self, number: int) -> None:
        certificate = RTCCertificate.generateCertificate()
        (fingerprint,) = (own for own in certificate.getFingerprints() if own.algorithm == "sha-256")
        sdp = OFFER.replace(FINGERPRINT, f"sha-256 {fingerprint.value}")
        sdp = sdp.replace("ice-ufrag:wxyz", f"ice-ufrag:w{number:03}").replace("p" * 24, f"{number:024}")
        sdp = re.sub(r"(?<=ssrc:)\d+|(?<=FID )\d+|(?<=FID \d{4} )\d+", lambda found: f"{number}{found[0]}", sdp)
        self.offer = encode(WebrtcOffer(sdp=sdp, lines=ROLES))
        self.search = encode(FindPartner())
        context = SSL.Context(SSL.DTLS_METHOD)
        context.use_certificate(certificate._cert)
        context.use_privatekey(certificate._key)
        context.set_tlsext_use_srtp(b"SRTP_AEAD_AES_128_GCM")
        self._tls = SSL.Connection(context, None)
        self._tls.set_connect_state()

    def receive(self, datagram: bytes = b"") -> bytes:
        """What it answers; nothing given: what it begins with."""
        if datagram:
            self._tls.bio_write(datagram)
        with suppress(SSL.WantReadError):
            self._tls.do_handshake()
        try:
            return self._tls.bio_read(LARGEST)
        except SSL.WantReadError:
            return b""


class Core:
    """Takes what it is told, and notes who has keys."""

    def __init__(self) -> None:
        self.secured: defaultdict[PeerId, asyncio.Event] = defaultdict(asyncio.Event)

    def secure(self, peer: PeerId, *_: object) -> None:
        self.secured[peer].set()

    def open(self, *_: object) -> None:
        pass

    def route(self, *_: object) -> None:
        pass

    def close_peer(self, peer: PeerId) -> None:
        pass


class Port(FakeTurnPort):
    """A media port with a browser behind every peer. `uncounted` is called before and after what browsers do."""

    connections: MediaConnections

    def __init__(self, browsers: Sequence[Browser], uncounted: Callable[[], None]) -> None:
        super().__init__()
        self.core = Core()
        self.browsers = dict(enumerate(browsers, 1))
        self._uncounted = uncounted

    def admit(self, peer: PeerId, *_: object) -> None:
        asyncio.get_running_loop().call_soon(self._prove, peer)

    def send_dtls(self, peer: PeerId, datagram: bytes) -> None:
        self._uncounted()
        answer = self.browsers[peer].receive(datagram)
        if answer:
            asyncio.get_running_loop().call_soon(self.connections.dtls_received, peer, answer)
        self._uncounted()

    def release(self, peer: PeerId) -> None:
        pass

    def _prove(self, peer: PeerId) -> None:
        self.connections.flow_selected(peer, Path("192.0.2.1", 4_711, "203.0.113.7"))
        self.send_dtls(peer, b"")


async def join(side: ControlSide, port: Port, number: int) -> Session:
    """As far as the search for a partner; every second one finds the one before."""
    browser = port.browsers[number]
    session = side.sessions.open(FakeSocket(), payer(), tls_host=TLS_HOST)
    side.reception.receive(session, browser.offer)
    async with asyncio.timeout(PATIENCE):
        await port.core.secured[PeerId(number)].wait()
    side.reception.receive(session, browser.search)
    return session


async def play(before: int, counted: int, marks: Any) -> None:
    """So many pairs, of which only the later ones count."""
    port = Port([Browser(number) for number in range(1, 2 * (before + counted) + 1)], marks.toggle)
    drops = Drops()
    engine = PacketsEngine(port, drops, bitrate=2_500_000, transcoders=0, report=fail)  # type: ignore[arg-type]
    certificate = SharedCertificate()

    def media(switchboard: Switchboard, journal: Journal) -> MediaConnections:
        port.connections = MediaConnections(
            port=port,  # type: ignore[arg-type]  # what nobody asks for is lacking
            engine=engine,
            switchboard=switchboard,
            certificate=certificate,
            reach=lambda just_changed: REACH,
            drops=drops,
            journal=journal,
        )
        return port.connections

    side = ControlSide(
        2 * (before + counted),
        engine=engine,  # type: ignore[arg-type]  # a real one
        turn=port,
        media=media,
    )
    sessions: list[Session] = []
    for number in range(2 * (before + counted)):
        if number == 2 * before:
            gc.collect()
            gc.disable()
            marks.follow()
        sessions.append(await join(side, port, number + 1))
        for session in sessions[-2:]:
            while len(session.outbox):
                encode(session.outbox.take())
    marks.toggle()
    assert len(side.rooms) == before + counted
    port.connections.close()
    side.close()
    print(f"{2 * counted} people joined")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("marks", help="library made of marks.c")
    parser.add_argument("--before", type=int, default=2, help="pairs that join first, and do not count")
    parser.add_argument("--pairs", type=int, default=5, help="pairs that count")
    chosen = parser.parse_args()
    asyncio.run(play(chosen.before, chosen.pairs, ctypes.CDLL(chosen.marks)))


if __name__ == "__main__":
    main()
