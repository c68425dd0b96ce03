"""The loop around the lobby: opens rooms for those who match, and knows what each person wishes.

A person is in the queue or in a room, never in both, whatever order events come in.
"""

from collections.abc import Callable
from dataclasses import dataclass

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
    PartnerDisconnected,
    ServerMessage,
    WaitingForPartner,
)
from relay.room.host import RoomHost
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

    def __init__(
        self, *, rooms: RoomHost, tell: Callable[[UserId, ServerMessage], None], journal: Journal, report: Report
    ) -> None:
        self._rooms = rooms
        self._tell = tell
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
        self._tell(user, WaitingForPartner())

    def next(self, user: UserId, now: float) -> None:
        """Part the person from their partner, if there is one, and search again: the skipper first."""
        left, room = self._rooms.partner_of(user), self._rooms.room_of(user)
        partner = self._end(user, PartingReason.NEXT, now)
        if left is not None and room is not None:
            self._regrets.parted(room, user, left, now)
        self.find(user, now)
        if partner is not None:
            self.find(partner, now)

    def back(self, user: UserId, room: RoomId, now: float) -> bool:
        """The person wishes to go on with whom they were in that room, which ended by Next. The other one is asked;
        where they wished it first, the two are together again. False if there is no way back: one talks, or is gone."""
        partner = self._regrets.partner(user, room, now)
        if partner is None or partner in self._away or self.mode_of(user) is not self.mode_of(partner):
            return False
        if user in self._rooms or partner in self._rooms:
            return False
        if not self._regrets.wish(user):
            self._tell(partner, BackAsked(room_id=room))
            return True
        for one in (user, partner):
            self._lobby.withdraw(one)
        self._introduce(Match(partner, user, (0.0, 0.0)), now)
        return True

    def part(self, user: UserId, reason: PartingReason, now: float) -> None:
        """End the person's search or conversation. Their partner searches on, if they wish so. Idempotent."""
        self._lobby.withdraw(user)
        if user in self._away:
            self._away[user] = False
        partner = self._end(user, reason, now)
        if partner is not None:
            self.find(partner, now)

    def separate(self, user: UserId, now: float) -> None:
        """End the person's conversation for the operator. Both are told so, and search on as they wish."""
        if user not in self._rooms:
            return
        partner = self._end(user, PartingReason.OPERATOR, now)
        searching = self._wish_of(user).keep_searching
        self._tell(user, PartnerDisconnected(reason=PartingReason.OPERATOR, searching=searching))
        for one in (user if searching else None, partner):
            if one is not None:
                self.find(one, now)

    def lose(self, user: UserId) -> None:
        """The person can't be reached: nobody is to be paired with them until they are back."""
        self._away[user] = self._lobby.withdraw(user)

    def mode_of(self, user: UserId) -> Mode:
        """How the person wishes to talk."""
        return self._wish_of(user).mode

    def searches_on_return(self, user: UserId) -> bool:
        return self._away.get(user, False)

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

    def _end(self, user: UserId, reason: PartingReason, now: float) -> UserId | None:
        """End the person's conversation, if they are in one; returns their partner if that one searches on."""
        partner = self._rooms.partner_of(user)
        if partner is None:
            return None
        self._lobby.parted(user, partner)
        searching = self._wish_of(partner).keep_searching and reason is not PartingReason.SERVER_STOPPING
        self._rooms.end(user, reason, now, searching=searching)
        return partner if searching else None

    def _wish_of(self, user: UserId) -> Wish:
        return self._wishes.get(user, Wish())

    def _introduce(self, match: Match, now: float) -> None:
        for member in (match.one, match.other):
            self._regrets.forget(member)
        self._journal.note(Matched(waited=match.waited))
        self._rooms.open(match.one, match.other, self._wish_of(match.one).mode, now)

    def _look_after_waiting(self) -> None:
        now = clock.monotonic()
        for match in self._lobby.reunite(now):
            self._introduce(match, now)
        beside = self._lobby.beside_own_tabs()
        for user in beside ^ self._beside_own_tabs:
            if user in self._lobby:
                self._tell(user, WaitingForPartner(own_tab=user in beside))
        self._beside_own_tabs = beside
