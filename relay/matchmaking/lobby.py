"""Who is waiting for a partner, and who may meet whom. Pure: time is an argument.

Theory: people are matched greedily, in the order in which they came, within their mode. The only
two who may not meet are those who just left each other; so whoever waits together just left each
other. Everyone has one last partner at most, hence no more than three people ever wait in a mode,
and every step here takes constant time.
"""

from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

from relay.ids import UserId
from relay.protocol.messages import Mode

REUNION_DELAY = 5.0
"""Seconds that two who just left each other wait for somebody else before they meet again."""


class Match(NamedTuple):
    """Two people for a room, and the seconds that each of them waited."""

    one: UserId
    other: UserId
    waited: tuple[float, float]


class Lobby:
    """One queue for each mode. A person waits in one of them at most."""

    def __init__(self) -> None:
        # Dictionaries keep the order of insertion: person to the time they came.
        self._queues: dict[Mode, dict[UserId, float]] = {mode: {} for mode in Mode}
        self._waiting: dict[UserId, Mode] = {}
        self._last: dict[UserId, UserId] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, user: UserId) -> bool:
        return user in self._waiting

    def seek(self, user: UserId, mode: Mode, now: float) -> Match | None:
        """Match the person with whoever waits longest and may meet them; without one, let them wait."""
        if user in self._waiting:
            raise ValueError("a person waits only once")
        for waiting, since in self._queues[mode].items():
            if not self._just_left(user, waiting):
                self.withdraw(waiting)
                return Match(waiting, user, (now - since, 0.0))
        self._queues[mode][user] = now
        self._waiting[user] = mode
        return None

    def withdraw(self, user: UserId) -> bool:
        """Stop waiting; False if the person did not wait."""
        mode = self._waiting.pop(user, None)
        if mode is None:
            return False
        del self._queues[mode][user]
        return True

    def parted(self, one: UserId, other: UserId) -> None:
        """Two people left each other."""
        self._last[one], self._last[other] = other, one

    def forget(self, user: UserId) -> None:
        """The person is gone for good."""
        self.withdraw(user)
        self._last.pop(user, None)

    def reunite(self, now: float) -> list[Match]:
        """Match those who wait together for as long as `REUNION_DELAY`: nobody else has come."""
        matches = []
        for one, other, since in self._couples():
            if now - since >= REUNION_DELAY and one in self._waiting and other in self._waiting:
                queue = self._queues[self._waiting[one]]
                matches.append(Match(one, other, (now - queue[one], now - queue[other])))
                self.withdraw(one)
                self.withdraw(other)
        return matches

    def _just_left(self, one: UserId, other: UserId) -> bool:
        return self._last.get(one) == other or self._last.get(other) == one

    def _couples(self) -> Iterator[tuple[UserId, UserId, float]]:
        """Two who wait in one mode, and since when both do."""
        for queue in self._queues.values():
            for (one, first), (other, second) in combinations(list(queue.items()), 2):
                yield one, other, max(first, second)
