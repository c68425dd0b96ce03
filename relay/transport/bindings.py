"""The ICE-lite agent (RFC 8445 sections 2.5 and 6.1.1) without its sockets.

Owns the table of credentials, the addresses that each peer has proved, and which of them is
selected. It parses STUN and says what to answer; it never sends, waits or reads a clock.

Theory: a check is a Binding request whose USERNAME begins with our ufrag and whose
MESSAGE-INTEGRITY fits our password. Anything else gets no answer, so the port can't be used to
find out who is here or to reflect traffic. A right check proves the address it came from. The
first proved address is selected at once, because browsers begin DTLS before they nominate; from
then on the selected one is that of the latest check with USE-CANDIDATE.

Two things are no right checks although their MESSAGE-INTEGRITY fits. One is a check that was seen
before on another path: somebody recorded it and plays it again from elsewhere (no browser sends one
transaction on two paths). The other comes from an address whose owner still proves it: somebody
with credentials of their own forges the source.
"""

import struct
from collections import OrderedDict
from dataclasses import dataclass, field

from aioice import stun

from relay.ids import PeerId
from relay.observe.drops import Drop
from relay.transport.port import Path

CONSENT_TIMEOUT = 30.0
"""Seconds without an authenticated check after which consent has expired (RFC 7675 section 5.1)."""

QUIET_TIMEOUT = 7.0
"""Seconds without anything from a peer's addresses after which it is quiet. Firefox checks every 4 to 6 s."""

PATHS_PER_PEER = 16
"""Proved addresses kept per peer. A browser with several networks and TURN shows about eight."""

CHECKS_REMEMBERED = 256
"""Checks per peer that are known again. Chromium sends one every 2.5 s: those of the last ten minutes."""

PATH_HELD = 15.0
"""Seconds after a check during which its address is nobody else's. Browsers check every 2.5 to 6 s."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A check was right: send `response` back on the path it came by."""

    peer: PeerId
    response: bytes
    selected: bool
    """Whether this check changed the selected path."""
    heard_again: bool
    """Whether the peer had been quiet."""


@dataclass(frozen=True, slots=True)
class _Credentials:
    peer: PeerId
    key: bytes


@dataclass(slots=True)
class _Agent:
    ufrags: list[str] = field(default_factory=list)
    paths: OrderedDict[Path, float] = field(default_factory=OrderedDict)
    """Least recently proved first, with the time of the latest check."""
    checks: OrderedDict[bytes, Path] = field(default_factory=OrderedDict)
    """By transaction id."""
    selected: Path | None = None
    checked_at: float = 0.0
    heard_at: float = 0.0
    """When anything came from one of its addresses."""
    quiet: bool = False
    consenting: bool = False


class BindingTable:
    """Who may talk to us, from where."""

    def __init__(self) -> None:
        self._credentials: dict[str, _Credentials] = {}
        self._agents: dict[PeerId, _Agent] = {}
        self._owners: dict[Path, PeerId] = {}

    def __len__(self) -> int:
        return len(self._agents)

    def admit(self, peer: PeerId, ufrag: str, password: str) -> None:
        """Accept checks for `ufrag`; a second call for the same peer is an ICE restart."""
        agent = self._agents.setdefault(peer, _Agent())
        # Only the newest of the old credentials can be in use: a restart replaces a pending restart.
        for outdated in agent.ufrags[1:]:
            del self._credentials[outdated]
        agent.ufrags = [*agent.ufrags[:1], ufrag]
        self._credentials[ufrag] = _Credentials(peer, password.encode())

    def release(self, peer: PeerId) -> None:
        """Forget everything about the peer. Idempotent."""
        agent = self._agents.pop(peer, None)
        if agent is None:
            return
        for ufrag in agent.ufrags:
            del self._credentials[ufrag]
        for path in agent.paths:
            del self._owners[path]

    def receive_stun(self, datagram: bytes, path: Path, now: float) -> Answered | Drop:
        """Judge one datagram that looks like STUN. State changes only when it is authentic."""
        try:
            request = stun.parse_message(datagram)
        except (ValueError, struct.error):
            return Drop.STUN_MALFORMED
        if request.message_class != stun.Class.REQUEST or request.message_method != stun.Method.BINDING:
            return Drop.STUN_MALFORMED
        ufrag = str(request.attributes.get("USERNAME", "")).partition(":")[0]
        credentials = self._credentials.get(ufrag)
        if credentials is None:
            return Drop.STUN_UNKNOWN_UFRAG
        if not request.check_message_integrity(credentials.key):
            return Drop.STUN_BAD_INTEGRITY
        if self._is_held(path, credentials.peer, now):
            return Drop.STUN_ADDRESS_HELD
        if not self._is_fresh(credentials.peer, request.transaction_id, path):
            return Drop.STUN_REPLAYED
        selected = self._prove(credentials.peer, ufrag, path, "USE-CANDIDATE" in request.attributes, now)
        response = stun.Message(
            message_method=stun.Method.BINDING,
            message_class=stun.Class.RESPONSE,
            transaction_id=request.transaction_id,
            attributes={"XOR-MAPPED-ADDRESS": (path.remote_host, path.remote_port)},
        )
        response.add_message_integrity(credentials.key)
        return Answered(credentials.peer, bytes(response), selected, self.hear(credentials.peer, now))

    def owner(self, path: Path) -> PeerId | None:
        """The peer that proved to sit behind `path`, if any."""
        return self._owners.get(path)

    def hear(self, peer: PeerId, now: float) -> bool:
        """Something came from an address that the peer proved. Returns whether it had been quiet."""
        agent = self._agents[peer]
        agent.heard_at = now
        was_quiet, agent.quiet = agent.quiet, False
        return was_quiet

    def selected(self, peer: PeerId) -> Path | None:
        """Where datagrams for `peer` go, if it has shown an address yet."""
        agent = self._agents.get(peer)
        return agent.selected if agent else None

    def forget(self, path: Path) -> None:
        """The path is gone: its TCP connection has closed. The peer may come back on another."""
        if (peer := self._owners.pop(path, None)) is not None:
            self._disown(peer, path)

    def fall_quiet(self, now: float) -> list[PeerId]:
        """Peers that fell silent since the last call. A forged source can put that off, at most until consent
        expires."""
        quiet = []
        for peer, agent in self._agents.items():
            if agent.consenting and not agent.quiet and now - agent.heard_at > QUIET_TIMEOUT:
                agent.quiet = True
                quiet.append(peer)
        return quiet

    def expire(self, now: float) -> list[PeerId]:
        """Peers whose consent expired since the last call. They stay admitted, but have no flow."""
        lost = []
        for peer, agent in self._agents.items():
            if agent.consenting and now - agent.checked_at > CONSENT_TIMEOUT:
                for path in agent.paths:
                    del self._owners[path]
                agent.paths.clear()
                agent.selected = None
                agent.consenting = False
                lost.append(peer)
        return lost

    def _is_held(self, path: Path, peer: PeerId, now: float) -> bool:
        """Whether somebody else has shown lately that they sit behind the path."""
        owner = self._owners.get(path, peer)
        return owner != peer and now - self._agents[owner].paths[path] <= PATH_HELD

    def _is_fresh(self, peer: PeerId, transaction: bytes, path: Path) -> bool:
        """Remember the check; False if it was seen on another path."""
        checks = self._agents[peer].checks
        if checks.setdefault(transaction, path) != path:
            return False
        if len(checks) > CHECKS_REMEMBERED:
            checks.popitem(last=False)
        return True

    def _prove(self, peer: PeerId, ufrag: str, path: Path, nominates: bool, now: float) -> bool:
        agent = self._agents[peer]
        agent.checked_at = now
        agent.consenting = True
        if (previous := self._owners.get(path)) is not None and previous != peer:
            # A NAT gave the address to someone else, and who had it is silent.
            self._disown(previous, path)
        self._owners[path] = peer
        agent.paths[path] = now
        agent.paths.move_to_end(path)
        before = agent.selected
        if nominates:
            agent.selected = path
            self._retire(agent, ufrag)
        elif agent.selected is None:
            agent.selected = path
        while len(agent.paths) > PATHS_PER_PEER:
            oldest = next(known for known in agent.paths if known != agent.selected)
            del agent.paths[oldest]
            del self._owners[oldest]
        return agent.selected != before

    def _retire(self, agent: _Agent, nominating: str) -> None:
        """Once a restart's credentials nominate, those before it are void."""
        position = agent.ufrags.index(nominating)
        for outdated in agent.ufrags[:position]:
            del self._credentials[outdated]
        del agent.ufrags[:position]

    def _disown(self, peer: PeerId, path: Path) -> None:
        agent = self._agents[peer]
        del agent.paths[path]
        if agent.selected == path:
            agent.selected = next(reversed(agent.paths), None)
