"""Short ones of what takes long: churn (`make soak`), overload (`make overload`), an upgrade (`make upgrade-drill`)."""

import shutil

import pytest

from tests.bench.overload import overload
from tests.bench.soak import soak
from tests.bench.upgrade import drill
from tests.kit import generator

pytestmark = [
    pytest.mark.alone,
    pytest.mark.skipif(shutil.which("cargo") is None, reason="the generator is built with cargo"),
]

PAIRINGS, PEOPLE = 500, 120


async def test_five_hundred_pairs_leave_nothing_behind() -> None:
    generator.build()
    result = await soak(PAIRINGS, PEOPLE, seed=7, patience=4)
    # Memory needs a longer run to come to rest.
    assert [fault for fault in result.faults() if fault != "memory has grown"] == []
    first, second = result.reports
    assert first.pairings + second.pairings >= PAIRINGS
    assert min(second.chat_read, second.resumed, second.restarted) > 0


async def test_after_an_upgrade_everybody_talks_again_within_five_seconds() -> None:
    _, since_up = await drill(20)
    assert since_up < 5


async def test_past_capacity_those_inside_lose_nothing_and_newcomers_are_refused_at_once() -> None:
    generator.build()
    result = await overload(people=16, seconds=4)
    assert result.admitted == 0
    assert len(result.refusals) > 20
    # The typical one: a busy machine may hold up any single one.
    assert result.refusals[len(result.refusals) // 2] < 0.1
    assert result.report.loss is not None
    assert result.report.loss < 0.001
    assert result.report.failures == {}
