"""A bounded number of places that strangers share. Pure.

A full table takes from whichever address holds most, and never turns a newcomer away while somebody holds more than
they would. IPv6 is weighed by /64, /56 and /48, so that a customer's many subnets are not many customers.

What is taken depends on what the places are for. Where a connection has yet to prove that it is worth anything, the
oldest goes: it has had most time to, and one that needs a moment gets it. Where things are in use, the newest goes:
what has begun is not disturbed by what comes.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator
from enum import Enum
from typing import Generic, TypeVar

from relay.ledger.addresses import Group

Item = TypeVar("Item", bound=Hashable)


class Takes(Enum):
    """Which of an address's places is taken, among those of the lowest rank."""

    OLDEST = "oldest"
    NEWEST = "newest"


class Table(Generic[Item]):
    """Who holds what. `rank` says how much it matters: what matters least is taken first."""

    def __init__(
        self, most: int, takes: Takes, *, most_each: int | None = None, rank: Callable[[Item], int] = lambda _: 0
    ) -> None:
        """`most` places in all; one address has `most_each` of them at most, wider prefixes by their weight more."""
        self.most = most
        self._takes = takes
        self._most_each = most if most_each is None else most_each
        self._rank = rank
        self._groups: dict[Item, tuple[Group, ...]] = {}
        self._held: defaultdict[Group, dict[Item, None]] = defaultdict(dict)
        """Oldest first."""

    def __len__(self) -> int:
        return len(self._groups)

    def __contains__(self, item: Item) -> bool:
        return item in self._groups

    def __iter__(self) -> Iterator[Item]:
        """Oldest first."""
        return iter(self._groups)

    def held_by(self, groups: tuple[Group, ...]) -> int:
        """How many places the address has."""
        return len(self._held[groups[0]]) if groups[0] in self._held else 0

    def enter(self, item: Item, groups: tuple[Group, ...], *, full: bool = False) -> Item | None:
        """Give the item a place. Returns what has to go for it, if anything; that may be the item itself.

        `full` says that there is no place for one more, whatever `most` is.
        """
        if self.most == 0:
            return item
        if (crowded := self._crowded(groups)) is not None:
            taken = self._in_place_of(item, self._held[crowded])
        elif full or len(self) >= self.most:
            taken = self._from_most(groups, item)
        else:
            taken = None
        if taken is not None:
            self.leave(taken)
        if taken != item:
            self._groups[item] = groups
            for group in groups:
                self._held[group][item] = None
        return taken

    def leave(self, item: Item) -> None:
        """Idempotent."""
        for group in self._groups.pop(item, ()):
            held = self._held[group]
            del held[item]
            if not held:
                del self._held[group]

    def is_crowded(self, groups: tuple[Group, ...]) -> bool:
        """Whether the address, or one of its prefixes, has all it may have."""
        return self._crowded(groups) is not None

    def _crowded(self, groups: tuple[Group, ...]) -> Group | None:
        return next((group for group in groups if self._size(group) >= self._most_each * group.weight), None)

    def _size(self, group: Group) -> int:
        return len(self._held[group]) if group in self._held else 0

    def _in_place_of(self, newcomer: Item, held: dict[Item, None]) -> Item:
        """What goes for a newcomer that has no better claim than those who are there, which may be the newcomer."""
        least = self._least(held)
        rank, own = self._rank(least), self._rank(newcomer)
        return least if rank < own or (rank == own and self._takes is Takes.OLDEST) else newcomer

    def _from_most(self, groups: tuple[Group, ...], newcomer: Item) -> Item:
        heaviest = max(self._held, key=lambda group: len(self._held[group]) / group.weight, default=None)
        if heaviest is None:
            return newcomer  # nothing is held that could go
        most = len(self._held[heaviest]) / heaviest.weight
        own = max((self._size(group) + 1) / group.weight for group in groups)
        if most > own:
            return self._least(self._narrowed(heaviest))
        return self._in_place_of(newcomer, self._narrowed(heaviest if most == own else groups[0]))

    def _narrowed(self, group: Group) -> dict[Item, None]:
        """Within a prefix, what the address holds that holds most."""
        held = self._held[group]
        return max((self._held[self._groups[item][0]] for item in held), key=len)

    def _least(self, items: dict[Item, None]) -> Item:
        # min() gives the first of equals, and the oldest are first.
        return min(items if self._takes is Takes.OLDEST else reversed(items), key=self._rank)
