import copy
import random

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from relay.ids import UserId
from relay.matchmaking.lobby import MOST_LOOKED_AT, REUNION_DELAY, Lobby, Match
from relay.protocol.messages import Mode

ANN, BOB, EVE, TOM = (UserId(name) for name in ("ann", "bob", "eve", "tom"))
VIDEO = Mode.VIDEO


def test_the_first_to_come_waits_and_the_second_gets_them() -> None:
    lobby = Lobby()
    assert lobby.seek(ANN, VIDEO, 0.0) is None
    assert lobby.seek(BOB, VIDEO, 1.5) == Match((ANN, BOB), (1.5, 0.0))
    assert len(lobby) == 0


def test_who_withdrew_is_not_matched() -> None:
    lobby = Lobby()
    lobby.seek(ANN, VIDEO, 0.0)
    assert lobby.withdraw(ANN)
    assert not lobby.withdraw(ANN)
    assert lobby.seek(BOB, VIDEO, 1.0) is None


def test_nobody_waits_twice() -> None:
    lobby = Lobby()
    lobby.seek(ANN, VIDEO, 0.0)
    with pytest.raises(ValueError, match="once"):
        lobby.seek(ANN, Mode.TEXT, 1.0)


def test_modes_never_mix() -> None:
    lobby = Lobby()
    for user, mode in zip((ANN, BOB, EVE), Mode, strict=True):
        assert lobby.seek(user, mode, 0.0) is None
    match = lobby.seek(TOM, Mode.AUDIO, 0.0)
    assert match is not None
    assert match.members[0] == BOB


def test_those_who_just_left_each_other_meet_again_only_when_nobody_else_comes() -> None:
    lobby = Lobby()
    lobby.parted(ANN, BOB)
    assert lobby.seek(ANN, VIDEO, 0.0) is None
    assert lobby.seek(BOB, VIDEO, 2.0) is None
    assert lobby.reunite(2.0 + REUNION_DELAY - 0.1) == []
    assert lobby.reunite(2.0 + REUNION_DELAY) == [Match((ANN, BOB), (2.0 + REUNION_DELAY, REUNION_DELAY))]
    assert len(lobby) == 0


def test_a_third_person_is_taken_first_by_who_waits_longest() -> None:
    lobby = Lobby()
    lobby.parted(ANN, BOB)
    lobby.seek(ANN, VIDEO, 0.0)
    lobby.seek(BOB, VIDEO, 0.0)
    match = lobby.seek(EVE, VIDEO, 1.0)
    assert match is not None
    assert match.members[0] == ANN


def test_a_last_partner_is_passed_over_for_the_next_in_line() -> None:
    lobby = Lobby()
    lobby.parted(BOB, EVE)
    lobby.parted(ANN, BOB)
    assert lobby.seek(ANN, VIDEO, 0.0) is None
    assert lobby.seek(BOB, VIDEO, 1.0) is None
    match = lobby.seek(EVE, VIDEO, 2.0)
    assert match is not None
    assert match.members[0] == ANN


def test_a_forgotten_person_is_nobodys_last_partner() -> None:
    lobby = Lobby()
    lobby.parted(ANN, BOB)
    lobby.seek(ANN, VIDEO, 0.0)
    lobby.forget(ANN)
    assert ANN not in lobby
    assert lobby.seek(BOB, VIDEO, 1.0) is None


def test_nothing_is_kept_of_people_who_are_forgotten() -> None:
    lobby = Lobby()
    empty = copy.deepcopy(vars(lobby))
    lobby.parted(ANN, BOB)
    lobby.parted(EVE, ANN)
    lobby.seek(ANN, VIDEO, 0.0, "b1")
    for user in (ANN, BOB, EVE):
        lobby.forget(user)
    assert vars(lobby) == empty


def test_tabs_of_one_browser_never_meet_and_each_meets_others() -> None:
    lobby = Lobby()
    assert lobby.seek(ANN, VIDEO, 0.0, "b1") is None
    assert lobby.seek(BOB, VIDEO, 0.0, "b1") is None
    assert lobby.reunite(10 * REUNION_DELAY) == []
    assert lobby.seek(EVE, VIDEO, 1.0, "b2") == Match((ANN, EVE), (1.0, 0.0))
    assert lobby.seek(TOM, VIDEO, 1.0) == Match((BOB, TOM), (1.0, 0.0))


def test_tabs_that_met_before_they_knew_of_each_other_do_not_meet_again() -> None:
    lobby = Lobby()
    lobby.parted(ANN, BOB)
    lobby.seek(ANN, VIDEO, 0.0, "b1")
    lobby.seek(BOB, VIDEO, 0.0, "b1")
    assert lobby.reunite(10 * REUNION_DELAY) == []


def test_those_whose_browser_is_not_told_meet_each_other() -> None:
    lobby = Lobby()
    lobby.seek(ANN, VIDEO, 0.0)
    assert lobby.seek(BOB, VIDEO, 1.0) == Match((ANN, BOB), (1.0, 0.0))


def test_a_browser_full_of_tabs_waits_until_others_come() -> None:
    """Each tab gets its partner; those beyond the ones that are looked at as well."""
    lobby = Lobby()
    tabs = [UserId(f"tab {number}") for number in range(2 * MOST_LOOKED_AT)]
    assert [lobby.seek(tab, VIDEO, 0.0, "b1") for tab in tabs] == [None] * len(tabs)
    for tab in tabs:
        match = lobby.seek(UserId(f"for {tab}"), VIDEO, 1.0)
        assert match is not None
        assert match.members[0] == tab


def test_a_tab_searches_no_further_than_among_so_many() -> None:
    """A bound on what one browser can make a search cost: who has more tabs than that may miss somebody."""
    lobby = Lobby()
    for number in range(MOST_LOOKED_AT):
        tab = UserId(f"tab {number}")
        lobby.seek(tab, VIDEO, 0.0, "b1")
        lobby.parted(tab, BOB)
    assert lobby.seek(BOB, VIDEO, 0.0) is None
    assert lobby.seek(ANN, VIDEO, 1.0, "b1") is None
    lobby.withdraw(UserId("tab 0"))
    assert lobby.seek(EVE, VIDEO, 1.0, "b1") == Match((BOB, EVE), (1.0, 0.0))


def test_it_is_known_who_waits_beside_a_tab_of_their_own() -> None:
    lobby = Lobby()
    lobby.seek(ANN, VIDEO, 0.0, "b1")
    lobby.seek(TOM, Mode.TEXT, 0.0, "b1")
    assert lobby.beside_own_tabs() == set()
    lobby.seek(BOB, VIDEO, 0.0, "b1")
    assert lobby.beside_own_tabs() == {ANN, BOB}
    lobby.seek(EVE, VIDEO, 0.0, "b2")
    assert lobby.beside_own_tabs() == set()


def browser_of(user: UserId) -> str | None:
    """Of the people that the machine below plays: four browsers of one tab, one of two and one of four."""
    return (None, None, "b1", "b2", "b3", "b3", "b4", "b4", "b4", "b4")[int(user)]


class LobbyMachine(RuleBasedStateMachine):
    """Whatever the order of events: no double pairing, no self pairing, nobody lost."""

    people = st.integers(0, 9).map(lambda number: UserId(str(number)))

    def __init__(self) -> None:
        super().__init__()
        self.lobby = Lobby()
        self.now = 0.0
        self.talking: dict[UserId, UserId] = {}
        self.waiting: dict[UserId, Mode] = {}

    def _meet(self, match: Match, mode: Mode | None) -> None:
        one, other = match.members
        assert one != other
        assert one not in self.talking
        assert other not in self.talking
        assert browser_of(one) is None or browser_of(one) != browser_of(other)
        modes = {self.waiting.pop(user, mode) for user in (one, other)}
        assert len(modes) == 1
        self.talking[one], self.talking[other] = other, one

    @rule(user=people, mode=st.sampled_from(Mode))
    def seek(self, user: UserId, mode: Mode) -> None:
        if user in self.talking or user in self.waiting:
            return
        match = self.lobby.seek(user, mode, self.now, browser_of(user))
        if match is None:
            self.waiting[user] = mode
        else:
            assert user in match.members
            self._meet(match, mode)

    @rule(user=people)
    def part(self, user: UserId) -> None:
        partner = self.talking.pop(user, None)
        if partner is not None:
            del self.talking[partner]
            self.lobby.parted(user, partner)

    @rule(user=people)
    def vanish(self, user: UserId) -> None:
        self.part(user)
        self.lobby.forget(user)
        self.waiting.pop(user, None)

    @rule(seconds=st.floats(0, 8))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        for match in self.lobby.reunite(self.now):
            self._meet(match, None)

    @invariant()
    def who_waits_is_in_the_lobby_and_nobody_else(self) -> None:
        assert len(self.lobby) == len(self.waiting)
        assert all(user in self.lobby for user in self.waiting)

    @invariant()
    def tabs_of_at_most_three_browsers_wait_in_a_mode(self) -> None:
        for mode in Mode:
            assert len({browser_of(user) or user for user, of in self.waiting.items() if of is mode}) <= 3


TestLobbyMachine = LobbyMachine.TestCase


def test_ten_thousand_people_wait_fairly() -> None:
    """Arrivals and skips for an hour: short waits for all, and nobody is preferred."""
    dice, lobby, now = random.Random(7), Lobby(), 0.0
    since: dict[UserId, float] = {}
    waits: dict[UserId, list[float]] = {}
    couples: list[tuple[UserId, ...]] = []

    def meet(match: Match) -> None:
        for user in match.members:
            waits.setdefault(user, []).append(now - since.pop(user))
        couples.append(match.members)

    def seek(user: UserId) -> None:
        since[user] = now
        if (match := lobby.seek(user, VIDEO, now)) is not None:
            meet(match)

    for number in range(10_000):
        now += dice.expovariate(10_000 / 3_600)
        for match in lobby.reunite(now):
            meet(match)
        seek(UserId(str(number)))
        for _ in range(min(3, len(couples))):
            one, other = couples.pop(dice.randrange(len(couples)))
            lobby.parted(one, other)
            for user in (one, other):
                seek(user)

    assert len(since) <= 3
    everyone = [wait for person in waits.values() for wait in person]
    assert len(waits) >= 9_997
    assert len(everyone) > 40_000
    assert sum(everyone) / len(everyone) < 0.5
    assert max(everyone) <= REUNION_DELAY + 5
