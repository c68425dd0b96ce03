"""Everybody's WebRTC connections: answers offers, and joins port, handshake, engine and switchboard.

Owns the `PeerConnection` objects and the map from person to connection. It listens to the media
port and passes each report to the connection or the engine it concerns.
"""

import dataclasses
import itertools
import secrets
from collections import Counter
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass

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
from relay.observe.logging import get_logger
from relay.observe.refusals import Reason
from relay.observe.tally import Tally
from relay.peer.aiortc_bridge import SharedCertificate
from relay.peer.candidates import Reach
from relay.peer.connection import PeerConnection, PeerState
from relay.peer.lines import RECEIVED, Medium, Negotiated, SlotId, SrtpKeys
from relay.peer.negotiation import LocalEnd, negotiate
from relay.protocol.messages import MediaPath, Role
from relay.tasks import Report, Tasks
from relay.transport.port import Credentials, MediaPort, Path

UFRAG_BYTES = 9
"""12 characters: long enough that ufrags of one process don't meet."""
PASSWORD_BYTES = 24
"""32 characters; RFC 8445 section 5.3 asks for 128 bits of randomness."""

MOST_UNSECURED = 512
"""Connections without keys at the same time. When one more comes, the oldest of who has most of them is dropped."""

FAILURES = {reason.value: reason for reason in (Reason.NO_CHECK, Reason.NO_HANDSHAKE, Reason.CROWDED_OUT)}
"""Why a set-up fails. One whose way is lost during the handshake has not ended it, either."""

log = get_logger("media")


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


class Connections:
    """One connection per person at most. `reach` tells where the port can be reached, and is told whether somebody just
    lost it. `lost` is called when a person's connection fails, `presence_changed` when it
    falls quiet or is heard again, and `unseen` when their browser can't show what their partner sends."""

    def __init__(
        self,
        port: MediaPort,
        engine: Engine,
        switchboard: Switchboard,
        certificate: SharedCertificate,
        reach: Callable[[bool], Reach],
        drops: Drops,
        tally: Tally,
        report: Report,
        lost: Callable[[UserId], None],
        presence_changed: Callable[[UserId], None],
        unseen: Callable[[UserId], None],
    ) -> None:
        self._engine = engine
        self._switchboard = switchboard
        self._certificate = certificate
        self._reach = reach
        self._drops = drops
        self._report = report
        self._tally = tally
        self._lost = lost
        self._presence_changed = presence_changed
        self._unseen = unseen
        self._port = port
        self._numbers = itertools.count(1)
        self._peers: dict[PeerId, _Held] = {}
        self._users: dict[UserId, PeerId] = {}
        self._secure: set[PeerId] = set()
        self._unsecured: Table[PeerId] = Table(MOST_UNSECURED, Takes.OLDEST)
        self._quiet: set[UserId] = set()
        self._paths: dict[PeerId, Path] = {}
        self._claims: dict[PeerId, MediaPath] = {}
        self._relays: Container[str] = frozenset()
        self._tasks = Tasks("connections", report)

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
        if held is not None and held.connection.state is not PeerState.FAILED:
            restarted = self._restart(held, offer, roles)
            if restarted is not None:
                return restarted
        if held is not None:
            self._drop(held.connection.peer)
        return self._connect(user, payer, offer, roles, browser)

    def _held(self, user: UserId) -> _Held | None:
        return self._peers.get(self._users.get(user, PeerId(0)))

    def _connect(self, user: UserId, payer: Payer, offer: str, roles: Mapping[str, Role], browser: Browser) -> str:
        local_end, ssrcs = self._local_end(is_restart=False), _fresh_ssrcs(2 * len(RECEIVED))
        negotiated = negotiate(offer, roles, self._engine.terms, local_end, ssrcs)
        self._count(user, negotiated)
        peer = PeerId(next(self._numbers))
        if (crowded_out := self._unsecured.enter(peer, payer.groups)) is not None:
            self._crowd_out(crowded_out)
        self._port.admit(peer, Credentials(local_end.ufrag, local_end.password), negotiated.remote)
        connection = PeerConnection(
            peer, negotiated, self._port, self._certificate, self._drops, self._report, self._secured, self._failed
        )
        self._peers[peer] = _Held(user, payer, connection, negotiated, ssrcs, clock.monotonic(), browser)
        self._users[user] = peer
        self._engine.open(peer, negotiated, payer.groups)
        self._switchboard.attach(user, peer)
        log.debug("offer_answered", user=user, peer=peer, lines=len(negotiated.lines))
        return negotiated.answer

    def _restart(self, held: _Held, offer: str, roles: Mapping[str, Role]) -> str | None:
        """The answer to an ICE restart; None if the offer is of another connection."""
        # Often our own address is what has changed.
        local_end = self._local_end(is_restart=True)
        negotiated = negotiate(offer, roles, self._engine.terms, local_end, held.ssrcs)
        if negotiated.fingerprints != held.negotiated.fingerprints:
            return None
        if negotiated.remote.ufrag == held.negotiated.remote.ufrag:
            raise RelayError(ErrorCode.OUT_OF_TURN, "This offer was answered already.")
        if (negotiated.lines, negotiated.slots) != (held.negotiated.lines, held.negotiated.slots):
            raise RelayError(ErrorCode.INVALID_OFFER, "A later offer may change ICE credentials only.")
        self._count(held.user, negotiated)
        peer = held.connection.peer
        self._port.admit(peer, Credentials(local_end.ufrag, local_end.password), negotiated.remote)
        self._peers[peer] = dataclasses.replace(held, negotiated=negotiated)
        log.debug("ice_restarted", user=held.user, peer=peer)
        return negotiated.answer

    def _count(self, user: UserId, negotiated: Negotiated) -> None:
        self._tally.ignored_lines.update(negotiated.ignored)
        if negotiated.refused:
            self._tally.refused_sections.update(role.value for role in negotiated.refused)
            log.info("sections_refused", user=user, roles=", ".join(negotiated.refused))

    def _local_end(self, *, is_restart: bool) -> LocalEnd:
        return LocalEnd(
            ufrag=_ice_string(UFRAG_BYTES),
            password=_ice_string(PASSWORD_BYTES),
            fingerprints=self._certificate.fingerprints,
            reach=self._reach(is_restart),
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

    def is_quiet(self, user: UserId) -> bool:
        """Whether nothing comes from where the person's media came from. That outlasts the connection: until there is
        another, they can't be seen."""
        return user in self._quiet

    def hang_up(self, user: UserId) -> None:
        """The person has gone. Idempotent."""
        self._quiet.discard(user)
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
        """Connections since start that got as far as keys, by what carries or carried them."""
        return self._tally.paths + Counter(self._carrier(peer) for peer in self._secure)

    async def close(self) -> None:
        """End all connections. Idempotent."""
        for peer in list(self._peers):
            self._drop(peer)
        await self._tasks.finish()

    # What the media port reports

    def flow_selected(self, peer: PeerId, path: Path) -> None:
        if held := self._peers.get(peer):
            self._paths[peer] = path
            log.debug("path_selected", user=held.user, peer=peer, path=self._seen_path(peer))
            held.connection.flow_selected()
            self._hear(held.user)

    def flow_quiet(self, peer: PeerId) -> None:
        if held := self._peers.get(peer):
            log.info("media_quiet", user=held.user, peer=peer)
            self._quiet.add(held.user)
            self._presence_changed(held.user)

    def flow_heard(self, peer: PeerId) -> None:
        if held := self._peers.get(peer):
            log.info("media_heard_again", user=held.user, peer=peer)
            self._hear(held.user)

    def flow_lost(self, peer: PeerId) -> None:
        if held := self._peers.get(peer):
            held.connection.flow_lost()

    def dtls_received(self, peer: PeerId, datagram: bytes) -> None:
        if held := self._peers.get(peer):
            began = clock.cpu()
            held.connection.dtls_received(datagram)
            held.payer.charge(clock.monotonic(), clock.cpu() - began)

    def _hear(self, user: UserId) -> None:
        if user in self._quiet:
            self._quiet.discard(user)
            self._presence_changed(user)

    # What the engine reports

    def stays_dark(self, slot: SlotId) -> None:
        # Of a screen nobody expects to see it.
        if slot.medium is Medium.CAMERA and (held := self._peers.get(slot.peer)):
            log.info("no_common_codec", user=held.user, peer=slot.peer)
            self._unseen(held.user)

    # What a connection reports

    def _secured(self, peer: PeerId, keys: SrtpKeys) -> None:
        if held := self._peers.get(peer):
            path = self._seen_path(peer)
            self._tally.setups_succeeded[path] += 1
            self._tally.browser_setups[held.browser.family, "succeeded"] += 1
            seconds = clock.monotonic() - held.answered_at
            self._tally.setup_seconds.observe(seconds)
            log.info("media_connected", user=held.user, peer=peer, path=path, seconds=round(seconds, 3))
            self._secure.add(peer)
            self._unsecured.leave(peer)
            self._engine.secure(peer, keys)

    def _failed(self, peer: PeerId, reason: str) -> None:
        self._unsecured.leave(peer)
        if held := self._peers.get(peer):
            path, browser = self._seen_path(peer), held.browser
            log.info("media_failed", user=held.user, peer=peer, reason=reason, path=path, browser=str(browser))
            if peer in self._secure:
                self._tally.connections_lost[reason] += 1
            else:
                self._tally.setups_failed[reason, path] += 1
                self._tally.browser_setups[browser.family, "failed"] += 1
                failure = FAILURES.get(reason, Reason.NO_HANDSHAKE)
                self._tally.refused.note(failure, reason, user=held.user, path=path, browser=str(browser))
            self._lost(held.user)

    def _crowd_out(self, peer: PeerId) -> None:
        self._failed(peer, "crowded_out")
        self._drop(peer)

    def _drop(self, peer: PeerId) -> None:
        held = self._peers.pop(peer)
        self._unsecured.leave(peer)
        del self._users[held.user]
        if peer in self._secure:
            self._tally.paths[self._carrier(peer)] += 1
            self._secure.discard(peer)
        self._paths.pop(peer, None)
        self._claims.pop(peer, None)
        self._switchboard.detach(held.user)
        self._engine.close(peer)
        self._tasks.start(f"close peer {peer}", held.connection.close())

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
    chosen: set[int] = set()
    while len(chosen) < amount:
        chosen.add(1 + secrets.randbelow(0xFFFF_FFFE))
    return tuple(chosen)
