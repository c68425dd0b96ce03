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
    switchboard.pair(ANN, BOB)
    assert engine.watches() == both(ANN, BOB)


def test_media_starts_when_the_later_connection_comes(switchboard: Switchboard, engine: RecordingEngine) -> None:
    switchboard.attach(ANN, PEERS[ANN])
    switchboard.pair(ANN, BOB)
    assert engine.watches() == set()
    switchboard.attach(BOB, PEERS[BOB])
    assert engine.watches() == both(ANN, BOB)


def test_a_replaced_connection_takes_over(switchboard: Switchboard, engine: RecordingEngine) -> None:
    for user in (ANN, BOB):
        switchboard.attach(user, PEERS[user])
    switchboard.pair(ANN, BOB)
    switchboard.attach(ANN, PeerId(9))
    assert engine.watches() == {(PeerId(9), PEERS[BOB]), (PEERS[BOB], PeerId(9))}


def test_parting_stops_both_directions_and_is_idempotent(switchboard: Switchboard, engine: RecordingEngine) -> None:
    for user in (ANN, BOB):
        switchboard.attach(user, PEERS[user])
    switchboard.pair(ANN, BOB)
    switchboard.part(BOB)
    switchboard.part(BOB)
    switchboard.part(ANN)
    assert engine.table == {}


def test_a_person_has_one_partner_at_a_time(switchboard: Switchboard, engine: RecordingEngine) -> None:
    for user in (ANN, BOB, EVE):
        switchboard.attach(user, PEERS[user])
    switchboard.pair(ANN, BOB)
    switchboard.pair(ANN, EVE)
    assert engine.watches() == both(ANN, EVE)


def test_a_lost_connection_stops_media_but_not_the_pair(switchboard: Switchboard, engine: RecordingEngine) -> None:
    for user in (ANN, BOB):
        switchboard.attach(user, PEERS[user])
    switchboard.pair(ANN, BOB)
    switchboard.detach(ANN)
    assert engine.table == {}
    switchboard.attach(ANN, PEERS[ANN])
    assert engine.watches() == both(ANN, BOB)
