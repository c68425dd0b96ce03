"""Who is waiting for a partner, and who may meet whom. Pure: time is an argument.

Theory: people are matched greedily, in the order in which they came, within their mode. Two who may
not meet are two tabs of one browser, ever, and two who just left each other, for a while. So those who
wait together are one or the other. Everyone has one last partner at most, hence tabs of no more than
three browsers ever wait in a mode. One browser may have any number of them there, so nothing here
looks further than at the `MOST_LOOKED_AT` who wait longest: every step takes bounded time. Only who
may meet none of those may miss somebody behind them.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from relay.ids import UserId
from relay.protocol.messages import Mode

REUNION_DELAY = 5.0
"""Seconds that two who just left each other wait for somebody else before they meet again."""

MOST_LOOKED_AT = 64
"""People of a mode. It is more than the tabs of one browser that somebody looks for a partner in."""


class Match(NamedTuple):
    """People for a room, and the seconds that each of them waited."""

    members: tuple[UserId, ...]
    waited: tuple[float, ...]


class _Waiting(NamedTuple):
    since: float
    browser: str | None
    """None: it is not told, and is nobody else's."""


class Lobby:
    """One queue for each mode. A person waits in one of them at most."""

    def __init__(self) -> None:
        # Dictionaries keep the order of insertion.
        self._queues: dict[Mode, dict[UserId, _Waiting]] = {mode: {} for mode in Mode}
        self._waiting: dict[UserId, Mode] = {}
        self._last: dict[UserId, UserId] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, user: UserId) -> bool:
        return user in self._waiting

    def seek(self, user: UserId, mode: Mode, now: float, browser: str | None = None) -> Match | None:
        """Match the person with the one who waits longest and may meet them; without one, let them wait. `browser` is
        what the tabs of one browser have in common."""
        if user in self._waiting:
            raise ValueError("a person waits only once")
        seeker = _Waiting(now, browser)
        for other, waiting in self._longest(mode):
            if not (_in_one_browser(seeker, waiting) or self._just_left(user, other)):
                self.withdraw(other)
                return Match((other, user), (now - waiting.since, 0.0))
        self._queues[mode][user] = seeker
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
        """Match those who left each other and wait together for as long as `REUNION_DELAY`: nobody else has come."""
        matches = []
        for mode, queue in self._queues.items():
            for one, waiting in list(self._longest(mode)):
                other = self._last.get(one)
                if one not in queue or other is None or other not in queue:
                    continue
                since = queue[other].since
                if now - max(waiting.since, since) >= REUNION_DELAY and not _in_one_browser(waiting, queue[other]):
                    matches.append(Match((one, other), (now - waiting.since, now - since)))
                    self.withdraw(one)
                    self.withdraw(other)
        return matches

    def beside_own_tabs(self) -> set[UserId]:
        """Those for whom another tab of their own browser waits, and who are not to meet it."""
        beside = set[UserId]()
        for mode in self._queues:
            tabs = Counter(waiting.browser for _, waiting in self._longest(mode) if waiting.browser is not None)
            shared = {browser for browser, count in tabs.items() if count > 1}
            beside.update(user for user, waiting in self._longest(mode) if waiting.browser in shared)
        return beside

    def _longest(self, mode: Mode) -> Iterator[tuple[UserId, _Waiting]]:
        return islice(self._queues[mode].items(), MOST_LOOKED_AT)

    def _just_left(self, one: UserId, other: UserId) -> bool:
        return self._last.get(one) == other or self._last.get(other) == one


def _in_one_browser(one: _Waiting, other: _Waiting) -> bool:
    return one.browser is not None and one.browser == other.browser
