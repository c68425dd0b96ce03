"""The TCP side of the server: one port for HTTPS, WebSocket, ICE over TCP and TURN.

Owns the listening sockets and the certificate, and says who takes which connection. Without a
certificate HTTP is plain; with one, plain HTTP is answered by the way to HTTPS.
"""

import datetime
from collections.abc import Sequence
from pathlib import Path

from relay import clock
from relay.config.settings import HttpsSettings, NetworkSettings, StateSettings, TlsChoice
from relay.front.first_bytes import Kind, Opening
from relay.front.handover import Handover
from relay.front.mux import Arrival, Taker, TcpMux
from relay.front.self_signed import self_signed
from relay.front.splice import Splice
from relay.front.tls import Certificate
from relay.ledger.accounts import Ledger
from relay.ledger.turns import Turns
from relay.observe.drops import Drop, Drops
from relay.observe.journal import Journal
from relay.tasks import Report, Tasks
from relay.transport.listening import holds, together
from relay.transport.port import MediaPort
from relay.web.guests import Guests
from relay.web.server import WebServer

CERTIFICATE_INTERVAL = 60.0
"""Seconds between looks at the certificate, whether or not somebody comes."""
WARN_INTERVAL = 86_400.0
"""Seconds between warnings of one that has ended or soon will."""


class Front:
    """Listens from `open()` to `close()`."""

    def __init__(
        self,
        *,
        network: NetworkSettings,
        https: HttpsSettings,
        state: StateSettings,
        server: WebServer,
        port: MediaPort,
        splice: Splice | None,
        guests: Guests,
        ledger: Ledger,
        turns: Turns,
        drops: Drops,
        journal: Journal,
        report: Report,
    ) -> None:
        """
        Raises:
            ConfigurationError: the certificate can't be used.
        """
        self._network = network
        self._server = server
        self._port = port
        self._drops = drops
        self._certificate = certificate_of(https, state, network.public_address)
        self._warned_at = clock.monotonic()
        self._tasks = Tasks("front", report)
        self._splice = splice
        self._handover = Handover(guests, port, turns, drops, report)
        media = {
            Kind.ICE: self._only_at(network.media_hosts, self._take_media),
            Kind.TURN: self._only_at(network.media_hosts, self._take_turn),
        }
        tls = {Kind.TLS: self._take_tls}
        pages = {Kind.HTTP: self._only_at(network.http_hosts, self._take_plain), **tls}
        self._shared = network.tcp_port == network.port
        self._mux = TcpMux({**pages, **media} if self._shared else pages, ledger, turns, drops, journal)
        # On a media port of its own, TLS can only be for the TURN server.
        self._media_mux = TcpMux({**media, **(tls if self._splice else {})}, ledger, turns, drops, journal)

    @property
    def certificate_ends(self) -> float | None:
        """In seconds since 1970; None without one."""
        return None if self._certificate is None else self._certificate.ends.timestamp()

    def reload(self) -> None:
        """Look at the certificate now."""
        if self._certificate is not None:
            self._certificate.renew()

    @property
    def takes_turn(self) -> bool:
        """Whether TURN over TLS is taken on the port of the pages."""
        return self._certificate is not None and self._certificate.for_core is not None

    @property
    def scheme(self) -> str:
        return "http" if self._certificate is None else "https"

    async def open(self) -> None:
        """Listen.

        Raises:
            ConfigurationError: a port can't be bound.
        """
        await self._server.open()
        if self._certificate is not None:
            self._certificate.warn(_now())
            self._tasks.repeat("certificate", CERTIFICATE_INTERVAL, self._look_at_certificate)
        pages, media = self._network.http_hosts, self._network.media_hosts
        self._mux.open(together(pages, media) if self._shared else pages, self._network.port, "HTTP")
        if not self._shared:
            self._media_mux.open(media, self._network.tcp_port, "media")

    async def close(self) -> None:
        """Take nobody else, and end what was taken. Idempotent."""
        await self._tasks.close()
        self._mux.close()
        self._media_mux.close()
        await self._server.close()
        await self._handover.close()
        if self._splice is not None:
            await self._splice.close()

    def _look_at_certificate(self) -> None:
        """Nobody may come for days, and it ends all the same."""
        assert self._certificate is not None
        self._certificate.renew()
        now = clock.monotonic()
        if now - self._warned_at >= WARN_INTERVAL:
            self._warned_at = now
            self._certificate.warn(_now())

    def _only_at(self, hosts: Sequence[str], take: Taker) -> Taker:
        """Take what came to one of these addresses. One port may serve pages at some and media at others."""

        def take_some(arrival: Arrival, opening: Opening) -> None:
            if self._came_to(arrival, hosts):
                take(arrival, opening)

        return take_some

    def _came_to(self, arrival: Arrival, hosts: Sequence[str]) -> bool:
        """Closed and counted if it did not."""
        if holds(hosts, arrival.connection.getsockname()[0]):
            return True
        self._drops.count(Drop.TCP_UNKNOWN)
        arrival.connection.close()
        return False

    def _take_media(self, arrival: Arrival, opening: Opening) -> None:
        self._port.adopt(arrival.connection)

    def _take_turn(self, arrival: Arrival, opening: Opening) -> None:
        self._port.adopt_turn(arrival.connection, None, b"")

    def _take_tls(self, arrival: Arrival, opening: Opening) -> None:
        if self._splice is not None and opening.server_name == self._splice.server_name:
            self._splice.join(arrival)
        elif self._certificate is None:
            arrival.connection.close()
        elif self._came_to(arrival, self._network.http_hosts):
            context, server = self._certificate.context(clock.monotonic()), self._server.protocol
            core = self._certificate.for_core
            if opening.is_http or core is None:
                self._handover.give(arrival, server, context)
            else:
                self._handover.give_undecided(arrival, server, context, core.accept(is_named=opening.is_named))

    def _take_plain(self, arrival: Arrival, opening: Opening) -> None:
        if self._certificate is None:
            self._handover.give(arrival, self._server.protocol, None)
        else:
            self._handover.give(arrival, self._server.redirecting, None)


def certificate_of(https: HttpsSettings, state: StateSettings, addresses: Sequence[str]) -> Certificate | None:
    """The certificate that is served; a self-signed one is made if need be. None: HTTP is plain.

    Raises:
        ConfigurationError: it can't be used.
    """
    if https.tls is TlsChoice.SELF_SIGNED:
        certificate, key = self_signed(state.folder, addresses, _now())
        return Certificate(certificate, key)
    if https.tls_cert is not None and https.tls_key is not None:
        return Certificate(Path(https.tls_cert), Path(https.tls_key))
    return None


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
