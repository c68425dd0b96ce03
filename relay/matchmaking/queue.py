"""Who is waiting, and for how long. Pure: time is an argument."""

from relay.ids import UserId


class WaitingQueue:
    """First come, first served; every step takes constant time."""

    def __init__(self) -> None:
        self._since: dict[UserId, float] = {}  # dictionaries keep the order of insertion

    def __len__(self) -> int:
        return len(self._since)

    def __contains__(self, user: UserId) -> bool:
        return user in self._since

    def match_or_wait(self, user: UserId, now: float) -> UserId | None:
        """The person who waits longest, who then waits no more; without one, `user` waits."""
        if user in self._since:
            raise ValueError("a person waits only once")
        partner = next(iter(self._since), None)
        if partner is None:
            self._since[user] = now
            return None
        del self._since[partner]
        return partner

    def withdraw(self, user: UserId) -> bool:
        """Stop waiting; False if the person did not wait."""
        return self._since.pop(user, None) is not None
