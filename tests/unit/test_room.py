import pytest

from relay.ids import RoomId, UserId
from relay.protocol.messages import ChatMessage, PartingReason, PartnerDisconnected, PartnerFound
from relay.room.effects import Link, Tell, Unlink
from relay.room.room import Room, RoomState

ANN, BOB, EVE = UserId("ann"), UserId("bob"), UserId("eve")


def open_room() -> Room:
    room = Room(RoomId("r"), ANN, BOB, now=0.0)
    room.open()
    return room


def test_media_is_linked_before_anyone_is_told_to_send() -> None:
    effects = Room(RoomId("r"), ANN, BOB, now=0.0).open()
    found = PartnerFound(room_id=RoomId("r"))
    assert effects == [Link(ANN, BOB), Tell(ANN, found), Tell(BOB, found)]


def test_a_message_goes_to_the_partner_and_to_nobody_else() -> None:
    assert open_room().say(ANN, "hi") == [Tell(BOB, ChatMessage(text="hi"))]


def test_the_one_who_stays_is_told_why_after_media_stopped() -> None:
    room = open_room()
    effects = room.leave(BOB, PartingReason.NEXT)
    assert effects == [Unlink(BOB), Tell(ANN, PartnerDisconnected(reason=PartingReason.NEXT))]
    assert room.state is RoomState.ENDED


def test_a_room_ends_once() -> None:
    room = open_room()
    room.leave(BOB, PartingReason.LEFT)
    with pytest.raises(RuntimeError):
        room.leave(ANN, PartingReason.LEFT)


def test_nobody_talks_with_themselves() -> None:
    with pytest.raises(ValueError, match="themselves"):
        Room(RoomId("r"), ANN, ANN, now=0.0)


def test_an_outsider_has_no_partner_here() -> None:
    with pytest.raises(KeyError):
        open_room().say(EVE, "hi")
