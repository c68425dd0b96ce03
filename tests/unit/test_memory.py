"""Memory goes back to the system when everybody has left, and not while somebody might notice."""

from relay.machine.memory import QUIET, Memory, give_back
from relay.machine.process import resident_bytes


def looks(*people: int) -> list[int]:
    """At which looks something is given back."""
    memory = Memory(lambda: 0, lambda task, failure: None)
    return [look for look, number in enumerate(people) if memory.is_time(number)]


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
