"""The garbage collector looks at everything only when that is short, or needed; memory goes back when all have left."""

import gc
from collections.abc import AsyncIterator

import pytest
import structlog

from relay import clock
from relay.machine import collection as module
from relay.machine.collection import FEW, FEW_INTERVAL, NEVER, QUIET, SHORT, SHORT_INTERVAL, Collection, give_back
from relay.machine.process import resident_bytes
from tests.kit.people import until


@pytest.fixture
def collection() -> Collection:
    return Collection(lambda: 0, lambda task, failure: None)


@pytest.fixture
async def started(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Collection]:
    monkeypatch.setattr(module, "INTERVAL", 0.01)
    collection.start()
    yield collection
    await collection.close()


def looks(*people: int) -> list[int]:
    """At which looks memory is given back."""
    collection = Collection(lambda: 0, lambda task, failure: None)
    return [look for look, number in enumerate(people) if collection.have_all_left(number)]


def test_memory_is_given_back_once_each_time_that_everybody_has_left() -> None:
    nobody = (0,) * QUIET
    assert looks(*nobody, *nobody) == []
    assert looks(7, *nobody, *nobody, *nobody) == [QUIET]
    assert looks(2, *nobody, 1, *nobody) == [QUIET, 2 * QUIET + 1]


def test_who_comes_and_goes_costs_nothing() -> None:
    assert looks(*(1, *(0,) * (QUIET - 1)) * 20) == []


def test_pages_are_returned() -> None:
    blocks = [bytearray(64 * 1024) for _ in range(1_000)]
    # Every other one stays: the heap can't shrink from its end.
    del blocks[::2]
    before = resident_bytes()
    give_back()
    assert resident_bytes() < before - 20_000_000


def test_everything_is_looked_at_now_and_then_while_few_are_there(collection: Collection) -> None:
    now = clock.monotonic()
    assert not collection.is_due(FEW, 0.1, now + FEW_INTERVAL / 2)
    assert collection.is_due(FEW, 0.1, now + FEW_INTERVAL + 1)


def test_with_many_nothing_but_a_lack_of_memory_is_worth_the_pause(collection: Collection) -> None:
    now = clock.monotonic()
    assert not collection.is_due(FEW + 1, 0.1, now + 1_000_000)
    assert not collection.is_due(FEW + 1, SHORT, now + SHORT_INTERVAL / 2)
    assert collection.is_due(FEW + 1, SHORT, now + SHORT_INTERVAL + 1)


async def test_python_does_not_look_at_everything_by_itself_while_the_server_runs(collection: Collection) -> None:
    before = gc.get_threshold()
    collection.start()
    assert gc.get_threshold()[2] == NEVER
    await collection.close()
    await collection.close()
    assert gc.get_threshold() == before


async def test_what_nobody_foresaw_is_collected(started: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FEW_INTERVAL", 0.0)
    before = gc.get_stats()[2]["collections"]
    await until(lambda: gc.get_stats()[2]["collections"] > before)


async def test_pauses_are_told(started: Collection) -> None:
    before = started.pauses.count
    gc.collect()
    assert started.pauses.count == before + 1
    assert 0 < started.worst < 10
    worst = started.worst
    await until(lambda: started._longest == 0.0)
    assert started.worst >= worst, "of the last minute, and not of the last look"


async def test_a_lack_of_memory_is_told_with_what_was_found(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "INTERVAL", 0.01)
    monkeypatch.setattr(module, "FEW", -1)
    monkeypatch.setattr(module, "SHORT", 0.0)
    monkeypatch.setattr(module, "SHORT_INTERVAL", 0.0)
    cycle: list[object] = []
    cycle.append(cycle)
    del cycle
    with structlog.testing.capture_logs() as lines:
        collection.start()
        await until(lambda: bool(lines))
        await collection.close()
    assert (lines[0]["event"], lines[0]["log_level"]) == ("memory_short", "warning")
    assert lines[0]["collected"] >= 1
