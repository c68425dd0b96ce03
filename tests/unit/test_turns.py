"""Who goes on when an address has spent what it has."""

import asyncio
import functools
import itertools
import math
from collections.abc import Iterator

import pytest

from relay import clock
from relay.ledger.accounts import OWN_BURST, PURSE_BURST, SLICE, Account, Ledger, Payer
from relay.ledger.addresses import Networks
from relay.ledger.turns import LOOKED_AT, Turns

STEP = 0.004
"""Seconds of CPU."""


@pytest.fixture
def turns() -> Iterator[Turns]:
    made = Turns()
    yield made
    made.close()


def ledger() -> Ledger:
    return Ledger({}, 0.25, Networks(()))


def spent(*hosts: str) -> list[Payer]:
    """Addresses that have nothing left, like everybody's purse."""
    of, now = ledger(), clock.monotonic()
    payers = [of.visitor(host, now) for host in hosts]
    for payer in payers:
        payer.charge(now, OWN_BURST + PURSE_BURST + 0.05)
    return payers


async def all_gone_on(turns: Turns, payer: Payer) -> None:
    """What is asked last goes last."""
    async with asyncio.timeout(10):
        await turns.wait(payer)


async def test_who_has_something_left_does_not_wait(turns: Turns) -> None:
    gone: list[str] = []
    payer = ledger().visitor("192.0.2.1", clock.monotonic())
    assert turns.ask(payer, lambda: gone.append("at once")) is None
    assert gone == ["at once"]


async def test_addresses_take_turns_however_much_one_of_them_wants(turns: Turns) -> None:
    crowd, modest = spent("192.0.2.1", "192.0.2.2")
    gone: list[str] = []

    def step(payer: Payer) -> None:
        gone.append(payer.host)
        payer.charge(clock.monotonic(), STEP)

    for _ in range(20):
        turns.ask(crowd, lambda: step(crowd))
    for _ in range(3):
        turns.ask(modest, lambda: step(modest))
    assert gone == []
    await all_gone_on(turns, crowd)
    assert gone[:6].count("192.0.2.2") == 3
    assert len(gone) == 23


@pytest.fixture
def restless(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that takes our time away looks like rest: here nothing does."""
    monkeypatch.setattr("relay.ledger.turns.REST", math.inf)


@pytest.mark.usefixtures("restless")
async def test_who_comes_new_goes_before_all_who_have_spent_much(turns: Turns) -> None:
    of, now = ledger(), clock.monotonic()
    many, new = [of.visitor(f"192.0.2.{number}", now) for number in range(50)], of.visitor("198.51.100.1", now)
    gone: list[str] = []

    def work(payer: Payer) -> None:
        gone.append(payer.host)
        began = clock.cpu()
        while clock.cpu() - began < SLICE:
            pass
        # More than comes back while the test runs, however slow the machine.
        payer.charge(clock.monotonic(), 5 * SLICE)

    # A round begins: making so many people may have taken all of the first one.
    turns._look()
    # All can pay from their own; each has ten pieces of work.
    for payer in many * 10:
        turns.ask(payer, functools.partial(work, payer))
    assert len(gone) == 1, "the others wait for the next round"
    async with asyncio.timeout(10):
        while len(gone) < len(many):  # noqa: ASYNC110 - rounds of the loop are what is counted
            await asyncio.sleep(0)
        before = len(gone)
        turns.ask(new, lambda: work(new))
        while new.host not in gone:  # noqa: ASYNC110
            await asyncio.sleep(0)
    assert len(gone) - before <= 2


@pytest.mark.usefixtures("restless")
async def test_one_piece_of_work_in_a_round_once_it_has_taken_long(turns: Turns) -> None:
    of, now = ledger(), clock.monotonic()
    payers = [of.visitor(f"192.0.2.{number}", now) for number in range(20)]
    gone, seen = [], []

    def work(payer: Payer) -> None:
        gone.append(payer.host)
        began = clock.cpu()
        while clock.cpu() - began < 2 * SLICE:
            pass

    for payer in payers:
        turns.ask(payer, functools.partial(work, payer))
    async with asyncio.timeout(10):
        while len(gone) < len(payers):
            seen.append(len(gone))
            await asyncio.sleep(0)
    assert {later - sooner for sooner, later in itertools.pairwise(seen)} <= {0, 1}


async def test_what_has_begun_is_not_behind_all_that_comes_new(turns: Turns) -> None:
    (payer,) = spent("192.0.2.1")
    gone: list[str] = []
    for _ in range(20):
        turns.ask(payer, lambda: gone.append("new"), is_new=True)
    for _ in range(3):
        turns.ask(payer, lambda: gone.append("begun"))
    async with asyncio.timeout(10):
        while len(gone) < 23:  # noqa: ASYNC110 - nothing else tells
            await asyncio.sleep(0.01)
    assert gone[:6].count("begun") == 3
    assert gone[6:] == ["new"] * 17


async def test_what_is_not_wanted_any_more_does_not_go_on(turns: Turns) -> None:
    (payer,) = spent("192.0.2.1")
    gone: list[int] = []
    asked = [turns.ask(payer, functools.partial(gone.append, number)) for number in range(3)]
    assert asked[1] is not None
    asked[1].cancel()
    await all_gone_on(turns, payer)
    assert gone == [0, 2]


async def test_a_waiter_that_is_cancelled_takes_nobodys_turn(turns: Turns) -> None:
    (payer,) = spent("192.0.2.1")
    first, second = (asyncio.ensure_future(turns.wait(payer)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    async with asyncio.timeout(10):
        await second
    assert first.cancelled()


async def test_a_look_costs_the_same_however_many_wait(turns: Turns, monkeypatch: pytest.MonkeyPatch) -> None:
    payers = spent(*(f"10.0.{number >> 8}.{number & 255}" for number in range(5_000)))
    for payer in payers:
        payer.charge(clock.monotonic(), 1.0)
        turns.ask(payer, lambda: None)
    payers[0].purse.tokens = 1.0  # but each account's own debt stands
    looked: list[Account] = []
    before = Account.wait

    def wait(self: Account, now: float, purse: object) -> float:
        looked.append(self)
        return before(self, now, purse)  # type: ignore[arg-type]

    monkeypatch.setattr(Account, "wait", wait)
    turns._look()
    assert 0 < len(looked) <= LOOKED_AT
