"""Everybody's WebRTC connections: answers offers, and joins port, handshake, engine and switchboard.

Owns the `PeerConnection` objects and the map from person to connection. It listens to the media
port and passes each report to the connection or the engine it concerns.
"""

import dataclasses
import itertools
import secrets
from array import array
from collections import Counter
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from typing import Protocol

from relay import clock
from relay.errors import ErrorCode, RelayError
from relay.ids import PeerId, UserId
from relay.ledger.accounts import Payer
from relay.ledger.table import Table, Takes
from relay.media.engine import Engine
from relay.media.paths import carrier
from relay.media.switchboard import Switchboard
from relay.observe.browsers import UNKNOWN, Browser
from relay.observe.drops import Drops
from relay.observe.happenings import (
    IceRestarted,
    KeptOut,
    MediaConnected,
    MediaEnded,
    MediaFailed,
    MediaHeardAgain,
    MediaSilent,
    NoCommonCodec,
    OfferAnswered,
    PathSelected,
    SectionsRefused,
)
from relay.observe.journal import Journal
from relay.observe.reasons import Reason
from relay.peer.aiortc_bridge import SharedCertificate
from relay.peer.candidates import Reach
from relay.peer.connection import PeerConnection, PeerState
from relay.peer.lines import RECEIVED, Medium, Negotiated, SlotId, SrtpKeys
from relay.peer.negotiation import LocalEnd, Proposal, consider
from relay.protocol.messages import MediaPath, Role
from relay.transport.port import Credentials, MediaPort, Path

UFRAG_BYTES = 9
"""12 characters: long enough that ufrags of one process don't meet."""
PASSWORD_BYTES = 24
"""32 characters; RFC 8445 section 5.3 asks for 128 bits of randomness."""

MOST_UNSECURED = 512
"""Connections without keys at the same time. When one more comes, the oldest of who has most of them is dropped."""

FAILURES = {reason.value: reason for reason in (Reason.NO_CHECK, Reason.NO_HANDSHAKE, Reason.CROWDED_OUT)}
"""Why a set-up fails. One whose way is lost during the handshake has not ended it, either."""


@dataclass(frozen=True, slots=True)
class _Held:
    user: UserId
    payer: Payer
    connection: PeerConnection
    negotiated: Negotiated
    """As of the last offer."""
    ssrcs: tuple[int, ...]
    """Ours; an ICE restart keeps them."""
    answered_at: float
    """The first offer."""
    browser: Browser


class ConnectionsListener(Protocol):
    """What is told of people's connections. Called on the event loop; must not raise."""

    def connection_lost(self, user: UserId) -> None:
        """The person's connection failed: their browser is to make another."""

    def media_changed(self, user: UserId) -> None:
        """Nothing comes any more from where the person's media came from, or something does again."""

    def partner_unseen(self, user: UserId) -> None:
        """The person's browser can't show what their partner sends."""


class MediaConnections:
    """One connection per person at most. `reach` tells where the port can be reached, and is told whether somebody just
    lost it."""

    listener: ConnectionsListener
    """Set once, before the port opens."""

    def __init__(
        self,
        *,
        port: MediaPort,
        engine: Engine,
        switchboard: Switchboard,
        certificate: SharedCertificate,
        reach: Callable[[bool], Reach],
        drops: Drops,
        journal: Journal,
    ) -> None:
        self._engine = engine
        self._switchboard = switchboard
        self._certificate = certificate
        self._reach = reach
        self._drops = drops
        self._journal = journal
        self._port = port
        self._numbers = itertools.count(1)
        self._peers: dict[PeerId, _Held] = {}
        self._users: dict[UserId, PeerId] = {}
        self._secure: set[PeerId] = set()
        self._unsecured: Table[PeerId] = Table(MOST_UNSECURED, Takes.OLDEST)
        self._silent: set[UserId] = set()
        self._paths: dict[PeerId, Path] = {}
        self._claims: dict[PeerId, MediaPath] = {}
        self._relays: Container[str] = frozenset()

    def __len__(self) -> int:
        return len(self._peers)

    def answer(
        self, user: UserId, payer: Payer, offer: str, roles: Mapping[str, Role], *, browser: Browser = UNKNOWN
    ) -> str:
        """Answer the person's offer: a first connection, an ICE restart, or a replacement. `payer` pays for what
        follows.

        A later offer with the same certificate and new ICE credentials restarts ICE (RFC 8445 section
        9): keys, engine and routes stay. One with another certificate is of a new connection in the
        browser, so the old one is dropped.

        Raises:
            RelayError: INVALID_OFFER, or OUT_OF_TURN when the offer repeats the last one.
        """
        held = self._held(user)
        if held is not None and held.connection.state is PeerState.FAILED:
            self._drop(held.connection.peer)
            held = None
        proposal = consider(offer, roles, self._engine.terms)
        # Who offers again has often lost the address of ours that they had.
        local_end = self._local_end(just_changed=held is not None)
        if held is not None:
            if proposal.fingerprints == held.negotiated.fingerprints:
                return self._restart(held, proposal, local_end)
            self._drop(held.connection.peer)
        return self._connect(user, payer, proposal, browser, local_end)

    def _held(self, user: UserId) -> _Held | None:
        return self._peers.get(self._users.get(user, PeerId(0)))

    def _connect(self, user: UserId, payer: Payer, proposal: Proposal, browser: Browser, local_end: LocalEnd) -> str:
        ssrcs = _fresh_ssrcs(2 * len(RECEIVED))
        negotiated = proposal.answer(local_end, ssrcs)
        self._note_refused(user, negotiated)
        peer = PeerId(next(self._numbers))
        if (crowded_out := self._unsecured.enter(peer, payer.groups)) is not None:
            self._crowd_out(crowded_out)
        self._port.admit(peer, Credentials(local_end.ufrag, local_end.password), negotiated.remote)
        connection = PeerConnection(
            peer, negotiated, self._port, self._certificate, self._drops, self._secured, self._failed
        )
        self._peers[peer] = _Held(user, payer, connection, negotiated, ssrcs, clock.monotonic(), browser)
        self._users[user] = peer
        self._engine.open(peer, negotiated, payer.groups)
        self._switchboard.attach(user, peer)
        lines = len(negotiated.lines)
        self._journal.note(OfferAnswered(user=user, peer=peer, lines=lines, ignored=negotiated.ignored))
        return negotiated.answer

    def _restart(self, held: _Held, proposal: Proposal, local_end: LocalEnd) -> str:
        negotiated = proposal.answer(local_end, held.ssrcs)
        if negotiated.remote.ufrag == held.negotiated.remote.ufrag:
            raise RelayError(ErrorCode.OUT_OF_TURN, "This offer was answered already.")
        if (negotiated.lines, negotiated.slots) != (held.negotiated.lines, held.negotiated.slots):
            raise RelayError(ErrorCode.INVALID_OFFER, "A later offer may change ICE credentials only.")
        self._note_refused(held.user, negotiated)
        peer = held.connection.peer
        self._port.admit(peer, Credentials(local_end.ufrag, local_end.password), negotiated.remote)
        self._peers[peer] = dataclasses.replace(held, negotiated=negotiated)
        self._journal.note(IceRestarted(user=held.user, peer=peer, ignored=negotiated.ignored))
        return negotiated.answer

    def _note_refused(self, user: UserId, negotiated: Negotiated) -> None:
        if negotiated.refused:
            roles = tuple(role.value for role in negotiated.refused)
            self._journal.note(SectionsRefused(user=user, roles=roles))

    def _local_end(self, *, just_changed: bool) -> LocalEnd:
        return LocalEnd(
            ufrag=_ice_string(UFRAG_BYTES),
            password=_ice_string(PASSWORD_BYTES),
            fingerprints=self._certificate.fingerprints,
            reach=self._reach(just_changed),
        )

    def holds(self, user: UserId) -> bool:
        """Whether the person has a media connection."""
        return user in self._users

    def peer_of(self, user: UserId) -> PeerId | None:
        """The person's connection, if there is one."""
        return self._users.get(user)

    def path_of(self, user: UserId) -> str | None:
        """What carries the person's media, once it may flow."""
        peer = self._users.get(user)
        return self._carrier(peer) if peer is not None and peer in self._secure else None

    def is_silent(self, user: UserId) -> bool:
        """Whether nothing comes from where the person's media came from. That outlasts the connection: until there is
        another, they can't be seen."""
        return user in self._silent

    def hang_up(self, user: UserId) -> None:
        """The person has gone. Idempotent."""
        self._silent.discard(user)
        peer = self._users.get(user)
        if peer is not None:
            self._drop(peer)

    def note_claim(self, user: UserId, claim: MediaPath) -> None:
        """What the person's browser says of its path. Ignored without a connection."""
        if (peer := self._users.get(user)) is not None:
            self._claims[peer] = claim

    def know_relays(self, addresses: Container[str]) -> None:
        """Where the TURN servers send from."""
        self._relays = addresses

    def paths(self) -> Counter[str]:
        """Connections that got as far as keys, by what carries them."""
        return Counter(self._carrier(peer) for peer in self._secure)

    def close(self) -> None:
        """End all connections. Idempotent."""
        for peer in list(self._peers):
            self._drop(peer)

    # What the media port reports

    def flow_selected(self, peer: PeerId, path: Path) -> None:
        if held := self._peers.get(peer):
            before = self._paths.get(peer, path)
            if (before.transport, before.remote_host) != (path.transport, path.remote_host):
                # It was said of another path: TURN is often there first, and soon left for TCP.
                self._claims.pop(peer, None)
            self._paths[peer] = path
            self._journal.note(PathSelected(user=held.user, peer=peer, path=self._seen_path(peer)))
            held.connection.flow_selected()
            self._end_silence(held.user)

    def flow_quiet(self, peer: PeerId) -> None:
        if held := self._peers.get(peer):
            self._journal.note(MediaSilent(user=held.user, peer=peer))
            self._silent.add(held.user)
            self.listener.media_changed(held.user)

    def flow_heard(self, peer: PeerId) -> None:
        if held := self._peers.get(peer):
            self._journal.note(MediaHeardAgain(user=held.user, peer=peer))
            self._end_silence(held.user)

    def flow_lost(self, peer: PeerId) -> None:
        if held := self._peers.get(peer):
            held.connection.flow_lost()

    def dtls_received(self, peer: PeerId, datagram: bytes) -> None:
        if held := self._peers.get(peer):
            began = clock.cpu()
            held.connection.dtls_received(datagram)
            held.payer.charge(clock.monotonic(), clock.cpu() - began)

    def _end_silence(self, user: UserId) -> None:
        if user in self._silent:
            self._silent.discard(user)
            self.listener.media_changed(user)

    # What the engine reports

    def stays_dark(self, slot: SlotId) -> None:
        # Of a screen nobody expects to see it.
        if slot.medium is Medium.CAMERA and (held := self._peers.get(slot.peer)):
            self._journal.note(NoCommonCodec(user=held.user, peer=slot.peer))
            self.listener.partner_unseen(held.user)

    # What a connection reports

    def _secured(self, peer: PeerId, keys: SrtpKeys) -> None:
        if held := self._peers.get(peer):
            path = self._seen_path(peer)
            seconds = clock.monotonic() - held.answered_at
            connected = MediaConnected(user=held.user, peer=peer, path=path, seconds=seconds, browser=held.browser)
            self._journal.note(connected)
            self._secure.add(peer)
            self._unsecured.leave(peer)
            self._engine.secure(peer, keys)

    def _failed(self, peer: PeerId, reason: str) -> None:
        self._unsecured.leave(peer)
        if held := self._peers.get(peer):
            path, browser = self._seen_path(peer), held.browser
            failed = MediaFailed(
                user=held.user,
                peer=peer,
                reason=reason,
                path=path,
                browser=browser,
                was_connected=peer in self._secure,
            )
            self._journal.note(failed)
            if not failed.was_connected:
                fields = {"user": held.user, "path": path, "browser": str(browser)}
                failure = FAILURES.get(reason, Reason.NO_HANDSHAKE)
                self._journal.note(KeptOut(reason=failure, cause=reason, fields=fields))
            self.listener.connection_lost(held.user)

    def _crowd_out(self, peer: PeerId) -> None:
        self._failed(peer, "crowded_out")
        self._drop(peer)

    def _drop(self, peer: PeerId) -> None:
        held = self._peers.pop(peer)
        self._unsecured.leave(peer)
        del self._users[held.user]
        if peer in self._secure:
            self._journal.note(MediaEnded(path=self._carrier(peer)))
            self._secure.discard(peer)
        self._paths.pop(peer, None)
        self._claims.pop(peer, None)
        self._switchboard.detach(held.user)
        self._engine.close(peer)
        held.connection.close()

    def _seen_path(self, peer: PeerId) -> str:
        """What carries the peer's checks, as far as it can be seen from here: the browser has not said yet."""
        path = self._paths.get(peer)
        return "none" if path is None else carrier(path, None, self._relays).value

    def _carrier(self, peer: PeerId) -> str:
        return carrier(self._paths[peer], self._claims.get(peer), self._relays).value


def _ice_string(entropy: int) -> str:
    """Random ICE characters: letters, digits, + and / (RFC 8839 section 5.4)."""
    return secrets.token_urlsafe(entropy).replace("-", "+").replace("_", "/")


def _fresh_ssrcs(amount: int) -> tuple[int, ...]:
    """Distinct SSRCs, none of them 0, which libwebrtc takes for "none"."""
    while True:
        chosen = tuple(array("I", secrets.token_bytes(4 * amount)))
        if len({0, *chosen}) == amount + 1:
            return chosen
