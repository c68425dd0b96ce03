import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.ids import UserId
from relay.matchmaking.queue import WaitingQueue

ANN, BOB, EVE = UserId("ann"), UserId("bob"), UserId("eve")


def test_the_first_to_come_waits_and_the_second_gets_them() -> None:
    queue = WaitingQueue()
    assert queue.match_or_wait(ANN, 0.0) is None
    assert ANN in queue
    assert queue.match_or_wait(BOB, 1.0) == ANN
    assert len(queue) == 0


def test_who_withdrew_is_not_matched() -> None:
    queue = WaitingQueue()
    queue.match_or_wait(ANN, 0.0)
    assert queue.withdraw(ANN)
    assert not queue.withdraw(ANN)
    assert queue.match_or_wait(BOB, 1.0) is None


def test_nobody_waits_twice() -> None:
    queue = WaitingQueue()
    queue.match_or_wait(ANN, 0.0)
    with pytest.raises(ValueError, match="once"):
        queue.match_or_wait(ANN, 1.0)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), max_size=60))
def test_nobody_is_lost_or_matched_with_someone_who_does_not_wait(steps: list[tuple[bool, int]]) -> None:
    queue, waiting = WaitingQueue(), list[UserId]()
    for comes, number in steps:
        user = UserId(str(number))
        if not comes:
            assert queue.withdraw(user) == (user in waiting)
            waiting = [other for other in waiting if other != user]
        elif user not in waiting:
            partner = queue.match_or_wait(user, 0.0)
            assert partner == (waiting[0] if waiting else None)
            waiting = waiting[1:] if waiting else [user]
        assert len(queue) == len(waiting)
