"""The loop around the lobby: opens rooms for those who match, and knows what each person wishes.

A person is in the queue or in a room, never in both, whatever order events come in.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

from relay import clock
from relay.ids import RoomId, UserId
from relay.matchmaking.lobby import Lobby, Match
from relay.matchmaking.regrets import Regrets
from relay.observe.happenings import Matched, Waiting
from relay.observe.journal import Journal
from relay.protocol.messages import (
    BackAsked,
    Mode,
    PartingReason,
    WaitingForPartner,
)
from relay.room.host import RoomHost
from relay.room.post import Post
from relay.tasks import Report, Tasks

LOOK_INTERVAL = 0.5
"""Seconds between looks at who has waited long enough to meet their last partner again, and who waits beside a tab of
their own."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person looks for."""

    mode: Mode = Mode.VIDEO
    keep_searching: bool = True
    browser: str | None = None
    """What the tabs of one browser have in common: they do not look for each other."""


class Matchmaker:
    """Pairs and parts people."""

    def __init__(self, *, rooms: RoomHost, post: Post, journal: Journal, report: Report) -> None:
        self._rooms = rooms
        self._post = post
        self._journal = journal
        self._lobby = Lobby()
        self._regrets = Regrets()
        self._wishes: dict[UserId, Wish] = {}
        self._away: dict[UserId, bool] = {}
        """Who can't be reached, and whether they are to search when they are back."""
        self._beside_own_tabs = set[UserId]()
        """Who was told that they are."""
        self._tasks = Tasks("matchmaker", report)

    def __len__(self) -> int:
        return len(self._lobby)

    def __contains__(self, user: UserId) -> bool:
        return user in self._lobby

    def start(self) -> None:
        """Begin to look after those who wait: to reunite those for whom nobody else comes."""
        self._tasks.repeat("waiting", LOOK_INTERVAL, self._look_after_waiting)

    async def close(self) -> None:
        """Idempotent."""
        await self._tasks.close()

    def find(self, user: UserId, now: float, wish: Wish | None = None) -> None:
        """Search for a partner for someone who has none; `wish` replaces what they wished before."""
        if wish is not None:
            self._wishes[user] = wish
        if user in self._away:
            self._away[user] = True
        elif user not in self._lobby:
            wished = self._wishes.setdefault(user, Wish())
            match = self._lobby.seek(user, wished.mode, now, wished.browser)
            if match is not None:
                self._introduce(match, now)
                return
        self._beside_own_tabs.discard(user)
        self._journal.note(Waiting(user=user, mode=self.mode_of(user).value, others=len(self._lobby)))
        self._post.tell(user, WaitingForPartner())

    def next(self, user: UserId, now: float) -> None:
        """Part the person from those they talk with, if there are any, and search again: the skipper first."""
        room = self._rooms.room_of(user)
        alone = self._leave(user, PartingReason.NEXT, now)
        if room is not None and alone:
            self._regrets.parted(room, (user, *alone), now)
        self.find(user, now)
        self._find_each(self._who_search_on(alone, PartingReason.NEXT), now)

    def back(self, user: UserId, room: RoomId, now: float) -> bool:
        """The person wishes to go on with those with whom they were in that room, which ended by Next. The others are
        asked; where they wished it first, all are together again. False if there is no way back: one talks, or is
        gone."""
        others = self._regrets.others(user, room, now)
        if not others or user in self._rooms:
            return False
        mode = self.mode_of(user)
        if any(one in self._rooms or one in self._away or self.mode_of(one) is not mode for one in others):
            return False
        if not self._regrets.wish(user):
            for one in others:
                self._post.tell(one, BackAsked(room_id=room))
            return True
        members = (*others, user)
        for one in members:
            self._lobby.withdraw(one)
        self._introduce(Match(members, (0.0,) * len(members)), now)
        return True

    def part(self, user: UserId, reason: PartingReason, now: float) -> None:
        """End the person's search or conversation. Who is left alone searches on, if they wish so. Idempotent."""
        self._lobby.withdraw(user)
        if user in self._away:
            self._away[user] = False
        alone = self._leave(user, reason, now)
        self._find_each(self._who_search_on(alone, reason), now)

    def separate(self, room_id: RoomId, now: float) -> bool:
        """End a conversation for the operator. All are told so, and search on as they wish. False if it is over
        already."""
        room = self._rooms.find(room_id)
        if room is None:
            return False
        for one, other in combinations(room.members, 2):
            self._lobby.parted(one, other)
        searching = self._who_search_on(room.members, PartingReason.OPERATOR)
        self._rooms.end(room, PartingReason.OPERATOR, now, searching)
        self._find_each(searching, now)
        return True

    def lose(self, user: UserId) -> None:
        """The person can't be reached: nobody is to be paired with them until they are back."""
        self._away[user] = self._lobby.withdraw(user)

    def mode_of(self, user: UserId) -> Mode:
        """How the person wishes to talk."""
        return self._wish_of(user).mode

    def is_searching(self, user: UserId) -> bool:
        """Whether the person waits, or will when they are back."""
        return user in self._lobby or self._away.get(user, False)

    def welcome_back(self, user: UserId, now: float) -> None:
        """The person is back, and goes on searching if they did."""
        if self._away.pop(user, False):
            self.find(user, now)

    def forget(self, user: UserId, reason: PartingReason, now: float) -> None:
        """The person is gone, for the reason that their partner is told. Idempotent."""
        self.part(user, reason, now)
        self._lobby.forget(user)
        self._regrets.forget(user)
        self._wishes.pop(user, None)
        self._away.pop(user, None)

    def _leave(self, user: UserId, reason: PartingReason, now: float) -> tuple[UserId, ...]:
        """Take the person out of their conversation, if they are in one; returns whose conversation is over by
        that."""
        others = self._rooms.others_of(user)
        if not others:
            return ()
        for other in others:
            self._lobby.parted(user, other)
        return self._rooms.leave(user, reason, now, self._who_search_on(others, reason))

    def _who_search_on(self, users: Iterable[UserId], reason: PartingReason) -> tuple[UserId, ...]:
        if reason is PartingReason.SERVER_STOPPING:
            return ()
        return tuple(user for user in users if self._wish_of(user).keep_searching)

    def _find_each(self, users: Iterable[UserId], now: float) -> None:
        for user in users:
            self.find(user, now)

    def _wish_of(self, user: UserId) -> Wish:
        return self._wishes.get(user, Wish())

    def _introduce(self, match: Match, now: float) -> None:
        for member in match.members:
            self._regrets.forget(member)
        self._journal.note(Matched(waited=match.waited))
        self._rooms.open(match.members, self.mode_of(match.members[0]), now)

    def _look_after_waiting(self) -> None:
        now = clock.monotonic()
        for match in self._lobby.reunite(now):
            self._introduce(match, now)
        beside = self._lobby.beside_own_tabs()
        for user in beside ^ self._beside_own_tabs:
            if user in self._lobby:
                self._post.tell(user, WaitingForPartner(own_tab=user in beside))
        self._beside_own_tabs = beside
