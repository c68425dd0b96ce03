from hypothesis import given
from hypothesis import strategies as st

from relay.media.frames.timeline import Timeline

RATE = 90_000


def test_a_source_keeps_its_own_distances() -> None:
    timeline = Timeline(RATE)
    start = timeline.place(1_000_000, 0.0)
    assert timeline.place(1_003_000, 0.05) - start == 3_000
    assert timeline.place(1_009_000, 0.06) - start == 9_000


def test_a_new_source_continues_by_the_wall_clock() -> None:
    timeline = Timeline(RATE)
    before = timeline.place(4_000_000_000, 10.0)
    timeline.cut()
    after = timeline.place(17, 10.5)
    assert after - before == RATE // 2
    assert timeline.place(3_017, 10.53) - after == 3_000


def test_a_switch_within_one_instant_still_moves_forward() -> None:
    timeline = Timeline(RATE)
    before = timeline.place(5, 1.0)
    timeline.cut()
    assert timeline.place(5, 1.0) == before + 1


def test_a_wrap_of_the_source_is_not_a_jump() -> None:
    timeline = Timeline(RATE)
    before = timeline.place(0xFFFF_FFFF - 999, 0.0)
    assert timeline.place(2_000, 0.03) - before == 3_000


def test_a_jump_counts_as_a_new_source() -> None:
    timeline = Timeline(RATE)
    before = timeline.place(0, 0.0)
    assert timeline.place(2_000_000_000, 0.1) - before == RATE // 10


@given(st.lists(st.tuples(st.integers(0, 0xFFFF_FFFF), st.floats(0, 5), st.booleans()), max_size=50))
def test_time_only_moves_forward(steps: list[tuple[int, float, bool]]) -> None:
    timeline, now, last = Timeline(RATE), 0.0, -1
    for timestamp, wait, cut in steps:
        now += wait
        if cut:
            timeline.cut()
        placed = timeline.place(timestamp, now)
        assert placed > last
        last = placed
