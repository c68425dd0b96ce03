"""Accounts: what an address may have done for it, alone, among many, and as one of a prefix."""

import pytest

from relay.ledger.accounts import MOST_ACCOUNTS, OWN_BURST, OWN_SHARE, PURSE_SHARE, Deed, Ledger, Payer
from relay.ledger.addresses import Networks

SHARE = 0.25
PIECE = 0.002
"""Seconds of CPU: one step of somebody who wants as much as they can get."""


def ledger(trusted: tuple[str, ...] = ()) -> Ledger:
    return Ledger(dict.fromkeys(Deed, 60), SHARE, Networks(trusted))


def work(payers: list[Payer], seconds: float) -> dict[str, float]:
    """All want all the time; returns how much each had done, in seconds of CPU. Nobody else uses the machine."""
    done = dict.fromkeys((payer.host for payer in payers), 0.0)
    now, free_at = 0.0, 0.0
    while now < seconds:
        now += PIECE
        for payer in payers:
            if now >= free_at and payer.wait(now) == 0:
                payer.charge(now, PIECE)
                done[payer.host] += PIECE
                free_at = now + PIECE
    return done


def test_what_a_household_needs_is_done_at_once() -> None:
    home = ledger().visitor("192.0.2.1", 0.0)
    for _ in range(int(OWN_BURST * 0.9 / PIECE)):
        assert home.wait(0.0) == 0
        home.charge(0.0, PIECE)


def test_one_address_alone_gets_its_share_and_no_more() -> None:
    done = work([ledger().visitor("192.0.2.1", 0.0)], 20.0)
    assert sum(done.values()) / 20 == pytest.approx(SHARE, abs=0.03)


@pytest.mark.parametrize("crowd", [3, 50])
def test_many_that_want_much_leave_the_rest_to_others(crowd: int) -> None:
    of = ledger()
    done = work([of.visitor(f"198.51.100.{number}", 0.0) for number in range(crowd)], 10.0)
    own = crowd * (OWN_BURST + 10 * OWN_SHARE)
    assert sum(done.values()) < 10 * PURSE_SHARE + own + 0.5
    newcomer = of.visitor("203.0.113.1", 10.0)
    assert newcomer.wait(10.0) == 0


def test_debts_are_bounded_so_what_is_over_is_over() -> None:
    of = ledger()
    of.visitor("192.0.2.1", 0.0).charge(0.0, 3_600.0)
    assert of.visitor("192.0.2.1", 0.0).wait(0.0) < 3
    assert of.visitor("192.0.2.2", 0.0).wait(0.0) == 0


def test_the_subnets_of_one_customer_are_one_customer() -> None:
    of = ledger()
    subnets = [of.visitor(f"2001:db8:0:{number:x}::1", 0.0) for number in range(200)]
    strangers = [of.visitor(f"2001:db8:{number:x}::1", 0.0) for number in range(1, 201)]
    own = {payer.host: 0.0 for payer in (*subnets, *strangers)}
    for crowd in (subnets, strangers):
        for payer in crowd:
            while payer.wait(0.0) == 0:
                payer.charge(0.0, PIECE)
                own[payer.host] += PIECE
    assert sum(own[payer.host] for payer in subnets) < sum(own[payer.host] for payer in strangers) / 3


def test_a_deed_is_counted_for_the_address_no_matter_who_does_it() -> None:
    of = ledger()
    assert [of.visitor("192.0.2.1", 0.0).take(Deed.SKIP, 0.0) for _ in range(20)] == [0.0] * 20
    assert of.visitor("192.0.2.1", 0.0).take(Deed.SKIP, 0.0) == pytest.approx(1.0)
    assert of.visitor("192.0.2.1", 0.0).take(Deed.OFFER, 0.0) == 0
    assert of.visitor("192.0.2.2", 0.0).take(Deed.SKIP, 0.0) == 0


def test_a_long_offer_counts_for_more() -> None:
    home = ledger().visitor("192.0.2.1", 0.0)
    assert home.take(Deed.OFFER, 0.0, 5.0) == 0
    assert [home.take(Deed.OFFER, 0.0) for _ in range(15)] == [0.0] * 15
    assert home.take(Deed.OFFER, 0.0) > 0


def test_a_trusted_proxy_pays_for_nothing_and_whom_it_speaks_for_does() -> None:
    of = ledger(trusted=("192.0.2.1",))
    proxy = of.peer("192.0.2.1", 0.0)
    proxy.charge(0.0, 100.0)
    assert proxy.wait(0.0) == 0
    assert proxy.take(Deed.CONNECTION, 0.0, 10_000) == 0
    nobody = of.visitor("192.0.2.1", 0.0)
    nobody.charge(0.0, 100.0)
    assert nobody.wait(0.0) > 0


def test_accounts_are_bounded_and_those_in_use_are_kept() -> None:
    of = ledger()
    of.visitor("192.0.2.1", 0.0).charge(0.0, 1.0)
    for number in range(MOST_ACCOUNTS + 100):
        of.visitor(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", 0.0)
        if number % 1_000 == 0:
            assert of.visitor("192.0.2.1", 0.0).wait(0.0) > 0
    assert len(of) == MOST_ACCOUNTS
