"""Addresses for tests in which nobody is short of anything."""

from relay.ledger.accounts import Ledger, Payer
from relay.ledger.addresses import Group, Networks, groups_of

UNMETERED = Ledger({}, 1.0, Networks(()))
"""Nobody waits for anything."""
HOME = groups_of("192.0.2.1")


def payer(host: str = "192.0.2.1") -> Payer:
    """Somebody at this address, who never waits."""
    return UNMETERED.visitor(host, 0.0)


def groups(number: int) -> tuple[Group, ...]:
    """One address of many."""
    return groups_of(f"198.51.{100 + number // 250}.{1 + number % 250}")
