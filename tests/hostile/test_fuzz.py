"""A moment of each fuzz target, the same every time, and everything that was ever found."""

from collections.abc import Iterator

import pytest

from tests.hostile.fuzz import FRAMES, TARGETS, run, saved


@pytest.fixture(autouse=True)
def nobody_stays() -> Iterator[None]:
    """Other tests count who is there."""
    yield
    FRAMES.close()


@pytest.mark.parametrize("name", TARGETS)
def test_no_mutation_breaks_a_parser_or_keeps_it_busy(name: str) -> None:
    assert run(name, seed=1, inputs=400) == 400


@pytest.mark.parametrize("name", TARGETS)
def test_what_once_broke_a_parser_does_not_any_more(name: str) -> None:
    target, seeds = TARGETS[name]
    for content in (*seeds, *saved(name)):
        target(content)
