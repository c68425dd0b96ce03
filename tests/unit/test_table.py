"""Places that strangers share: who goes for whom."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.ledger.addresses import Group, groups_of
from relay.ledger.table import Table, Takes
from tests.kit.payers import groups

MOST = 100


def crowded(takes: Takes, crowd: int) -> Table[tuple[int, int]]:
    """A table that so many addresses fill, in turns. An item is an address's number and its own."""
    table: Table[tuple[int, int]] = Table(MOST, takes)
    for number in range(3 * MOST):
        table.enter((number % crowd, number), groups(number % crowd))
    assert len(table) == MOST
    return table


@pytest.mark.parametrize("takes", Takes)
@pytest.mark.parametrize("crowd", [1, 2, 50])
def test_a_newcomer_is_served_at_once_no_matter_who_fills_the_table(takes: Takes, crowd: int) -> None:
    table = crowded(takes, crowd)
    taken = table.enter((1_000, 0), groups(1_000))
    assert taken is not None
    assert taken[0] < crowd
    assert (1_000, 0) in table
    assert len(table) == MOST


@pytest.mark.parametrize("takes", Takes)
def test_where_there_are_no_places_nobody_gets_one(takes: Takes) -> None:
    table: Table[str] = Table(0, takes)
    assert table.enter("a", groups(1)) == "a"
    assert table.enter("a", groups(1)) == "a"
    assert list(table) == []


def test_what_is_on_stays_and_the_newest_goes() -> None:
    table: Table[str] = Table(3, Takes.NEWEST)
    for name in "abc":
        table.enter(name, groups(1))
    assert table.enter("d", groups(2)) == "c"
    assert list(table) == ["a", "b", "d"]


def test_what_has_had_most_time_to_prove_itself_goes_first() -> None:
    table: Table[str] = Table(3, Takes.OLDEST)
    for name in "abc":
        table.enter(name, groups(1))
    assert table.enter("d", groups(2)) == "a"


@pytest.mark.parametrize(("takes", "goes"), [(Takes.NEWEST, "c"), (Takes.OLDEST, "a")])
def test_where_nobody_holds_more_than_a_newcomer_would(takes: Takes, goes: str) -> None:
    table: Table[str] = Table(2, takes)
    table.enter("a", groups(1))
    table.enter("b", groups(2))
    assert table.enter("c", groups(3)) == goes


def test_who_holds_most_can_not_take_from_those_who_hold_less() -> None:
    table: Table[str] = Table(3, Takes.OLDEST)
    table.enter("honest", groups(1))
    for name in ("a", "b"):
        table.enter(name, groups(2))
    assert table.enter("c", groups(2)) == "a"
    assert "honest" in table


def test_who_would_come_to_hold_as_much_as_the_crowd_takes_from_the_crowd() -> None:
    table: Table[str] = Table(5, Takes.OLDEST)
    table.enter("honest", groups(1))
    for name, number in (("a", 2), ("b", 2), ("c", 3), ("d", 2)):
        table.enter(name, groups(number))
    assert table.enter("e", groups(3)) == "a"
    assert "honest" in table


def test_one_address_has_so_many_and_no_more() -> None:
    table: Table[str] = Table(10, Takes.NEWEST, most_each=2)
    assert [table.enter(name, groups(1)) for name in "abc"] == [None, None, "c"]
    assert table.is_crowded(groups(1))
    table.leave("a")
    assert table.enter("c", groups(1)) is None


def test_at_one_address_what_matters_less_makes_room_for_what_matters_more() -> None:
    ranks = {"idle": 0, "talking": 2, "newcomer": 1, "another": 1}
    table: Table[str] = Table(10, Takes.NEWEST, most_each=2, rank=ranks.__getitem__)
    table.enter("talking", groups(1))
    table.enter("idle", groups(1))
    assert table.enter("newcomer", groups(1)) == "idle"
    assert table.enter("another", groups(1)) == "another"


def test_a_full_table_takes_from_the_one_who_holds_most_though_what_they_hold_matters() -> None:
    table: Table[str] = Table(2, Takes.NEWEST, rank=lambda name: 2 if name.startswith("talking") else 0)
    table.enter("talking 1", groups(1))
    table.enter("talking 2", groups(1))
    assert table.enter("idle", groups(2)) == "talking 2"


def test_a_customers_subnets_hold_places_together() -> None:
    table: Table[int] = Table(40, Takes.NEWEST)
    for number in range(40):
        # One /48: forty subnets of /64, each in a /56 of its own.
        table.enter(number, groups_of(f"2001:db8:0:{number:x}00::1"))
    # A /48 may have sixteen times as much as one subscriber, and forty is more.
    assert table.enter(100, groups_of("2001:db8:1::1")) is not None
    assert 100 in table


def test_it_can_be_full_for_other_reasons() -> None:
    table: Table[str] = Table(10, Takes.NEWEST)
    assert table.enter("a", groups(1), full=True) == "a"
    table.enter("a", groups(1))
    table.enter("b", groups(1))
    assert table.enter("c", groups(2), full=True) == "b"


def test_addresses_are_grouped_as_they_are_given_out() -> None:
    assert groups_of("192.0.2.1") == groups_of("::ffff:192.0.2.1") == (Group("192.0.2.1", 1),)
    assert groups_of("2001:db8:1:2ff:3::4") == (
        Group("2001:db8:1:2ff::/64", 1),
        Group("2001:db8:1:200::/56", 4),
        Group("2001:db8:1::/48", 16),
    )


@given(
    st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=200),
    st.sampled_from(Takes),
    st.integers(0, 8),
    st.integers(1, 4),
)
def test_the_books_are_right_whatever_happens(
    steps: list[tuple[int, bool]], takes: Takes, most: int, each: int
) -> None:
    table: Table[int] = Table(most, takes, most_each=each)
    held: dict[int, int] = {}
    for item, (address, comes) in enumerate(steps):
        if comes:
            taken = table.enter(item, groups(address))
            if taken != item:
                held[item] = address
            if taken is not None:
                held.pop(taken, None)
        elif held:
            gone = next(iter(held))
            del held[gone]
            table.leave(gone)
            table.leave(gone)
        assert sorted(table) == sorted(held)
        assert len(table) <= most
        for address in range(6):
            assert table.held_by(groups(address)) == list(held.values()).count(address) <= each
