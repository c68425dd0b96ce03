import pytest

from relay.ids import RoomId, UserId
from relay.observe.verdict import Verdict
from relay.protocol.messages import (
    ChatMessage,
    FirstFrame,
    FirstSign,
    MediaState,
    MessageDelivered,
    Mode,
    PartingReason,
    PartnerDisconnected,
    PartnerFound,
    Typing,
)
from relay.room.effects import Connect, Disconnect, Tell
from relay.room.room import Room, RoomState

ANN, BOB, EVE, TOM = UserId("ann"), UserId("bob"), UserId("eve"), UserId("tom")
ROOM = RoomId("r")
SHARED = {
    ANN: MediaState(microphone=False, camera=True),
    BOB: MediaState(microphone=True, camera=False),
    EVE: MediaState(microphone=False, camera=False),
}


def open_room(*members: UserId, mode: Mode = Mode.VIDEO) -> Room:
    room = Room(ROOM, members or (ANN, BOB), mode, now=0.0)
    room.open(SHARED)
    return room


def found(*, microphone: bool, camera: bool) -> PartnerFound:
    return PartnerFound(room_id=ROOM, microphone=microphone, camera=camera)


def gone(reason: PartingReason, *, searching: bool) -> PartnerDisconnected:
    return PartnerDisconnected(reason=reason, searching=searching)


def test_media_is_connected_before_anyone_is_told_to_send() -> None:
    effects = Room(ROOM, (ANN, BOB), Mode.VIDEO, now=0.0).open(SHARED)
    assert effects == [
        Connect((ANN, BOB)),
        Tell(ANN, found(microphone=True, camera=False)),
        Tell(BOB, found(microphone=False, camera=True)),
    ]


def test_of_several_each_is_told_what_is_on_with_any_of_the_others() -> None:
    effects = Room(ROOM, (ANN, BOB, EVE), Mode.VIDEO, now=0.0).open(SHARED)
    assert effects == [
        Connect((ANN, BOB, EVE)),
        Tell(ANN, found(microphone=True, camera=False)),
        Tell(BOB, found(microphone=False, camera=True)),
        Tell(EVE, found(microphone=True, camera=True)),
    ]


def test_people_who_only_write_are_not_connected() -> None:
    effects = Room(ROOM, (ANN, BOB), Mode.TEXT, now=0.0).open(SHARED)
    assert [type(effect) for effect in effects] == [Tell, Tell]


def test_a_message_goes_to_the_others_and_is_confirmed_to_its_writer() -> None:
    message = ChatMessage(id="1", text="hi")
    confirmed = Tell(ANN, MessageDelivered(id="1"))
    assert open_room().say(ANN, message) == [Tell(BOB, message), confirmed]
    assert open_room(ANN, BOB, EVE).say(ANN, message) == [Tell(BOB, message), Tell(EVE, message), confirmed]


@pytest.mark.parametrize("shown", [Typing(active=True), MediaState(microphone=False, camera=False)])
def test_what_one_does_the_others_are_shown(shown: Typing | MediaState) -> None:
    assert open_room().show(BOB, shown) == [Tell(ANN, shown)]
    assert open_room(ANN, BOB, EVE).show(BOB, shown) == [Tell(ANN, shown), Tell(EVE, shown)]


@pytest.mark.parametrize("searching", [True, False])
def test_the_one_who_stays_is_told_why_after_media_stopped(searching: bool) -> None:
    room = open_room()
    effects = room.leave(BOB, PartingReason.NEXT, {ANN} if searching else ())
    assert effects == [Disconnect(BOB), Tell(ANN, gone(PartingReason.NEXT, searching=searching))]
    assert room.state is RoomState.ENDED
    assert room.members == (ANN, BOB)


def test_a_room_goes_on_while_two_are_left() -> None:
    room = open_room(ANN, BOB, EVE)
    assert room.leave(BOB, PartingReason.LEFT, ()) == [Disconnect(BOB)]
    assert room.members == (ANN, EVE)
    message = ChatMessage(id="1", text="hi")
    assert room.say(ANN, message) == [Tell(EVE, message), Tell(ANN, MessageDelivered(id="1"))]
    with pytest.raises(KeyError):
        room.leave(BOB, PartingReason.LEFT, ())
    left = room.leave(EVE, PartingReason.LEFT, (ANN,))
    assert left == [Disconnect(EVE), Tell(ANN, gone(PartingReason.LEFT, searching=True))]
    assert room.state is RoomState.ENDED


def test_a_room_that_is_ended_tells_everybody_that_the_others_left() -> None:
    room = open_room(ANN, BOB, EVE)
    assert room.end(PartingReason.LEFT, (BOB,)) == [
        *(Disconnect(member) for member in (ANN, BOB, EVE)),
        *(Tell(member, gone(PartingReason.LEFT, searching=member == BOB)) for member in (ANN, BOB, EVE)),
    ]
    assert room.state is RoomState.ENDED


def test_a_room_ends_once() -> None:
    room = open_room()
    room.leave(BOB, PartingReason.LEFT, ())
    with pytest.raises(RuntimeError):
        room.leave(ANN, PartingReason.LEFT, ())
    with pytest.raises(RuntimeError):
        room.end(PartingReason.LEFT, ())


def test_nobody_leaves_a_room_that_was_not_opened() -> None:
    with pytest.raises(RuntimeError):
        Room(ROOM, (ANN, BOB, EVE), Mode.VIDEO, now=0.0).leave(ANN, PartingReason.LEFT, ())


def test_who_is_seen_by_any_of_the_others_came() -> None:
    room = open_room(ANN, BOB, EVE)
    assert room.never_came(BOB, heard_at=0.0)
    assert not room.never_came(BOB, heard_at=0.5)
    assert room.note(EVE, FirstFrame(ROOM, FirstSign.PICTURE, 0.5), now=1.0) is Verdict.TAKEN
    assert not room.never_came(BOB, heard_at=0.0)
    assert room.never_came(EVE, heard_at=0.0)


@pytest.mark.parametrize("members", [(ANN, ANN), (ANN, BOB, ANN)])
def test_nobody_talks_with_themselves(members: tuple[UserId, ...]) -> None:
    with pytest.raises(ValueError, match="themselves"):
        Room(ROOM, members, Mode.VIDEO, now=0.0)


@pytest.mark.parametrize("members", [(), (ANN,)])
def test_nobody_talks_alone(members: tuple[UserId, ...]) -> None:
    with pytest.raises(ValueError, match="others"):
        Room(ROOM, members, Mode.VIDEO, now=0.0)


def test_an_outsider_talks_with_nobody_here() -> None:
    with pytest.raises(KeyError):
        open_room().say(TOM, ChatMessage(id="1", text="hi"))
