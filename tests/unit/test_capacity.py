"""What is short decides, and nothing that passes at once."""

import resource

import pytest

from relay.config.settings import CapacitySettings, Settings
from relay.machine.capacity import (
    PACKETS_PER_THREAD,
    Capacity,
    Counters,
    Limits,
    Load,
    limits_of,
    most_cache,
    most_connections,
    most_people,
    shares,
    threads_of,
)
from relay.machine.process import memory_limit
from relay.machine.pulse import Pulse

LIMITS = Limits(people=10, packets=1_000.0, cpu=0.8, lag=0.2, cache=1_000, memory=1_000)
NOTHING = Load(people=0, packets=0.0, cpu=0.0, lag=0.0, cache=0)


def _fail(task: str, failure: BaseException) -> None:
    raise AssertionError(task) from failure


def capacity(people: int = 0) -> Capacity:
    return Capacity(
        limits=LIMITS,
        present=lambda: people,
        counters=lambda: Counters(packets=0, cache=0),
        pulse=Pulse(_fail),
        report=_fail,
    )


@pytest.mark.parametrize("short", Load._fields)
def test_the_scarcest_resource_is_the_figure(short: str) -> None:
    half = NOTHING._replace(**{name: limit / 2 for name, limit in LIMITS._asdict().items()})
    load = half._replace(**{short: getattr(LIMITS, short) * 0.75})
    found = shares(load, LIMITS)
    assert found.pop(short) == pytest.approx(0.75)
    assert set(found.values()) == {0.5}


def test_the_last_place_is_taken_at_once() -> None:
    assert capacity(9).used == 0.9
    assert not capacity(9).is_full
    assert capacity(10).is_full


@pytest.mark.parametrize(("people", "packets"), [(0, 0), (LIMITS.people // 2, 0), (1, int(LIMITS.packets))])
def test_what_decides_who_may_come_is_the_largest_of_the_shares_that_are_shown(people: int, packets: int) -> None:
    measured = capacity(people)
    for _ in range(3):
        measured.take(NOTHING._replace(packets=float(packets)))
        assert measured.used == max(measured.shares().values()) > (0 if people or packets else -1)


def test_a_moment_of_load_refuses_nobody_but_lasting_load_does() -> None:
    of = capacity()
    busy = NOTHING._replace(cpu=1.0)
    of.take(busy)
    assert not of.is_full
    for _ in range(10):
        of.take(busy)
    assert of.used >= 1
    for _ in range(10):
        of.take(NOTHING)
    assert of.used < 0.1


def test_a_loop_that_is_late_now_and_then_is_not_late() -> None:
    pulse = Pulse(_fail)
    for beat in range(50):
        pulse.beat(2.0 if beat % 3 == 0 else 0.001)
    assert pulse.median_within(5) == 0.001
    for _ in range(30):
        pulse.beat(0.5)
    assert pulse.median_within(5) == 0.5


def test_limits_are_those_of_the_settings_or_found_on_the_machine() -> None:
    settings = Settings.of(max_people=7, max_packets=8, max_cpu=0.5, max_lag=0.1, max_cache=100)
    assert limits_of(settings.capacity, threads_of(settings.media))[:5] == (7, 8, 0.5, 0.1, 90)
    found = limits_of(CapacitySettings(), 1)
    assert found.people == most_people(1) >= 2
    assert min(found) > 0
    assert (most_cache(settings.capacity), most_cache(CapacitySettings())) == (100, memory_limit() // 4)


@pytest.mark.parametrize(("cores", "threads"), [(0.5, 1), (1.0, 1), (2.0, 1), (3.9, 2), (8.0, 7), (256.0, 64)])
def test_media_has_all_cores_but_one_if_it_is_to_have_what_is_there(
    monkeypatch: pytest.MonkeyPatch, cores: float, threads: int
) -> None:
    monkeypatch.setattr("relay.machine.capacity.process.cpu_limit", lambda: cores)
    assert threads_of(Settings.of(media_threads="auto").media) == threads
    assert threads_of(Settings.of(media_threads=3).media) == 3


@pytest.mark.parametrize(("name", "cores", "memory"), [("cores", 1.0, 2**40), ("memory", 64.0, 512 * 2**20)])
def test_the_machine_is_what_bounds_people(
    monkeypatch: pytest.MonkeyPatch, name: str, cores: float, memory: int
) -> None:
    monkeypatch.setattr("relay.machine.capacity.process.cpu_limit", lambda: cores)
    monkeypatch.setattr("relay.machine.capacity.process.memory_limit", lambda: memory)
    monkeypatch.setattr("relay.machine.capacity._BUFFERS", {})
    few = most_people(64)
    monkeypatch.setattr("relay.machine.capacity.process.cpu_limit", lambda: 2 * cores)
    monkeypatch.setattr("relay.machine.capacity.process.memory_limit", lambda: 2 * memory)
    assert most_people(64) == 2 * few


@pytest.mark.parametrize(
    ("descriptors", "memory", "most"),
    [
        (1_000, 2**40, 500),
        (1_000_000, 4 * 96 * 1024 * 300, 300),
        (resource.RLIM_INFINITY, 4 * 96 * 1024 * 700, 700),
    ],
)
def test_connections_may_have_half_of_the_descriptors_and_a_quarter_of_the_memory(
    monkeypatch: pytest.MonkeyPatch, descriptors: int, memory: int, most: int
) -> None:
    monkeypatch.setattr("relay.machine.capacity.process.memory_limit", lambda: memory)
    monkeypatch.setattr(resource, "getrlimit", lambda _: (16, descriptors))
    assert most_connections() == most


def test_packets_are_limited_by_how_many_threads_take_them() -> None:
    one, three = (limits_of(CapacitySettings(), threads).packets for threads in (1, 3))
    assert (one, three) == (PACKETS_PER_THREAD, 3 * PACKETS_PER_THREAD)
