"""What is made of what happened."""

import pytest

from relay.ids import PeerId, RoomId, UserId
from relay.observe.browsers import UNKNOWN, Browser
from relay.observe.happenings import (
    Happening,
    Matched,
    MediaConnected,
    MediaFailed,
    RoomEnded,
    RoomOpened,
    SessionClosed,
    SessionLost,
    SessionOpened,
)
from relay.store.chronicle import HOUR, Chronicle
from relay.store.facts import Fact, RoomFact, SessionFact, SumFact

ANN, BOB, ROOM = UserId("ann"), UserId("bob"), RoomId("room")
START = 100 * HOUR


class Written:
    """A chronicle whose clock is set by hand, and what it noted."""

    def __init__(self) -> None:
        self.now = float(START)
        self.facts: list[Fact] = []
        self.chronicle = Chronicle(self.facts.append, lambda: self.now)

    def note(self, *happenings: Happening) -> None:
        for happening in happenings:
            assert self.chronicle.reads(type(happening))
            self.chronicle.note(happening)

    def sums(self) -> dict[tuple[int, str], float]:
        """Those that were noted, the later ones in the place of the earlier."""
        return {(fact.hour // HOUR, fact.name): fact.value for fact in self.facts if isinstance(fact, SumFact)}


@pytest.fixture
def written() -> Written:
    return Written()


def comes(user: UserId) -> SessionOpened:
    return SessionOpened(user=user, source="198.51.100.7", browser=Browser("firefox", 140))


def connected(user: UserId) -> MediaConnected:
    return MediaConnected(user=user, peer=PeerId(1), path="tcp", seconds=0.3, browser=UNKNOWN)


def test_a_visit_and_a_conversation_are_written_when_they_have_ended(written: Written) -> None:
    written.note(comes(ANN), comes(BOB), connected(BOB))
    written.now += 10
    written.note(RoomOpened(room=ROOM, mode="video", users=(ANN, BOB)))
    written.now += 60
    assert written.facts == []
    written.note(SessionClosed(user=ANN, reason="disconnected"))
    written.note(RoomEnded(room=ROOM, reason="disconnected", seconds=60.0, users=(ANN, BOB), by=ANN))
    written.note(SessionClosed(user=BOB, reason="left"))
    ann, room, bob = written.facts
    assert isinstance(ann, SessionFact)
    assert isinstance(bob, SessionFact)
    assert isinstance(room, RoomFact)
    assert ann == SessionFact(
        key=ann.key,
        started_at=START,
        ended_at=START + 70,
        reason="disconnected",
        browser="firefox",
        path=None,
        rooms=1,
    )
    assert (bob.path, bob.reason) == ("tcp", "left")
    times = (room.opened_at, room.ended_at)
    assert (times, room.mode, room.reason) == ((START + 10, START + 70), "video", "disconnected")
    assert room.sessions == (ann.key, bob.key)


def test_no_fact_holds_an_address_or_a_name_that_a_page_sees(written: Written) -> None:
    written.note(comes(ANN), comes(BOB), RoomOpened(room=ROOM, mode="text", users=(ANN, BOB)))
    written.note(RoomEnded(room=ROOM, reason="next", seconds=1.0, users=(ANN, BOB), by=ANN))
    written.note(SessionClosed(user=ANN, reason="left"))
    told = repr(written.facts)
    assert "key" in told
    for private in ("ann", "bob", "'room'", "198.51.100.7"):
        assert private not in told


def test_the_sums_of_an_hour_grow_until_it_is_over(written: Written) -> None:
    written.note(comes(ANN), comes(BOB), Matched(waited=(1.5, 2.5)), connected(ANN))
    failed = MediaFailed(user=BOB, peer=PeerId(2), reason="no_check", path="udp", browser=UNKNOWN, was_connected=False)
    written.note(failed)
    written.chronicle.sum_up()
    now = START // HOUR
    assert written.sums() == {
        (now, "sessions"): 2,
        (now, "waits"): 2,
        (now, "waited_seconds"): 4.0,
        (now, "media_connected"): 1,
        (now, "media_failed"): 1,
    }
    count = len(written.facts)
    written.chronicle.sum_up()
    assert len(written.facts) == count, "what did not change is not written again"
    written.note(comes(UserId("cid")))
    written.now += HOUR
    written.note(comes(UserId("dan")))
    written.chronicle.sum_up()
    assert written.sums()[now, "sessions"] == 3
    assert written.sums()[now + 1, "sessions"] == 1


def test_a_connection_that_broke_was_no_failure_to_come_about(written: Written) -> None:
    lost = MediaFailed(
        user=ANN, peer=PeerId(2), reason="consent_expired", path="udp", browser=UNKNOWN, was_connected=True
    )
    written.note(lost)
    written.chronicle.sum_up()
    assert written.facts == []


def test_nothing_is_kept_of_what_has_ended_and_what_it_does_not_know_is_no_matter(written: Written) -> None:
    written.note(SessionClosed(user=ANN, reason="left"))
    written.note(RoomEnded(room=ROOM, reason="next", seconds=1.0, users=(ANN, BOB), by=ANN))
    written.note(comes(ANN), RoomOpened(room=ROOM, mode="text", users=(ANN, BOB)))
    written.note(RoomEnded(room=ROOM, reason="next", seconds=1.0, users=(ANN, BOB), by=ANN))
    written.note(SessionClosed(user=ANN, reason="left"))
    room, visit = written.facts
    assert isinstance(room, RoomFact)
    assert isinstance(visit, SessionFact)
    assert room.sessions == (visit.key,)
    assert not written.chronicle._visits
    assert not written.chronicle._conversations
    assert not written.chronicle.reads(SessionLost)
