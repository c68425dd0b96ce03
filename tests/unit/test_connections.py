"""People's media connections: what is known of one goes with it."""

import secrets
from collections.abc import AsyncIterator, Sized
from unittest import mock

import pytest

from relay.ids import UserId
from relay.media.connections import MediaConnections, _fresh_ssrcs
from relay.media.switchboard import Switchboard
from relay.media.terms import PACKETS
from relay.observe.drops import Drops
from relay.observe.journal import Journal
from relay.observe.tally import Tally
from relay.peer.aiortc_bridge import SharedCertificate
from relay.peer.candidates import Reach
from relay.peer.lines import SrtpKeys, SrtpProfile
from relay.protocol.messages import CandidateProtocol, CandidateType, MediaPath
from relay.transport.port import Path, Transport
from tests.kit.offers import OFFER, ROLES
from tests.kit.payers import payer

ANN, BOB = UserId("ann"), UserId("bob")
KEYS = SrtpKeys(SrtpProfile.AEAD_AES_128_GCM, bytes(28), bytes(28))
PATH = Path("192.0.2.1", 4_711, "192.0.2.2")
CLAIM = MediaPath(type=CandidateType.HOST, protocol=CandidateProtocol.UDP)


@pytest.fixture
def tally() -> Tally:
    return Tally()


@pytest.fixture
async def connections(tally: Tally) -> AsyncIterator[MediaConnections]:
    """No media comes or goes here, but everything is kept that is kept of people."""
    engine = mock.Mock(terms=PACKETS)
    made = MediaConnections(
        port=mock.Mock(),
        engine=engine,
        switchboard=Switchboard(engine),
        certificate=SharedCertificate(),
        reach=lambda just_changed: Reach(("192.0.2.2",), 1, 1),
        drops=Drops(),
        journal=Journal(tally),
    )
    made.listener = mock.Mock()
    yield made
    made.close()


def connect(connections: MediaConnections, user: UserId) -> None:
    """As far as keys, with everything that may become known meanwhile."""
    connections.answer(user, payer(), OFFER, ROLES)
    peer = connections.peer_of(user)
    assert peer is not None
    connections.flow_selected(peer, PATH)
    connections.note_claim(user, CLAIM)
    connections._secured(peer, KEYS)
    connections.flow_quiet(peer)


def kept(connections: MediaConnections) -> dict[str, int]:
    """How much of whom."""
    known = {name: value for name, value in vars(connections).items() if isinstance(value, Sized)}
    assert {"_peers", "_users", "_secure", "_unsecured", "_silent", "_paths", "_claims"} <= known.keys()
    return {name: len(value) for name, value in known.items() if len(value)}


async def test_nothing_is_kept_of_who_has_gone(connections: MediaConnections, tally: Tally) -> None:
    connections.know_relays(())
    at_first = kept(connections)
    for user in (ANN, BOB):
        connect(connections, user)
    assert len(connections) == 2
    for user in (ANN, BOB):
        connections.hang_up(user)
    assert kept(connections) == at_first
    assert (connections.paths(), tally.paths) == ({}, {"udp": 2})


async def test_nothing_is_kept_of_one_who_goes_before_there_are_keys(
    connections: MediaConnections, tally: Tally
) -> None:
    connections.answer(ANN, payer(), OFFER, ROLES)
    peer = connections.peer_of(ANN)
    assert peer is not None
    connections.flow_selected(peer, PATH)
    connections.note_claim(ANN, CLAIM)
    connections.hang_up(ANN)
    assert kept(connections) == {}
    assert tally.paths == {}, "it never carried anything"


async def test_who_fell_silent_is_heard_again_and_told_of_once_each(connections: MediaConnections) -> None:
    connect(connections, ANN)
    peer = connections.peer_of(ANN)
    assert peer is not None
    assert connections.is_silent(ANN)
    connections.flow_heard(peer)
    connections.flow_heard(peer)
    assert not connections.is_silent(ANN)
    assert connections.listener.media_changed.mock_calls == [mock.call(ANN)] * 2  # type: ignore[attr-defined]


async def test_what_a_browser_said_holds_for_the_path_that_it_had_then(connections: MediaConnections) -> None:
    connect(connections, ANN)
    peer = connections.peer_of(ANN)
    assert peer is not None
    connections.flow_selected(peer, PATH._replace(transport=Transport.TURN_TLS))
    connections.note_claim(ANN, MediaPath(type=CandidateType.RELAY, protocol=CandidateProtocol.UDP))
    connections.flow_selected(peer, PATH._replace(transport=Transport.TCP))
    assert connections.paths() == {"tcp": 1}
    connections.note_claim(ANN, CLAIM)
    connections.flow_selected(peer, PATH._replace(transport=Transport.TCP, remote_port=4_712))
    assert connections.paths() == {"disputed": 1}, "a NAT may take another port for the same path"


def test_streams_are_told_apart_and_none_of_them_is_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = [bytes(24), b"\x07\x00\x00\x00" * 6, bytes(range(24))]
    monkeypatch.setattr(secrets, "token_bytes", lambda size: drawn.pop(0)[:size])
    ssrcs = _fresh_ssrcs(6)
    assert len(set(ssrcs)) == 6
    assert min(ssrcs) > 0
    assert not drawn, "zeros and twins are drawn again"
