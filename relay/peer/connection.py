"""One browser's WebRTC connection: from the answer to agreed SRTP keys, and its end.

Owns the state of one peer and its DTLS association. It does not touch media: keys go to the
engine, and the engine's packets never come here.
"""

import asyncio
from collections.abc import Callable
from enum import Enum

from relay import clock
from relay.ids import PeerId
from relay.observe.drops import Drop, Drops
from relay.observe.logs.logging import get_logger
from relay.peer.aiortc_bridge import SharedCertificate
from relay.peer.dtls import Dtls
from relay.peer.lines import Negotiated, SrtpKeys
from relay.transport.port import MediaPort

CHECK_TIMEOUT = 30.0
"""Seconds from the answer until an authenticated check must have come."""

HANDSHAKE_TIMEOUT = 10.0
"""Seconds that DTLS may take once it has begun."""

DTLS_PER_SECOND = 50
"""Datagrams that are looked at; a whole handshake has fewer than ten. A forged source could send more."""

log = get_logger("peer")


class PeerState(Enum):
    """Where a connection stands."""

    CHECKING = "checking"
    SECURING = "securing"
    CONNECTED = "connected"
    FAILED = "failed"
    CLOSED = "closed"


TRANSITIONS: dict[PeerState, frozenset[PeerState]] = {
    PeerState.CHECKING: frozenset({PeerState.SECURING, PeerState.FAILED, PeerState.CLOSED}),
    PeerState.SECURING: frozenset({PeerState.CONNECTED, PeerState.FAILED, PeerState.CLOSED}),
    PeerState.CONNECTED: frozenset({PeerState.FAILED, PeerState.CLOSED}),
    PeerState.FAILED: frozenset({PeerState.CLOSED}),
    PeerState.CLOSED: frozenset(),
}


class PeerConnection:
    """Built when the offer was answered; `close()` releases everything.

    `secured` is called once with the keys. `failed` is called at most once, with a reason, and not
    after `close()`.
    """

    def __init__(
        self,
        peer: PeerId,
        negotiated: Negotiated,
        port: MediaPort,
        certificate: SharedCertificate,
        drops: Drops,
        secured: Callable[[PeerId, SrtpKeys], None],
        failed: Callable[[PeerId, str], None],
    ) -> None:
        self.peer = peer
        self._state = PeerState.CHECKING
        self._port = port
        self._drops = drops
        self._secured = secured
        self._failed = failed
        self._dtls_since, self._dtls_taken = 0.0, 0
        self._dtls: Dtls = certificate.begin(
            lambda datagram: port.send_dtls(peer, datagram), negotiated.dtls_role, negotiated.fingerprints, self
        )
        self._deadline = self._give_up_after(CHECK_TIMEOUT, "no_check")

    @property
    def state(self) -> PeerState:
        return self._state

    def flow_selected(self) -> None:
        """An authenticated check came: there is somebody to shake hands with."""
        if self._state is PeerState.CHECKING:
            self._move(PeerState.SECURING)
            self._deadline = self._give_up_after(HANDSHAKE_TIMEOUT, "dtls_failed")
            self._dtls.start()

    def flow_lost(self) -> None:
        """Consent expired."""
        self._fail("consent_expired")

    def dtls_received(self, datagram: bytes) -> None:
        if not self._may_take_dtls(clock.monotonic()) or not self._dtls.feed(datagram):
            self._drops.count(Drop.DTLS_BACKLOG)

    def dtls_connected(self, keys: SrtpKeys) -> None:
        """From the association: SRTP may begin."""
        self._move(PeerState.CONNECTED)
        self._secured(self.peer, keys)

    def dtls_ended(self) -> None:
        """From the association, by its failure or the browser."""
        self._fail("dtls_failed" if self._state is PeerState.SECURING else "closed_by_browser")

    def close(self) -> None:
        """Say goodbye and release credentials, flows and timers. Idempotent."""
        if self._state is PeerState.CLOSED:
            return
        self._move(PeerState.CLOSED)
        self._dtls.close()
        self._port.release(self.peer)

    def _may_take_dtls(self, now: float) -> bool:
        if now - self._dtls_since >= 1:
            self._dtls_since, self._dtls_taken = now, 0
        self._dtls_taken += 1
        return self._dtls_taken <= DTLS_PER_SECOND

    def _give_up_after(self, seconds: float, reason: str) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(seconds, self._fail, reason)

    def _fail(self, reason: str) -> None:
        if self._state in (PeerState.FAILED, PeerState.CLOSED):
            return
        log.debug("peer_failed", peer=self.peer, reason=reason, state=self._state.value)
        if self._state is not PeerState.CONNECTED:
            self._dtls.close()
        self._move(PeerState.FAILED)
        self._failed(self.peer, reason)

    def _move(self, state: PeerState) -> None:
        """The deadline is that of the state that is left."""
        if state not in TRANSITIONS[self._state]:
            raise RuntimeError(f"peer {self.peer} can't go from {self._state.value} to {state.value}")
        self._state = state
        self._deadline.cancel()
