"""All rooms together: who is in which, with how many, and what is left when people go."""

import pytest

from relay.ids import UserId
from relay.media.switchboard import Switchboard
from relay.observe.happenings import RoomEnded
from relay.observe.journal import Journal
from relay.protocol.messages import MediaState, Mode, PartingReason, PartnerDisconnected, PartnerFound, ServerMessage
from relay.room.host import SHARED_AT_FIRST, RoomHost
from tests.kit.noted import Noted

ANN, BOB, EVE, TOM = UserId("ann"), UserId("bob"), UserId("eve"), UserId("tom")


class Postbox(Noted):
    """Keeps what people were told, and what happened."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[UserId, ServerMessage]] = []

    def tell(self, user: UserId, message: ServerMessage) -> None:
        self.told.append((user, message))


@pytest.fixture
def postbox() -> Postbox:
    return Postbox()


@pytest.fixture
def rooms(postbox: Postbox) -> RoomHost:
    switchboard = Switchboard(None, seats=2)  # type: ignore[arg-type]  # nobody has a connection
    return RoomHost(switchboard, postbox, Journal(postbox))


def test_rooms_and_people_are_counted_each(rooms: RoomHost) -> None:
    rooms.open((ANN, BOB, EVE), Mode.VIDEO, now=0.0)
    rooms.open((TOM, UserId("tim")), Mode.TEXT, now=1.0)
    assert (len(rooms), rooms.people) == (2, 5)
    assert [len(room.members) for room in rooms.rooms()] == [3, 2]
    assert rooms.others_of(BOB) == (ANN, EVE)
    assert rooms.room_of(BOB) == rooms.room_of(EVE) != rooms.room_of(TOM)
    assert rooms.others_of(UserId("nobody")) == ()


def test_nobody_is_in_two_rooms(rooms: RoomHost) -> None:
    rooms.open((ANN, BOB), Mode.VIDEO, now=0.0)
    with pytest.raises(RuntimeError, match="two rooms"):
        rooms.open((EVE, TOM, BOB), Mode.VIDEO, now=1.0)
    assert (len(rooms), rooms.people) == (1, 2)


def test_a_room_of_three_outlives_one_who_goes_and_ends_with_the_next(rooms: RoomHost, postbox: Postbox) -> None:
    rooms.open((ANN, BOB, EVE), Mode.VIDEO, now=0.0)
    postbox.told.clear()
    assert rooms.leave(ANN, PartingReason.LEFT, 1.0, searching=(BOB, EVE)) == ()
    assert (len(rooms), rooms.people, ANN in rooms) == (1, 2, False)
    assert rooms.others_of(BOB) == (EVE,)
    (room,) = rooms.rooms()
    assert room.impressions.keys() == {BOB, EVE}, "nothing is kept of who has gone"
    assert postbox.told == []
    assert rooms.leave(EVE, PartingReason.NEXT, 3.0, searching=(BOB,)) == (BOB,)
    assert (len(rooms), rooms.people) == (0, 0)
    assert postbox.told == [(BOB, PartnerDisconnected(reason=PartingReason.NEXT, searching=True))]
    ended = [happening for happening in postbox.happened if isinstance(happening, RoomEnded)]
    assert [(end.by, end.users, end.seconds, end.reason) for end in ended] == [(EVE, (BOB, EVE), 3.0, "next")]


def test_a_room_that_is_ended_from_outside_is_over_for_all(rooms: RoomHost, postbox: Postbox) -> None:
    rooms.open((ANN, BOB, EVE), Mode.VIDEO, now=0.0)
    (room,) = rooms.rooms()
    assert rooms.find(room.room_id) is room
    postbox.told.clear()
    rooms.end(room, PartingReason.LEFT, 1.0, searching=())
    assert [user for user, _ in postbox.told] == [ANN, BOB, EVE]
    assert (len(rooms), rooms.people, rooms.find(room.room_id)) == (0, 0, None)


def test_newcomers_are_told_what_is_shared(rooms: RoomHost, postbox: Postbox) -> None:
    muted = MediaState(microphone=False, camera=False)
    rooms.share(ANN, muted)
    rooms.open((ANN, BOB), Mode.VIDEO, now=0.0)
    found = {user: message for user, message in postbox.told if isinstance(message, PartnerFound)}
    assert (found[BOB].microphone, found[BOB].camera) == (False, False)
    assert (found[ANN].microphone, found[ANN].camera) == (True, True)
    assert rooms.shared_with(BOB) == muted
    assert rooms.shared_with(TOM) == SHARED_AT_FIRST


def test_strays_are_those_in_rooms_who_are_not_here(rooms: RoomHost) -> None:
    rooms.open((ANN, BOB, EVE), Mode.VIDEO, now=0.0)
    assert rooms.strays([ANN, TOM]) == {BOB, EVE}
