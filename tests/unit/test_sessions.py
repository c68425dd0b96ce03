"""How sessions begin, are lost and come back, and who gets a place; without sockets, and with time as it is set."""

import asyncio
from collections.abc import Iterator

import pytest

from relay.errors import ErrorCode, RelayError
from relay.protocol.messages import (
    ChatMessage,
    Connected,
    ErrorMessage,
    FindPartner,
    IceServer,
    PartingReason,
    PartnerDisconnected,
    PartnerReconnecting,
    Resume,
    Resumed,
    Typing,
    WaitingForPartner,
)
from relay.session import outbox as outbox_module
from relay.session.outbox import CAPACITY
from relay.session.presence import GIVEN_UP_AFTER
from relay.session.session import Ending, Session
from relay.session.sessions import SLOW_READER, SUPERSEDED
from tests.kit.control_side import TLS_HOST, ControlSide, FakeSocket, read
from tests.kit.payers import payer

PLACES = 4


@pytest.fixture
def side() -> Iterator[ControlSide]:
    side = ControlSide(PLACES)
    yield side
    side.close()


def come(side: ControlSide) -> Session:
    session = side.open(FakeSocket())
    read(session)
    return session


def couple(side: ControlSide) -> tuple[Session, Session]:
    """Two who talk, and of whom something has come: their pages speak on."""
    one, other = come(side), come(side)
    for session in (one, other):
        side.say(session, FindPartner())
    side.now += 0.1
    for session in (one, other):
        side.say(session, Typing(active=False))
        read(session)
    for session in (one, other):
        read(session)
    return one, other


def greeted(session: Session) -> IceServer:
    """The one TURN server that they are told of."""
    greeting, *_ = read(session)
    assert isinstance(greeting, Connected | Resumed)
    (server,) = greeting.ice_servers
    return server


def lose(side: ControlSide, session: Session) -> None:
    assert session.socket is not None
    side.sessions.disconnected(session, session.socket, Ending.LOST)


def pass_time(side: ControlSide, seconds: float, *speaking: Session) -> None:
    for _ in range(int(2 * seconds)):
        side.look()
        for session in speaking:
            side.say(session, Typing(active=False))
            read(session)


def come_back(side: ControlSide, token: str, last_message: str | None = None) -> Session:
    """On a new connection; returns the session that it goes on with."""
    provisional = side.open(FakeSocket())
    read(provisional)
    side.say(provisional, Resume(token=token, last_message=last_message))
    return provisional


class TestResume:
    def test_who_is_back_stays_when_the_window_ends(self, side: ControlSide) -> None:
        ann, bob = couple(side)
        lose(side, bob)
        come_back(side, bob.token)
        read(ann)
        pass_time(side, side.visits.resume_window + 5, ann, bob)
        assert side.directory.find(bob.user) is bob
        assert (side.directory.present, side.directory.lost, len(side.rooms)) == (2, 0, 1)

    def test_who_is_not_is_given_up_when_it_ends(self, side: ControlSide) -> None:
        ann, bob = couple(side)
        lose(side, bob)
        assert read(ann) == [PartnerReconnecting()]
        pass_time(side, side.visits.resume_window - 1, ann)
        assert bob.user in side.rooms
        for _ in range(4):
            side.look()
        assert isinstance(read(ann)[0], PartnerDisconnected)
        assert (side.directory.present, side.directory.lost, len(side.rooms)) == (1, 0, 0)

    def test_who_had_read_nothing_gets_everything_again(self, side: ControlSide) -> None:
        ann, bob = couple(side)
        said = [ChatMessage(id=str(number), text="x") for number in range(3)]
        for message in said:
            side.say(ann, message)
        assert read(bob) == said
        lose(side, bob)
        come_back(side, bob.token, last_message=None)
        greeting, *missed = read(bob)
        assert isinstance(greeting, Resumed)
        assert missed == said

    def test_an_old_token_is_void(self, side: ControlSide) -> None:
        _, bob = couple(side)
        old = bob.token
        lose(side, bob)
        come_back(side, old)
        thief = come_back(side, old)
        (refused,) = read(thief)
        assert isinstance(refused, ErrorMessage)
        assert refused.code is ErrorCode.RESUME_FAILED
        assert side.directory.find(bob.user) is bob
        assert bob.socket is not thief.socket

    def test_the_last_connection_that_shows_the_token_has_the_session(self, side: ControlSide) -> None:
        _, bob = couple(side)
        first = bob.socket
        assert isinstance(first, FakeSocket)
        come_back(side, bob.token)
        assert first.ended == SUPERSEDED
        side.sessions.disconnected(bob, first, Ending.LOST)
        assert bob.socket is not None
        assert not bob.away


def test_who_goes_away_again_is_waited_for_as_long_as_the_first_time(side: ControlSide) -> None:
    """Their media stops, goes on and stops again, and nothing of their page has come yet."""
    one, other = come(side), come(side)
    for session in (one, other):
        side.say(session, FindPartner())
    side.connections.silent.add(other.user)
    side.presence.media_changed(other.user)
    for _ in range(GIVEN_UP_AFTER - 1):
        assert side.presence.look_for_ghosts() == []
    side.connections.silent.discard(other.user)
    side.presence.media_changed(other.user)
    side.connections.silent.add(other.user)
    side.presence.media_changed(other.user)
    for _ in range(GIVEN_UP_AFTER - 1):
        assert side.presence.look_for_ghosts() == []
    assert side.presence.look_for_ghosts() == [other]


class TestSlowReaders:
    def test_one_with_a_connection_is_told_why_they_go(self, side: ControlSide) -> None:
        ann, bob = couple(side)
        for number in range(CAPACITY + 1):
            side.say(ann, ChatMessage(id=str(number), text="x"))
            read(ann)
        assert isinstance(bob.socket, FakeSocket)
        assert bob.socket.ended == SLOW_READER

    def test_one_whose_connection_is_lost_does_not_come_back_mute(
        self, side: ControlSide, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(outbox_module, "CAPACITY", 8)
        ann, bob = couple(side)
        lose(side, bob)
        read(ann)
        told = []
        for number in range(9):
            side.say(ann, ChatMessage(id=str(number), text="x"))
            told += read(ann)
        assert side.directory.find(bob.user) is None
        assert PartnerDisconnected in {type(message) for message in told}
        (refused,) = read(come_back(side, bob.token))
        assert isinstance(refused, ErrorMessage)
        assert refused.code is ErrorCode.RESUME_FAILED


class TestAFullServer:
    def test_who_lost_their_connection_keeps_no_place_from_anybody(self, side: ControlSide) -> None:
        pair = couple(side)
        come(side)
        come(side)
        lose(side, pair[0])
        assert (side.directory.present, side.directory.lost) == (PLACES - 1, 1)
        newcomer = come(side)
        assert side.directory.find(newcomer.user) is newcomer
        assert side.directory.find(pair[0].user) is pair[0]

    def test_while_nobody_is_lost_a_newcomer_is_turned_away_at_once(self, side: ControlSide) -> None:
        couple(side)
        side.burden(cpu=1.0)
        with pytest.raises(RelayError) as refused:
            come(side)
        assert refused.value.code is ErrorCode.SERVER_FULL

    def test_while_somebody_is_a_newcomer_may_be_them_and_is_put_to_the_test(self, side: ControlSide) -> None:
        _, bob = couple(side)
        side.burden(cpu=1.0)
        lose(side, bob)
        stranger = come(side)
        assert stranger.is_on_trial
        socket = stranger.socket
        assert isinstance(socket, FakeSocket)
        side.say(stranger, FindPartner())
        assert socket.turned_away is not None
        assert socket.turned_away.code is ErrorCode.SERVER_FULL
        assert stranger.user not in side.matchmaker
        assert side.directory.find(stranger.user) is None

    def test_who_turns_out_to_be_them_stays(self, side: ControlSide) -> None:
        _, bob = couple(side)
        side.burden(cpu=1.0)
        lose(side, bob)
        come_back(side, bob.token)
        assert isinstance(read(bob)[0], Resumed)
        assert (side.directory.present, side.directory.lost) == (2, 0)


class TestTurn:
    """Credentials of our own TURN live as long as the session."""

    def test_a_greeting_has_the_only_ones_that_the_port_knows(self, side: ControlSide) -> None:
        server = greeted(side.open(FakeSocket()))
        assert server.urls == (f"turns:{TLS_HOST}?transport=tcp",)
        assert list(side.turn.admitted) == [server.username]

    def test_who_comes_back_has_the_same_and_those_of_the_connection_they_came_by_are_void(
        self, side: ControlSide
    ) -> None:
        bob = side.open(FakeSocket())
        before = greeted(bob)
        side.connect(bob)
        lose(side, bob)
        assert list(side.turn.admitted) == [before.username]
        come_back(side, bob.token)
        assert greeted(bob) == before
        assert list(side.turn.admitted) == [before.username]

    def test_who_comes_back_through_a_proxy_is_told_of_no_name_of_ours(self, side: ControlSide) -> None:
        bob = come(side)
        side.connect(bob)
        lose(side, bob)
        provisional = side.sessions.open(FakeSocket(), payer())
        side.say(provisional, Resume(token=bob.token))
        greeting, *_ = read(bob)
        assert isinstance(greeting, Resumed)
        assert greeting.ice_servers == ()

    def test_they_are_void_when_the_page_is_closed(self, side: ControlSide) -> None:
        bob = come(side)
        assert bob.socket is not None
        side.sessions.disconnected(bob, bob.socket, Ending.CLOSED)
        assert side.turn.admitted == {}

    def test_they_are_void_when_nobody_came_back(self, side: ControlSide) -> None:
        bob = come(side)
        side.connect(bob)
        lose(side, bob)
        pass_time(side, side.visits.resume_window - 1)
        assert len(side.turn.admitted) == 1
        pass_time(side, 2)
        assert side.turn.admitted == {}

    def test_they_are_void_for_who_is_turned_away_after_a_trial(self, side: ControlSide) -> None:
        _, bob = couple(side)
        side.burden(cpu=1.0)
        lose(side, bob)
        stranger = come(side)
        assert len(side.turn.admitted) == 3
        side.say(stranger, FindPartner())
        assert len(side.turn.admitted) == 2

    async def test_they_are_void_when_the_server_stops(self, side: ControlSide) -> None:
        couple(side)
        await side.sessions.stop()
        assert side.turn.admitted == {}

    def test_who_finds_no_place_is_never_admitted(self, side: ControlSide) -> None:
        side.burden(cpu=1.0)
        with pytest.raises(RelayError):
            come(side)
        assert side.turn.orders == []


async def test_a_drain_does_not_wait_for_who_loses_the_connection(side: ControlSide) -> None:
    ann, bob = couple(side)
    async with asyncio.TaskGroup() as tasks:
        draining = tasks.create_task(side.sessions.drain(30))
        await asyncio.sleep(0)  # until it has told them
        lose(side, bob)
        assert side.directory.find(bob.user) is None
        assert PartnerDisconnected in {type(message) for message in read(ann)}
        draining.cancel()


def test_a_lost_room_mate_is_said_to_be_away_to_who_comes_back(side: ControlSide) -> None:
    ann, bob = couple(side)
    lose(side, ann)
    lose(side, bob)
    come_back(side, bob.token)
    greeting, *rest = read(bob)
    assert isinstance(greeting, Resumed)
    assert rest == [PartnerReconnecting()]


def test_who_dials_anew_while_they_wait_is_told_that_they_still_do(side: ControlSide) -> None:
    """Their page knew before the server did that the old connection was dead."""
    ann = come(side)
    side.say(ann, FindPartner())
    read(ann)
    come_back(side, ann.token)
    greeting, *rest = read(ann)
    assert isinstance(greeting, Resumed)
    assert greeting.searching
    assert rest == [WaitingForPartner()]
    assert ann.user in side.matchmaker


def test_what_was_over_from_outside_does_not_begin_again_at_once(side: ControlSide) -> None:
    ann, bob = couple(side)
    (room,) = side.rooms.rooms()
    assert side.matchmaker.separate(room.room_id, side.now)
    assert not side.matchmaker.separate(room.room_id, side.now)
    assert len(side.rooms) == 0
    for session in (ann, bob):
        assert [type(message) for message in read(session)] == [PartnerDisconnected, WaitingForPartner]


def test_who_stays_when_the_server_stops_is_not_searched_for(side: ControlSide) -> None:
    ann, bob = couple(side)
    side.sessions.close(bob, PartingReason.SERVER_STOPPING)
    assert read(ann) == [PartnerDisconnected(reason=PartingReason.SERVER_STOPPING, searching=False)]
    assert ann.user not in side.matchmaker
