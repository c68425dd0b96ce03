"""Who left whom by Next a moment ago, and who of the two wishes that undone. Pure: time is an argument."""

from dataclasses import dataclass, field

from relay.ids import RoomId, UserId

BACK_WINDOW = 10.0
"""Seconds after a Next in which both may wish to go back: five to think of it, and five for the other to agree."""


@dataclass(slots=True)
class _Parting:
    room: RoomId
    members: tuple[UserId, UserId]
    at: float
    wishes: set[UserId] = field(default_factory=set)


class Regrets:
    """One parting for each person at most, their last: no more is kept than there are people."""

    def __init__(self) -> None:
        self._partings: dict[UserId, _Parting] = {}

    def __len__(self) -> int:
        return len(self._partings)

    def parted(self, room: RoomId, one: UserId, other: UserId, now: float) -> None:
        """One of them pressed Next."""
        parting = _Parting(room, (one, other), now)
        for member in parting.members:
            self.forget(member)
        for member in parting.members:
            self._partings[member] = parting

    def partner(self, user: UserId, room: RoomId, now: float) -> UserId | None:
        """With whom the person was in that room, if that was their last and ended by Next a moment ago."""
        parting = self._partings.get(user)
        if parting is None or parting.room != room or now - parting.at > BACK_WINDOW:
            return None
        one, other = parting.members
        return other if user == one else one

    def wish(self, user: UserId) -> bool:
        """The person, who has a partner to go back to, wishes it; True when both do."""
        parting = self._partings[user]
        parting.wishes.add(user)
        return len(parting.wishes) == len(parting.members)

    def forget(self, user: UserId) -> None:
        """The person is gone, or talks with somebody else: there is no way back for either."""
        parting = self._partings.pop(user, None)
        if parting is not None:
            for member in parting.members:
                if self._partings.get(member) is parting:
                    del self._partings[member]
