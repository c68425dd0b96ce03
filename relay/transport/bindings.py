"""The ICE-lite agent (RFC 8445 sections 2.5 and 6.1.1) without its sockets.

Owns the table of credentials, the addresses that each peer has shown, which of them is selected, and
where datagrams go. It parses STUN and says what to send; it never sends, waits or reads a clock.

Theory: a check is a Binding request whose USERNAME begins with our ufrag and whose
MESSAGE-INTEGRITY fits our password. Anything else gets no answer, so the port can't be used to
find out who is here or to reflect traffic. A right check proves the address it came from. The
first proved address is selected at once, because browsers begin DTLS before they nominate; from
then on the selected one is that of the latest check with USE-CANDIDATE.

Who is at an address may not be who sent from it. So we ask back there: a path that is not validated gets
less than three times what came from it, and the rest goes on to the path before it
(`docs/decisions/0015-the-return-path.md`).

Some things are no right checks although their MESSAGE-INTEGRITY fits. One is a check that was seen
before on another path: somebody recorded it and plays it again from elsewhere (no browser sends one
transaction on two paths). Another comes from an address whose owner still proves it: somebody
with credentials of their own forges the source. And nobody checks more often than ICE may. A check that comes again
on its own path is answered again, as its answer may have got lost, and changes nothing.
"""

import struct
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

from aioice import stun

from relay.ids import PeerId
from relay.observe.drops import Drop
from relay.transport.path_validation import KnownPath
from relay.transport.port import Credentials, Path, Transport

CONSENT_TIMEOUT = 30.0
"""Seconds without an authentic check or an answer to ours after which consent has expired (RFC 7675 section 5.1)."""

QUIET_TIMEOUT = 7.0
"""Seconds without anything from a peer's addresses after which it is quiet. Firefox checks every 4 to 6 s."""

PATHS_PER_PEER = 16
"""Addresses known per peer. A browser with several networks and TURN shows about eight."""

CONNECTIONS_PER_PEER = 8
"""TCP connections among them. Each takes a descriptor, and memory for what its reader leaves unread."""

CHECKS_PER_SECOND = 200
"""Of one peer: ICE sends one in 5 ms at most (RFC 8445 section 14.2). Each has an answer and may move the flow."""

ANSWERS = 7
"""Times that one check is answered: a request is sent seven times at most (RFC 8489 section 6.2.1)."""

CHECKS_REMEMBERED = 256
"""Checks per peer that are known again. Chromium sends one every 2.5 s: those of the last ten minutes."""

WITHHELD = 8
"""DTLS datagrams of a peer that wait for an answer: a flight of ours has two or three."""

PATH_HELD = 15.0
"""Seconds after a check during which its address is nobody else's. Browsers check every 2.5 to 6 s."""


HOST_PRIORITY = (126 << 24) | (0xFFFF << 8) | 0xFF
"""Of a host candidate, which is all that we have (RFC 8445 section 5.1.2.2)."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A STUN message was right: send `response`, if there is one, back on the path it came by."""

    peer: PeerId
    response: bytes | None
    moved: Path | None
    """Where its datagrams go from now on, if that has changed."""
    heard_again: bool
    """Whether the peer had been quiet."""


@dataclass(frozen=True, slots=True)
class _Admitted:
    peer: PeerId
    key: bytes
    remote: Credentials


@dataclass(slots=True)
class _SeenCheck:
    path: Path
    answers: int = 1


@dataclass(slots=True)
class _Agent:
    ufrags: list[str] = field(default_factory=list)
    paths: OrderedDict[Path, KnownPath] = field(default_factory=OrderedDict)
    """Least recently checked first."""
    checks: OrderedDict[bytes, _SeenCheck] = field(default_factory=OrderedDict)
    """By transaction id."""
    checks_since: float = 0.0
    checks_taken: int = 0
    """Since then, for a second."""
    selected: Path | None = None
    """Where the peer wants its datagrams."""
    is_limited: bool = False
    """It is not validated: what comes and goes there counts."""
    spare: Path | None = None
    """Validated: for what is beyond the limit."""
    withheld: list[bytes] = field(default_factory=list)
    """What of DTLS is beyond the limit, and waits. Oldest first."""
    consented_at: float = 0.0
    """When it last checked, or answered."""
    heard_at: float = 0.0
    """When anything came from one of its addresses."""
    quiet: bool = False
    consenting: bool = False

    def select(self, path: Path | None) -> None:
        """Have datagrams go to another path."""
        before, self.selected = self.selected, path
        if before != path:
            self.spare = next((known for known in (before, self.spare) if self.was_valid(known)), None)

    def settle(self, now: float) -> None:
        """Work out what the selected path is worth now. Idempotent."""
        for known in self.paths.values():
            if not known.is_valid(CONSENT_TIMEOUT, now):
                known.lapse(now)
        self.is_limited = self.selected is not None and not self.was_valid(self.selected)
        if not (self.is_limited and self.was_valid(self.spare)):
            self.spare = None

    def was_valid(self, path: Path | None) -> bool:
        """As of the last time that this was settled."""
        known = self.paths.get(path) if path is not None else None
        return known is not None and known.was_valid()

    def is_flooding(self, now: float) -> bool:
        """Whether it has checked so often within a second that no more is even authenticated."""
        return self.checks_taken >= CHECKS_PER_SECOND and now - self.checks_since < 1

    def take_check(self, transaction: bytes, path: Path, now: float) -> bool | Drop:
        """Remember a right check. Returns whether it is new, or why it is none: it was seen on another path or too
        often, or the peer checks too often. What somebody recorded and plays again does not count for that."""
        seen = self.checks.get(transaction)
        if seen is not None:
            if seen.path != path or seen.answers >= ANSWERS:
                return Drop.STUN_REPLAYED
            seen.answers += 1
            return False
        if self.is_flooding(now):
            return Drop.FLOODED
        if now - self.checks_since >= 1:
            self.checks_since, self.checks_taken = now, 0
        self.checks_taken += 1
        self.checks[transaction] = _SeenCheck(path)
        if len(self.checks) > CHECKS_REMEMBERED:
            self.checks.popitem(last=False)
        return True

    def superfluous(self) -> Path | None:
        """A path that is one too many: of those not in use, the one that was checked longest ago."""
        connections = [path for path in self.paths if path.transport is Transport.TCP]
        if len(connections) > CONNECTIONS_PER_PEER:
            candidates = connections
        elif len(self.paths) > PATHS_PER_PEER:
            candidates = list(self.paths)
        else:
            return None
        return next(path for path in candidates if path not in (self.selected, self.spare))


class BindingTable:
    """Who may talk to us, from where."""

    def __init__(self) -> None:
        self._credentials: dict[str, _Admitted] = {}
        self._agents: dict[PeerId, _Agent] = {}
        self._owners: dict[Path, PeerId] = {}

    def __len__(self) -> int:
        return len(self._agents)

    def admit(self, peer: PeerId, local: Credentials, remote: Credentials) -> None:
        """Accept checks for the local ufrag; a second call for the same peer is an ICE restart."""
        agent = self._agents.setdefault(peer, _Agent())
        # Only the newest of the old credentials can be in use: a restart replaces a pending restart.
        for outdated in agent.ufrags[1:]:
            del self._credentials[outdated]
        agent.ufrags = [*agent.ufrags[:1], local.ufrag]
        self._credentials[local.ufrag] = _Admitted(peer, local.password.encode(), remote)

    def release(self, peer: PeerId) -> None:
        """Forget everything about the peer. Idempotent."""
        agent = self._agents.pop(peer, None)
        if agent is None:
            return
        for ufrag in agent.ufrags:
            del self._credentials[ufrag]
        for path in agent.paths:
            del self._owners[path]

    def receive_stun(self, datagram: bytes, path: Path, now: float) -> Taken | Drop:
        """Judge one datagram that looks like STUN. State changes only when it is authentic."""
        try:
            message = stun.parse_message(datagram)
        except (ValueError, struct.error):
            return Drop.STUN_MALFORMED
        if message.message_method != stun.Method.BINDING:
            return Drop.STUN_MALFORMED
        if message.message_class == stun.Class.RESPONSE:
            return self._receive_answer(message, path, now)
        if message.message_class != stun.Class.REQUEST:
            return Drop.STUN_MALFORMED
        return self._receive_check(message, len(datagram), path, now)

    def owner(self, path: Path) -> PeerId | None:
        """The peer that proved to sit behind `path`, if any."""
        return self._owners.get(path)

    def hear(self, peer: PeerId, path: Path, size: int, now: float) -> bool:
        """`size` bytes came from an address that the peer proved. Returns whether it had been quiet."""
        agent = self._agents[peer]
        agent.heard_at = now
        if agent.is_limited:
            agent.paths[path].heard(size)
        was_quiet, agent.quiet = agent.quiet, False
        return was_quiet

    def selected(self, peer: PeerId) -> Path | None:
        """Where `peer` wants its datagrams, if it has shown an address yet."""
        agent = self._agents.get(peer)
        return agent.selected if agent else None

    def route(self, peer: PeerId, size: int) -> Path | Drop:
        """Where `size` bytes for `peer` may go; they count as sent there."""
        agent = self._agents.get(peer)
        if agent is None or agent.selected is None:
            return Drop.SEND_FAILED
        if not agent.is_limited or agent.paths[agent.selected].allows_other(size):
            return agent.selected
        return agent.spare or Drop.PATH_UNVALIDATED

    def withhold(self, peer: PeerId, datagram: bytes) -> bool:
        """Keep a DTLS datagram that has no route yet until an answer validates the path: that mostly takes a round
        trip, and DTLS would send it again only after a second. False if too many wait."""
        withheld = self._agents[peer].withheld
        if len(withheld) >= WITHHELD:
            return False
        withheld.append(datagram)
        return True

    def take_withheld(self, peer: PeerId) -> list[bytes]:
        """What waited, after an answer."""
        agent = self._agents[peer]
        withheld, agent.withheld = agent.withheld, []
        return withheld

    def allows(self, peer: PeerId, path: Path, size: int) -> bool:
        """Whether `size` bytes may be sent on one of the peer's paths; they count as sent."""
        known = self._agents[peer].paths.get(path)
        return known is not None and (known.was_valid() or known.allows(size))

    def questions(self, peer: PeerId, now: float) -> Iterator[tuple[Path, bytes]]:
        """Checks of our own that are due, for where the peer's datagrams go."""
        agent = self._agents.get(peer, _Agent())
        for path in (agent.selected, agent.spare):
            known = agent.paths.get(path) if path else None
            admitted = self._of_browser(agent, known) if known else None
            if known is None or admitted is None or (transaction := known.ask(now)) is None:
                continue
            question = stun.Message(
                message_method=stun.Method.BINDING,
                message_class=stun.Class.REQUEST,
                transaction_id=transaction,
                attributes={
                    "USERNAME": f"{admitted.remote.ufrag}:{known.ufrags[0]}",
                    "PRIORITY": HOST_PRIORITY,
                    # The tie-breaker: a lite agent never becomes the controlling one, so none is ever needed.
                    "ICE-CONTROLLED": 0,
                },
            )
            question.add_message_integrity(admitted.remote.password.encode())
            question.add_fingerprint()
            yield known.path, bytes(question)

    def peers(self) -> list[PeerId]:
        """All that are admitted."""
        return list(self._agents)

    def settle(self, now: float) -> None:
        """What has not answered for long is not validated any more."""
        for agent in self._agents.values():
            agent.settle(now)

    def forget(self, path: Path, now: float) -> tuple[PeerId, Path] | None:
        """The path is gone: its TCP connection has closed. The peer may come back on another. Returns who had it, and
        where its datagrams go instead, if they went there."""
        if (peer := self._owners.pop(path, None)) is None:
            return None
        moved = self._disown(peer, path, now)
        return (peer, moved) if moved is not None else None

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
            if agent.consenting and now - agent.consented_at > CONSENT_TIMEOUT:
                for path in agent.paths:
                    del self._owners[path]
                agent.paths.clear()
                agent.select(None)
                agent.settle(now)
                agent.consenting = False
                lost.append(peer)
        return lost

    def _receive_check(self, check: stun.Message, size: int, path: Path, now: float) -> Taken | Drop:
        ufrag, _, remote_ufrag = str(check.attributes.get("USERNAME", "")).partition(":")
        admitted = self._credentials.get(ufrag)
        if admitted is None:
            return Drop.STUN_UNKNOWN_UFRAG
        agent = self._agents[admitted.peer]
        if agent.is_flooding(now):
            return Drop.FLOODED
        if not check.check_message_integrity(admitted.key):
            return Drop.STUN_BAD_INTEGRITY
        if self._is_held(path, admitted.peer, now):
            return Drop.STUN_ADDRESS_HELD
        is_new = agent.take_check(check.transaction_id, path, now)
        if isinstance(is_new, Drop):
            return is_new
        moved = None
        if is_new:
            nominates = "USE-CANDIDATE" in check.attributes
            moved = self._prove(admitted.peer, (ufrag, remote_ufrag), path, size, nominates, now)
        elif path in agent.paths:
            agent.paths[path].heard(size)
        else:
            return Drop.STUN_REPLAYED
        response = stun.Message(
            message_method=stun.Method.BINDING,
            message_class=stun.Class.RESPONSE,
            transaction_id=check.transaction_id,
            attributes={"XOR-MAPPED-ADDRESS": (path.remote_host, path.remote_port)},
        )
        response.add_message_integrity(admitted.key)
        return Taken(admitted.peer, bytes(response), moved, self.hear(admitted.peer, path, 0, now))

    def _receive_answer(self, answer: stun.Message, path: Path, now: float) -> Taken | Drop:
        """Somebody received a check of ours, if this answers one."""
        peer = self._owners.get(path)
        if peer is None:
            return Drop.STUN_UNASKED
        agent = self._agents[peer]
        known = agent.paths[path]
        admitted = self._of_browser(agent, known)
        if admitted is None or not known.awaits(answer.transaction_id, now):
            return Drop.STUN_UNASKED
        if not answer.check_message_integrity(admitted.remote.password.encode()):
            return Drop.STUN_BAD_INTEGRITY
        known.answered(now)
        agent.consented_at = now
        agent.settle(now)
        return Taken(peer, None, None, self.hear(peer, path, 0, now))

    def _of_browser(self, agent: _Agent, known: KnownPath) -> _Admitted | None:
        """The credentials with which a browser takes a question by the path. While it restarts ICE it may check
        already with its new ones, and still with our old ones."""
        admitted = (self._credentials[ufrag] for ufrag in agent.ufrags)
        fitting = (found for found in admitted if found.remote.ufrag == known.ufrags[1])
        return next(fitting, self._credentials.get(known.ufrags[0]))

    def _is_held(self, path: Path, peer: PeerId, now: float) -> bool:
        """Whether somebody else has shown lately that they sit behind the path."""
        owner = self._owners.get(path, peer)
        return owner != peer and now - self._agents[owner].paths[path].checked_at <= PATH_HELD

    def _prove(
        self, peer: PeerId, ufrags: tuple[str, str], path: Path, size: int, nominates: bool, now: float
    ) -> Path | None:
        agent = self._agents[peer]
        before = agent.selected
        if (previous := self._owners.get(path)) is not None and previous != peer:
            # A NAT gave the address to someone else, and who had it is silent.
            self._disown(previous, path, now)
        self._owners[path] = peer
        known = agent.paths.setdefault(path, KnownPath(path, ufrags, now))
        known.checked(ufrags, size, now)
        agent.paths.move_to_end(path)
        # The first check gives time to be asked. From then on answers alone renew consent, and over TCP its handshake
        # has answered for good.
        if not agent.consenting or path.transport is Transport.TCP:
            agent.consented_at, agent.consenting = now, True
        if nominates:
            agent.select(path)
            self._retire(agent, ufrags[0])
        elif agent.selected is None:
            agent.select(path)
        agent.settle(now)
        while (oldest := agent.superfluous()) is not None:
            del agent.paths[oldest]
            del self._owners[oldest]
        return agent.selected if agent.selected != before else None

    def _retire(self, agent: _Agent, nominating: str) -> None:
        """Once a restart's credentials nominate, those before it are void."""
        position = agent.ufrags.index(nominating)
        for outdated in agent.ufrags[:position]:
            del self._credentials[outdated]
        del agent.ufrags[:position]

    def _disown(self, peer: PeerId, path: Path, now: float) -> Path | None:
        agent = self._agents[peer]
        del agent.paths[path]
        agent.settle(now)
        if agent.selected != path:
            return None
        latest = list(reversed(agent.paths))
        agent.select(next(filter(agent.was_valid, latest), latest[0] if latest else None))
        agent.settle(now)
        return agent.selected
