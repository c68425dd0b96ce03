import pytest

from relay.ids import PeerId, UserId
from relay.media.switchboard import Switchboard
from relay.peer.lines import LineId, Medium, SlotId

ANN, BOB, EVE = UserId("ann"), UserId("bob"), UserId("eve")
PEERS = {ANN: PeerId(1), BOB: PeerId(2), EVE: PeerId(3)}


class RecordingEngine:
    """Keeps the table that the switchboard asks for."""

    def __init__(self) -> None:
        self.table: dict[SlotId, LineId] = {}

    def route(self, slot: SlotId, source: LineId | None) -> None:
        if source is None:
            self.table.pop(slot, None)
        else:
            self.table[slot] = source

    def watches(self) -> set[tuple[PeerId, PeerId]]:
        """(receiver, sender) pairs for which all media are routed, and no half-routed ones."""
        pairs = {(slot.peer, line.peer) for slot, line in self.table.items()}
        for receiver, sender in pairs:
            for medium in Medium:
                assert self.table[SlotId(receiver, medium)] == LineId(sender, medium)
        return pairs


@pytest.fixture
def engine() -> RecordingEngine:
    return RecordingEngine()


@pytest.fixture
def switchboard(engine: RecordingEngine) -> Switchboard:
    return Switchboard(engine)  # type: ignore[arg-type]  # only route() is used


def both(one: UserId, other: UserId) -> set[tuple[PeerId, PeerId]]:
    return {(PEERS[one], PEERS[other]), (PEERS[other], PEERS[one])}


def test_partners_receive_each_other(switchboard: Switchboard, engine: RecordingEngine) -> None:
    switchboard.attach(ANN, PEERS[ANN])
    switchboard.attach(BOB, PEERS[BOB])
    switchboard.connect((ANN, BOB))
    assert engine.watches() == both(ANN, BOB)


def test_media_starts_when_the_later_connection_comes(switchboard: Switchboard, engine: RecordingEngine) -> None:
    switchboard.attach(ANN, PEERS[ANN])
    switchboard.connect((ANN, BOB))
    assert engine.watches() == set()
    switchboard.attach(BOB, PEERS[BOB])
    assert engine.watches() == both(ANN, BOB)


def test_a_replaced_connection_takes_over(switchboard: Switchboard, engine: RecordingEngine) -> None:
    for user in (ANN, BOB):
        switchboard.attach(user, PEERS[user])
    switchboard.connect((ANN, BOB))
    switchboard.attach(ANN, PeerId(9))
    assert engine.watches() == {(PeerId(9), PEERS[BOB]), (PEERS[BOB], PeerId(9))}


def test_parting_stops_both_directions_and_is_idempotent(switchboard: Switchboard, engine: RecordingEngine) -> None:
    for user in (ANN, BOB):
        switchboard.attach(user, PEERS[user])
    switchboard.connect((ANN, BOB))
    switchboard.part(BOB)
    switchboard.part(BOB)
    switchboard.part(ANN)
    assert engine.table == {}


def test_a_person_has_one_partner_at_a_time(switchboard: Switchboard, engine: RecordingEngine) -> None:
    for user in (ANN, BOB, EVE):
        switchboard.attach(user, PEERS[user])
    switchboard.connect((ANN, BOB))
    switchboard.connect((ANN, EVE))
    assert engine.watches() == both(ANN, EVE)


def test_a_lost_connection_stops_media_but_not_the_pair(switchboard: Switchboard, engine: RecordingEngine) -> None:
    for user in (ANN, BOB):
        switchboard.attach(user, PEERS[user])
    switchboard.connect((ANN, BOB))
    switchboard.detach(ANN)
    assert engine.table == {}
    switchboard.attach(ANN, PEERS[ANN])
    assert engine.watches() == both(ANN, BOB)


def test_more_than_there_are_seats_for_are_refused_before_anything_changes(
    switchboard: Switchboard, engine: RecordingEngine
) -> None:
    for user in (ANN, BOB, EVE):
        switchboard.attach(user, PEERS[user])
    switchboard.connect((ANN, BOB))
    with pytest.raises(ValueError, match="seats"):
        switchboard.connect((ANN, BOB, EVE))
    assert engine.watches() == both(ANN, BOB)


class TestThree:
    """Connections with slots for two others each."""

    @pytest.fixture
    def switchboard(self, engine: RecordingEngine) -> Switchboard:
        switchboard = Switchboard(engine, seats=2)  # type: ignore[arg-type]  # only route() is used
        for user in (ANN, BOB, EVE):
            switchboard.attach(user, PEERS[user])
        switchboard.connect((ANN, BOB, EVE))
        return switchboard

    def seats(self, engine: RecordingEngine, user: UserId) -> list[UserId | None]:
        """Whom a person is shown in each seat, all their media there."""
        users: dict[PeerId | None, UserId] = {peer: user for user, peer in PEERS.items()}
        shown: list[UserId | None] = []
        for number in range(2):
            lines = [engine.table.get(SlotId(PEERS[user], medium, number)) for medium in Medium]
            peers = {line.peer if line else None for line in lines}
            assert len(peers) == 1, "half a person is shown"
            assert [line.medium for line in lines if line] in ([], list(Medium))
            shown.append(users.get(peers.pop()))
        return shown

    def test_each_is_shown_the_others_in_seats_of_their_own(
        self, switchboard: Switchboard, engine: RecordingEngine
    ) -> None:
        assert self.seats(engine, ANN) == [BOB, EVE]
        assert self.seats(engine, BOB) == [ANN, EVE]
        assert self.seats(engine, EVE) == [ANN, BOB]

    def test_who_stays_keeps_their_seat(self, switchboard: Switchboard, engine: RecordingEngine) -> None:
        switchboard.part(BOB)
        assert self.seats(engine, ANN) == [None, EVE]
        assert self.seats(engine, EVE) == [ANN, None]
        assert self.seats(engine, BOB) == [None, None]

    def test_a_connection_that_comes_back_is_shown_where_it_was(
        self, switchboard: Switchboard, engine: RecordingEngine
    ) -> None:
        switchboard.detach(BOB)
        assert self.seats(engine, ANN) == [None, EVE]
        switchboard.attach(BOB, PEERS[BOB])
        assert self.seats(engine, ANN) == [BOB, EVE]
        assert self.seats(engine, BOB) == [ANN, EVE]

    def test_the_last_to_part_leaves_nothing_behind(self, switchboard: Switchboard, engine: RecordingEngine) -> None:
        for user in (BOB, ANN, ANN, EVE):
            switchboard.part(user)
        assert engine.table == {}

    def test_nobody_is_in_two_circles(self, switchboard: Switchboard, engine: RecordingEngine) -> None:
        switchboard.connect((ANN, EVE))
        assert self.seats(engine, ANN) == [EVE, None]
        assert self.seats(engine, EVE) == [ANN, None]
        assert self.seats(engine, BOB) == [None, None]
