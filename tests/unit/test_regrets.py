from relay.ids import RoomId, UserId
from relay.matchmaking.regrets import BACK_WINDOW, Regrets

ANN, BOB, EVE = UserId("ann"), UserId("bob"), UserId("eve")
ROOM, OTHER = RoomId("room"), RoomId("other")


def parted() -> Regrets:
    regrets = Regrets()
    regrets.parted(ROOM, (ANN, BOB), 100.0)
    return regrets


def test_both_may_go_back_for_a_while() -> None:
    regrets = parted()
    assert regrets.others(ANN, ROOM, 100.0) == (BOB,)
    assert regrets.others(BOB, ROOM, 100.0 + BACK_WINDOW) == (ANN,)
    assert regrets.others(ANN, ROOM, 100.1 + BACK_WINDOW) == ()


def test_nobody_goes_back_to_another_room_than_their_last() -> None:
    regrets = parted()
    assert regrets.others(ANN, OTHER, 100.0) == ()
    assert regrets.others(EVE, ROOM, 100.0) == ()
    regrets.parted(OTHER, (ANN, EVE), 101.0)
    assert regrets.others(ANN, ROOM, 101.0) == ()
    assert regrets.others(BOB, ROOM, 101.0) == ()


def test_it_takes_the_wish_of_both_and_one_wishes_once() -> None:
    regrets = parted()
    assert not regrets.wish(ANN)
    assert not regrets.wish(ANN)
    assert regrets.wish(BOB)


def test_who_goes_takes_the_way_back_along() -> None:
    regrets = parted()
    regrets.forget(BOB)
    assert regrets.others(ANN, ROOM, 100.0) == ()
    assert len(regrets) == 0


def test_of_several_all_have_to_wish_it() -> None:
    regrets = Regrets()
    regrets.parted(ROOM, (ANN, BOB, EVE), 100.0)
    assert regrets.others(BOB, ROOM, 100.0) == (ANN, EVE)
    assert [regrets.wish(member) for member in (ANN, BOB, EVE)] == [False, False, True]
