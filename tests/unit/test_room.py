import pytest

from relay.ids import RoomId, UserId
from relay.protocol.messages import (
    ChatMessage,
    MediaState,
    MessageDelivered,
    Mode,
    PartingReason,
    PartnerDisconnected,
    PartnerFound,
    Typing,
)
from relay.room.effects import Link, Tell, Unlink
from relay.room.room import Room, RoomState

ANN, BOB, EVE = UserId("ann"), UserId("bob"), UserId("eve")
ROOM = RoomId("r")
SHARED = {ANN: MediaState(microphone=False, camera=True), BOB: MediaState(microphone=True, camera=False)}


def open_room(mode: Mode = Mode.VIDEO) -> Room:
    room = Room(ROOM, ANN, BOB, mode, now=0.0)
    room.open(SHARED)
    return room


def test_media_is_linked_before_anyone_is_told_to_send() -> None:
    effects = Room(ROOM, ANN, BOB, Mode.VIDEO, now=0.0).open(SHARED)
    assert effects == [
        Link(ANN, BOB),
        Tell(ANN, PartnerFound(room_id=ROOM, microphone=True, camera=False)),
        Tell(BOB, PartnerFound(room_id=ROOM, microphone=False, camera=True)),
    ]


def test_people_who_only_write_are_not_linked() -> None:
    effects = Room(ROOM, ANN, BOB, Mode.TEXT, now=0.0).open(SHARED)
    assert [type(effect) for effect in effects] == [Tell, Tell]


def test_a_message_goes_to_the_partner_and_is_confirmed_to_its_writer() -> None:
    message = ChatMessage(id="1", text="hi")
    assert open_room().say(ANN, message) == [Tell(BOB, message), Tell(ANN, MessageDelivered(id="1"))]


@pytest.mark.parametrize("shown", [Typing(active=True), MediaState(microphone=False, camera=False)])
def test_what_one_does_the_partner_is_shown(shown: Typing | MediaState) -> None:
    assert open_room().show(BOB, shown) == [Tell(ANN, shown)]


def test_the_one_who_stays_is_told_why_after_media_stopped() -> None:
    room = open_room()
    effects = room.end(BOB, PartingReason.NEXT, searching=True)
    assert effects == [Unlink(BOB), Tell(ANN, PartnerDisconnected(reason=PartingReason.NEXT, searching=True))]
    assert room.state is RoomState.ENDED


def test_a_room_ends_once() -> None:
    room = open_room()
    room.end(BOB, PartingReason.LEFT, searching=False)
    with pytest.raises(RuntimeError):
        room.end(ANN, PartingReason.LEFT, searching=False)


def test_nobody_talks_with_themselves() -> None:
    with pytest.raises(ValueError, match="themselves"):
        Room(ROOM, ANN, ANN, Mode.VIDEO, now=0.0)


def test_an_outsider_has_no_partner_here() -> None:
    with pytest.raises(KeyError):
        open_room().say(EVE, ChatMessage(id="1", text="hi"))
