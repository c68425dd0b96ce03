"""Which media threads hang."""

from relay.transport.watch import HANGS_AFTER, Watch


def test_a_thread_that_takes_no_turns_hangs() -> None:
    watch = Watch()
    assert watch.look([("one", 0), ("other", 0)]) == []
    for look in range(1, HANGS_AFTER):
        assert watch.look([("one", 7), ("other", look)]) == []
    assert watch.look([("one", 7), ("other", HANGS_AFTER)]) == []
    assert watch.look([("one", 7), ("other", HANGS_AFTER + 1)]) == ["one"]


def test_a_thread_that_only_hesitates_does_not_hang() -> None:
    watch = Watch()
    for turn in range(3):
        for _ in range(HANGS_AFTER):
            assert watch.look([("one", turn)]) == []
    assert watch.look([("one", 3)]) == []


def test_however_long_nobody_looked_it_is_one_look() -> None:
    """The process was stopped meanwhile: the threads have not run, but they were not seen not to, either."""
    watch = Watch()
    for _ in range(HANGS_AFTER):
        assert watch.look([("one", 7)]) == []
    assert watch.look([("one", 8)]) == []
