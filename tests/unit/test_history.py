"""The last hour, as the console draws it."""

from dataclasses import replace

import pytest

from relay.figures.figures import Figures
from relay.figures.history import INTERVAL, KEPT, History, Reading, between
from relay.machine.pulse import Pulse
from relay.media.engine import EngineStats, LossRecovery
from relay.observe.tally import Tally
from relay.store.store import StoreFigures

FIGURES = Figures(
    version="1",
    engine="packets",
    ready=True,
    people=10,
    capacity=20,
    waiting=2,
    rooms=3,
    talking=6,
    bound="setting",
    certificate_ends=None,
    used=0.5,
    shares={},
    media_connections=9,
    web_connections=12,
    held_back=0,
    paths={},
    media=EngineStats(bytes_received=1_000, bytes_sent=2_000, drops={"socket_overflow": 5, "padding": 100}),
    store=StoreFigures(),
)
READING = Reading(
    at=1_000.0,
    figures=FIGURES,
    arrivals=7,
    matches=3,
    failures=1,
    setups=4,
    setup_seconds=1.0,
    reported_seconds=100.0,
    frozen_seconds=1.0,
    cpu=50.0,
    media_cpu={"media-0": 20.0, "media-1": 20.0},
    cores=2.0,
    lag=0.25,
    memory=123,
)


def later(**changes: object) -> Reading:
    return replace(READING, at=1_005.0, **changes)  # type: ignore[arg-type]


def test_counters_become_rates() -> None:
    drops = {"socket_overflow": 15, "padding": 900}
    figures = replace(FIGURES, media=EngineStats(bytes_received=6_000, bytes_sent=12_000, drops=drops))
    sample = between(READING, later(figures=figures, arrivals=8, matches=5, failures=2))
    assert (sample.received, sample.sent) == (8_000, 16_000)
    assert (sample.arrivals, sample.matches, sample.failures) == (12, 24, 12)
    assert sample.lost == 2, "padding is not lost"


def test_what_is_now_is_taken_as_it_is() -> None:
    sample = between(READING, later())
    assert (sample.people, sample.waiting, sample.talking) == (10, 2, 6)
    assert (sample.lag, sample.memory) == (0.25, 123)


def test_cpu_is_a_share_of_what_may_be_used() -> None:
    sample = between(READING, later(cpu=55.0, media_cpu={"media-0": 21.0, "media-1": 24.0}))
    assert sample.cpu == 0.5
    assert sample.media_cpu == 0.8, "the busiest thread"


def test_the_time_of_set_ups_is_that_of_the_new_ones() -> None:
    assert between(READING, later(setups=6, setup_seconds=2.0)).setup == 0.5
    assert between(READING, later()).setup is None


def test_loss_is_of_the_packets_that_came_due_and_frozen_time_of_what_was_reported() -> None:
    lossy = EngineStats(from_peers=LossRecovery(expected=1_000, lost=50), to_peers=LossRecovery(expected=0, lost=0))
    figures = replace(FIGURES, media=lossy)
    sample = between(READING, later(figures=figures, reported_seconds=140.0, frozen_seconds=3.0))
    assert (sample.loss_in, sample.loss_out, sample.frozen) == (0.05, None, 0.05)
    assert between(READING, later()).frozen is None


def test_what_is_told_has_as_many_places_as_are_of_use() -> None:
    """And is rounded, not cut off."""
    seven = INTERVAL + 2
    figures = replace(
        FIGURES,
        media=EngineStats(
            bytes_received=1_009,
            bytes_sent=2_005,
            drops={"socket_overflow": 10},
            from_peers=LossRecovery(expected=3, lost=2),
            to_peers=LossRecovery(expected=6, lost=1),
        ),
    )
    after = replace(
        READING,
        at=READING.at + seven + 0.00049,
        figures=figures,
        arrivals=9,
        matches=4,
        failures=5,
        setups=7,
        setup_seconds=3.0,
        reported_seconds=103.0,
        frozen_seconds=3.0,
        cpu=51.0,
        media_cpu={"media-0": 20.5},
        lag=0.123_46,
    )
    sample = between(READING, after)
    assert sample.at == 1_007.0
    assert (sample.received, sample.sent) == (10, 6)
    assert (sample.arrivals, sample.matches, sample.failures) == (17.14, 8.57, 34.28)
    assert (sample.cpu, sample.media_cpu, sample.lag) == (0.0714, 0.0714, 0.1235)
    assert (sample.lost, sample.setup) == (0.71, 0.667)
    assert (sample.loss_in, sample.loss_out, sample.frozen) == (0.6667, 0.1667, 0.6667)


def test_no_share_is_below_nothing_or_above_all() -> None:
    """Packets that were taken for lost come late after all, and reports overlap."""
    before = replace(READING, figures=replace(FIGURES, media=EngineStats(from_peers=LossRecovery(expected=10, lost=5))))
    late = replace(FIGURES, media=EngineStats(from_peers=LossRecovery(expected=20, lost=4)))
    sample = between(before, later(figures=late, reported_seconds=101.0, frozen_seconds=3.0))
    assert (sample.loss_in, sample.frozen) == (0.0, 1.0)


class TestHistory:
    @pytest.fixture
    def history(self) -> History:
        report = lambda task, failure: None  # noqa: E731
        return History(figures=lambda: FIGURES, tally=Tally(), pulse=Pulse(report), report=report)

    def test_it_keeps_an_hour_and_no_more(self, history: History) -> None:
        for number in range(KEPT + 100):
            history.take(replace(READING, at=number * INTERVAL))
        samples = history.since(0)
        assert len(samples) == KEPT
        assert samples[-1].at - samples[0].at == pytest.approx(3_600, abs=INTERVAL)

    def test_only_what_is_new_is_told(self, history: History) -> None:
        for number in range(5):
            history.take(replace(READING, at=number * INTERVAL))
        assert [sample.at for sample in history.since(10.0)] == [15.0, 20.0]

    def test_a_clock_that_was_set_back_starts_anew(self, history: History) -> None:
        for at in (100.0, 105.0, 50.0, 55.0):
            history.take(replace(READING, at=at))
        assert [sample.at for sample in history.since(0)] == [55.0]
