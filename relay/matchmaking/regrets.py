"""Whose conversation ended by Next a moment ago, and who of them wishes that undone. Pure: time is an argument."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from relay.ids import RoomId, UserId

BACK_WINDOW = 10.0
"""Seconds after a Next in which both may wish to go back: five to think of it, and five for the other to agree."""


@dataclass(slots=True)
class _Parting:
    room: RoomId
    members: tuple[UserId, ...]
    at: float
    wishes: set[UserId] = field(default_factory=set)


class Regrets:
    """One parting for each person at most, their last: no more is kept than there are people."""

    def __init__(self) -> None:
        self._partings: dict[UserId, _Parting] = {}

    def __len__(self) -> int:
        return len(self._partings)

    def parted(self, room: RoomId, members: Iterable[UserId], now: float) -> None:
        """One of them pressed Next, and the conversation was over."""
        parting = _Parting(room, tuple(members), now)
        for member in parting.members:
            self.forget(member)
        for member in parting.members:
            self._partings[member] = parting

    def others(self, user: UserId, room: RoomId, now: float) -> tuple[UserId, ...]:
        """With whom the person was in that room, if that was their last and ended by Next a moment ago; else nobody."""
        parting = self._partings.get(user)
        if parting is None or parting.room != room or now - parting.at > BACK_WINDOW:
            return ()
        return tuple(member for member in parting.members if member != user)

    def wish(self, user: UserId) -> bool:
        """The person, who has somebody to go back to, wishes it; True when all do."""
        parting = self._partings[user]
        parting.wishes.add(user)
        return len(parting.wishes) == len(parting.members)

    def forget(self, user: UserId) -> None:
        """The person is gone, or talks with somebody else: there is no way back for any of them."""
        parting = self._partings.pop(user, None)
        if parting is not None:
            for member in parting.members:
                if self._partings.get(member) is parting:
                    del self._partings[member]
