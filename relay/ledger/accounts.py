"""What each address may have done for it, and what it has spent. Pure: time is an argument.

Theory: everything that the event loop does for an address is charged to its account, in seconds of CPU as they were
measured. Each account has a little of its own, enough for a household that opens the page. Beyond that all draw on one
purse, and nobody on more than a part of it; who finds it empty waits. So one address alone gets on as fast as the
machine allows without being late for others, many that want much share what is left for them, and somebody who comes
new among them pays from their own and does not wait at all.

What disturbs people rather than the machine is counted as such: how often an address joins, offers, and is paired.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from relay.config.settings import PerAddressSettings
from relay.ledger.addresses import Group, Networks, groups_of
from relay.ledger.bucket import TokenBucket, full

OWN_SHARE, OWN_BURST = 0.003, 0.05
"""Of the event loop, what is each account's own, and how many seconds of it may be used at once. Opening the page,
joining and connecting take about 0.02."""
BURST = 0.1
"""Seconds of the event loop that one account may get of the purse at once."""
PURSE_SHARE, PURSE_BURST = 0.4, 0.05
"""Of the event loop, what all get of the purse together, and how many seconds of it at once."""
MOST_OWED = 0.5
"""Seconds of the event loop that an account or the purse owes at most. What was done beyond is nobody's to pay."""

SLICE = 0.002
"""Seconds of the event loop that something small may take. An account goes on from its own when it has so much."""
SHORTEST_WAIT = 0.005
"""Seconds: to be woken for less would cost more than is waited for."""

BURST_SECONDS = 20.0
"""How much of a rate may be used at once: that of so many seconds."""

MOST_ACCOUNTS = 20_000
"""That are remembered. Then the one longest unused is forgotten: its buckets would be full again by then, or the
attacker has so many addresses that each is new."""

TRUSTED = 1_000
"""Weight of a trusted proxy in tables of connections: it stands for many people."""


class Deed(StrEnum):
    """What an address may do only so often."""

    CONNECTION = "connection"
    JOIN = "join"
    OFFER = "offer"
    SKIP = "skip"


def rates_of(settings: PerAddressSettings) -> dict[Deed, int]:
    """How often an address may do each, a minute."""
    return {
        Deed.CONNECTION: settings.rate_address_connection,
        Deed.JOIN: settings.rate_address_join,
        Deed.OFFER: settings.rate_address_offer,
        Deed.SKIP: settings.rate_address_skip,
    }


@dataclass(slots=True)
class Account:
    """One address's, or one IPv6 prefix's. Made by a `Ledger`."""

    own: TokenBucket
    slice: float
    most: TokenBucket
    """What it may get of the purse."""
    deeds: Mapping[Deed, TokenBucket]

    def charge(self, now: float, seconds: float) -> float:
        """Pay from what is its own first; returns what the purse is to pay."""
        has = self.own.left(now)
        if has >= seconds:
            self.own.tokens = has - seconds
            return 0.0
        own = max(0.0, has)
        self.own.charge(now, own)
        self.most.charge(now, seconds - own)
        return seconds - own

    def recovered_at(self, now: float) -> float:
        """When its own is whole again if nothing more is spent: the later, the more it has had lately."""
        return now + (self.own.capacity - self.own.left(now)) / self.own.per_second

    def wait(self, now: float, purse: TokenBucket) -> float:
        """Seconds until more may be done for it; 0: at once."""
        lacking = self.slice - self.own.left(now)
        if lacking <= 0:
            return 0.0
        wait = min(lacking / self.own.per_second, max(self.most.wait(now), purse.wait(now)))
        return 0.0 if wait == 0 else max(SHORTEST_WAIT, wait)


@dataclass(frozen=True, slots=True)
class Payer:
    """Somebody at an address: pays for what is done for them from its accounts, the narrowest first.

    One without accounts pays for nothing and never waits.
    """

    host: str
    groups: tuple[Group, ...]
    """For a `Table`."""
    accounts: tuple[Account, ...]
    purse: TokenBucket

    def charge(self, now: float, seconds: float) -> None:
        """Pay for what was done, in seconds of the event loop's CPU."""
        most_beyond = 0.0
        for account in self.accounts:
            if (beyond := account.charge(now, seconds)) > most_beyond:
                most_beyond = beyond
        if most_beyond > 0:
            self.purse.charge(now, most_beyond)

    def wait(self, now: float) -> float:
        """Seconds until more may be done for this address; 0: at once."""
        longest = 0.0
        for account in self.accounts:
            if (wait := account.wait(now, self.purse)) > longest:
                longest = wait
        return longest

    def recovered_at(self, now: float) -> float:
        """When all that is its own is there again: of two, the one with the earlier time has had less."""
        return max((account.recovered_at(now) for account in self.accounts), default=0.0)

    def take(self, deed: Deed, now: float, amount: float = 1.0) -> float:
        """Count a deed. Returns 0, or the seconds until the address may do it."""
        for account in self.accounts:
            if (wait := account.deeds[deed].take(now, amount)) > 0:
                return wait
        return 0.0


class Ledger:
    """All accounts. One per server."""

    def __init__(self, per_minute: Mapping[Deed, int], share: float, trusted: Networks) -> None:
        """`per_minute` and `share`, of the event loop, are what one address may have; with a share of 1 nothing is
        metered. `trusted` proxies stand for many people."""
        self._per_minute = per_minute
        self._share = share
        self._trusted = trusted
        self._accounts: OrderedDict[Group, Account] = OrderedDict()
        self._purse = full(PURSE_SHARE, PURSE_BURST, 0.0, MOST_OWED)

    def __len__(self) -> int:
        return len(self._accounts)

    def trusts(self, host: str) -> bool:
        """Whether it is a trusted proxy's address.

        Raises:
            ValueError: it is not an address.
        """
        return self._trusted.hold(host)

    def peer(self, host: str, now: float) -> Payer:
        """Who pays for a connection from an address: nobody for a trusted proxy's, since each of those for whom it
        speaks pays for what they ask.

        Raises:
            ValueError: it is not an address.
        """
        if self.trusts(host):
            return Payer(host, (Group(host, TRUSTED),), (), self._purse)
        return self.visitor(host, now)

    def visitor(self, host: str, now: float) -> Payer:
        """Who pays for what is asked from an address.

        Raises:
            ValueError: it is not an address.
        """
        groups = groups_of(host)
        metered = groups if self._share < 1 else ()
        return Payer(host, groups, tuple(self._account(group, now) for group in metered), self._purse)

    def _account(self, group: Group, now: float) -> Account:
        account = self._accounts.get(group)
        if account is None:
            if len(self._accounts) >= MOST_ACCOUNTS:
                self._accounts.popitem(last=False)
            account = self._accounts[group] = self._opened(group.weight, now)
        self._accounts.move_to_end(group)
        return account

    def _opened(self, weight: int, now: float) -> Account:
        share = min(PURSE_SHARE, weight * self._share)
        return Account(
            own=full(weight * OWN_SHARE, weight * OWN_BURST, now),
            slice=weight * SLICE,
            most=full(share, weight * BURST, now, MOST_OWED),
            deeds={
                deed: full(weight * rate / 60, max(1.0, weight * rate / 60 * BURST_SECONDS), now)
                for deed, rate in self._per_minute.items()
            },
        )
