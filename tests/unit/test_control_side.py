"""Sessions, matchmaker, lobby and rooms together, whatever the order of events.

Real parts but for the sockets and the media: each visitor is a fake socket that believes what a client would believe.
What they believe must be what the server knows. Most read their outbox at once, some slowly, some not at all; what
they had not read may be lost with their connection. Time passes only when a rule lets it.
"""

from dataclasses import dataclass, field
from unittest import mock

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from relay.errors import ErrorCode, RelayError
from relay.ids import UserId
from relay.protocol.messages import (
    Back,
    BackAsked,
    ChatMessage,
    ClientMessage,
    Connected,
    ErrorMessage,
    FindPartner,
    LeaveRoom,
    Mode,
    NextPartner,
    PartingReason,
    PartnerDisconnected,
    PartnerFound,
    PartnerReconnecting,
    PartnerResumed,
    Ping,
    Pong,
    Resume,
    Resumed,
    ServerMessage,
    WaitingForPartner,
)
from relay.room.room import Room
from relay.session import outbox as outbox_module
from relay.session.presence import GIVEN_UP_AFTER, SILENT_AFTER
from relay.session.session import Ending, Session
from relay.session.sessions import SLOW_READER, SUPERSEDED
from tests.kit.control_side import ControlSide

PEOPLE = 4

CAPACITY = 16
"""Messages in an outbox here: few, so that it overflows now and then."""


@dataclass(eq=False)
class Visitor:
    """A client's beliefs, and its socket."""

    session: Session | None = None
    token: str = ""
    phase: str = "gone"
    """As the client sees it; `away`: it has no connection."""
    room: str | None = None
    former: str | None = None
    """The last conversation there was."""
    partner_away: bool = False
    heard: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    reads: bool = True
    """At once. One who does not reads only what a rule makes them read."""
    excused: list[str] = field(default_factory=list)
    """Events that were said by one who had not read the latest news: they may be out of turn."""
    expects_failure: bool = False
    """They show a token that is void."""
    lost_at: float = 0.0
    absence: int = 0
    """Looks at which the server could not reach them, one after the other."""
    ended: int | None = None
    is_abandoned: bool = False

    @property
    def is_here(self) -> bool:
        return self.phase not in ("gone", "away")

    @property
    def is_current(self) -> bool:
        """Here, and has read everything."""
        return self.is_here and self.session is not None and not len(self.session.outbox)

    @property
    def user(self) -> UserId:
        assert self.session is not None
        return self.session.user

    def take_over(self, session: Session) -> None:
        self.session = session

    def end(self, code: int, reason: str) -> None:
        assert code in (SLOW_READER, SUPERSEDED), f"nobody is sent away here: {reason}"
        self.ended = code

    def turn_away(self, error: RelayError) -> None:
        raise AssertionError(f"there is a place for everybody: {error}")

    def abandon(self) -> None:
        self.is_abandoned = True

    def remember(self, former: "Visitor") -> None:
        """A page that dials anew knows what it knew before."""
        self.room, self.former, self.heard, self.said = former.room, former.former, former.heard, former.said
        self.excused, self.expects_failure = former.excused, former.expects_failure

    def believe(self, message: ServerMessage) -> None:
        match message:
            case Connected(session_token=token):
                self.token, self.phase, self.room = token, "idle", None
            case Resumed(session_token=token, room_id=room, searching=searching):
                if room != self.room:
                    self.former, self.heard, self.said = self.room or self.former, [], []
                self.token, self.room, self.partner_away = token, room, False
                self.phase = "talking" if room else "waiting" if searching else "idle"
            case WaitingForPartner():
                self.phase, self.former, self.room = "waiting", self.room or self.former, None
            case PartnerFound(room_id=room):
                self.former = self.room or self.former
                self.phase, self.room, self.partner_away, self.heard, self.said = "talking", room, False, [], []
            case PartnerDisconnected():
                assert self.phase == "talking"
                self.phase, self.former, self.room = "idle", self.room, None
            case PartnerReconnecting():
                self.partner_away = True
            case PartnerResumed():
                self.partner_away = False
            case ChatMessage(id=name):
                assert name not in self.heard, "a message came twice"
                self.heard.append(name)
            case ErrorMessage(refused="back"):
                pass  # there was no way back any more
            case ErrorMessage(refused="resume", code=code):
                assert code is ErrorCode.RESUME_FAILED
                assert self.expects_failure, "their session was still there"
                self.expects_failure = False
                self.room = None if self.phase == "idle" else self.room
            case ErrorMessage(code=ErrorCode.OUT_OF_TURN, refused=refused):
                assert refused in self.excused, message
                self.excused.remove(refused)
            case ErrorMessage():
                raise AssertionError(message)


class Machine(RuleBasedStateMachine):
    """No double pairing, no self pairing, nobody lost, no chat lost or doubled."""

    numbers = st.integers(0, PEOPLE - 1)

    def __init__(self) -> None:
        super().__init__()
        self.side = ControlSide(2 * PEOPLE)
        self.capacity = mock.patch.object(outbox_module, "CAPACITY", CAPACITY)
        self.capacity.start()
        self.visitors = [Visitor() for _ in range(PEOPLE)]
        self.void = ["no such token"]
        """Tokens that are good for nothing any more."""
        self.messages = 0
        self.members: dict[str, tuple[UserId, ...]] = {}
        """Of each room there was."""

    def teardown(self) -> None:
        self.capacity.stop()
        self.side.close()

    @initialize()
    def begin(self) -> None:
        for number in range(PEOPLE):
            self.come(number)
            if number:
                self.find(number, Mode.VIDEO, keep_searching=True)

    def _here(self, number: int) -> Visitor | None:
        visitor = self.visitors[number]
        return visitor if visitor.is_here else None

    def _say(self, visitor: Visitor, message: ClientMessage) -> None:
        assert visitor.session is not None
        if not visitor.is_current:
            visitor.excused.append(message.event)
        self.side.say(visitor.session, message)
        self._settle()

    def _settle(self) -> None:
        """Sockets that the server gave up end, and those who read at once do."""
        self.members |= {room.room_id: room.members for room in self.side.rooms.rooms()}
        busy = True
        while busy:
            changed = [self._let_go(visitor) or self._read(visitor) for visitor in list(self.visitors)]
            busy = any(changed)

    def _read(self, visitor: Visitor) -> bool:
        if not visitor.reads or not visitor.is_here or visitor.is_current or visitor.session is None:
            return False
        self._read_one(visitor)
        return True

    def _read_one(self, visitor: Visitor) -> None:
        assert visitor.session is not None
        message = visitor.session.outbox.take()
        visitor.believe(message)
        if isinstance(message, Ping):
            self.side.say(visitor.session, Pong())
        if isinstance(message, BackAsked):
            assert visitor.user in self.members[message.room_id], "somebody else's way back"
        if visitor.is_current:
            visitor.excused.clear()

    def _let_go(self, visitor: Visitor) -> bool:
        if visitor.session is None or not visitor.is_here:
            return False
        if visitor.ended == SLOW_READER:
            self.side.sessions.disconnected(visitor.session, visitor, Ending.CUT)
            self._is_gone(visitor)
        elif visitor.is_abandoned:
            self._lose(visitor)
        else:
            return False
        return True

    def _lose(self, visitor: Visitor) -> None:
        assert visitor.session is not None
        visitor.phase, visitor.lost_at, visitor.is_abandoned = "away", self.side.now, False
        self.side.sessions.disconnected(visitor.session, visitor, Ending.LOST)

    def _is_gone(self, visitor: Visitor) -> None:
        self.void.append(visitor.token)
        self.visitors[self.visitors.index(visitor)] = Visitor()

    @rule(number=numbers)
    def come(self, number: int) -> None:
        if self.visitors[number].phase == "gone":
            _, session = self._dial(number)
            self.side.connect(session)

    def _dial(self, number: int) -> tuple[Visitor, Session]:
        """A new page, or a new connection of one."""
        visitor = self.visitors[number] = Visitor()
        visitor.session = session = self.side.open(visitor)
        while not visitor.is_current:
            self._read_one(visitor)
        return visitor, session

    @rule(
        number=numbers,
        mode=st.sampled_from([Mode.VIDEO, Mode.VIDEO, Mode.VIDEO, Mode.TEXT]),
        keep_searching=st.booleans(),
    )
    def find(self, number: int, mode: Mode, keep_searching: bool) -> None:
        visitor = self._here(number)
        if visitor is not None and visitor.phase == "idle":
            self._say(visitor, FindPartner(mode=mode, keep_searching=keep_searching))
            assert visitor.phase in ("waiting", "talking") or not visitor.reads

    @rule(number=numbers)
    def skip(self, number: int) -> None:
        if (visitor := self._here(number)) is not None:
            self._say(visitor, NextPartner())
            assert visitor.phase in ("waiting", "talking") or not visitor.reads

    @rule(number=numbers)
    def go_back(self, number: int) -> None:
        visitor = self._here(number)
        if visitor is not None and visitor.phase in ("idle", "waiting") and visitor.former is not None:
            self._say(visitor, Back(room_id=visitor.former))

    @rule(number=numbers)
    def stop(self, number: int) -> None:
        visitor = self._here(number)
        if visitor is not None and visitor.session is not None and visitor.is_current:
            self.side.say(visitor.session, LeaveRoom())
            visitor.phase, visitor.former, visitor.room = "idle", visitor.room or visitor.former, None
            self._settle()

    @rule(number=numbers)
    def chat(self, number: int) -> None:
        visitor = self._here(number)
        if visitor is not None and visitor.phase == "talking":
            self.messages += 1
            visitor.said.append(str(self.messages))
            self._say(visitor, ChatMessage(id=str(self.messages), text="x", room_id=visitor.room))

    @rule(number=numbers)
    def stop_reading(self, number: int) -> None:
        self.visitors[number].reads = False

    @rule(number=numbers, count=st.integers(1, 4))
    def read_some(self, number: int, count: int) -> None:
        visitor = self.visitors[number]
        while count and visitor.is_here and not visitor.is_current:
            self._read_one(visitor)
            count -= 1
        self._settle()

    @rule(number=numbers)
    def read_on(self, number: int) -> None:
        self.visitors[number].reads = True
        self._settle()

    @rule(number=numbers, last_words=st.integers(0, 2), under_way=st.integers(0, CAPACITY))
    def lose_the_connection(self, number: int, last_words: int, under_way: int) -> None:
        """While their partner says something, and with messages that were sent and had not arrived."""
        visitor = self._here(number)
        if visitor is None or visitor.session is None:
            return
        visitor.reads = False
        for partner in self._partners_of(number):
            for _ in range(last_words):
                self.chat(partner)
        if not visitor.is_here:
            return  # they were too slow
        for _ in range(min(under_way, len(visitor.session.outbox))):
            visitor.session.outbox.take()
        self._lose(visitor)
        self._settle()

    def _partners_of(self, number: int) -> list[int]:
        others = self.side.rooms.others_of(self.visitors[number].user)
        return [at for at, one in enumerate(self.visitors) if one.session is not None and one.user in others]

    @rule(number=numbers)
    def come_back(self, number: int) -> None:
        """After a loss; or while the old connection still stands, when a page noticed first that it is dead."""
        visitor = self.visitors[number]
        if visitor.phase == "gone":
            return
        is_known = self._is_known(visitor)
        last = visitor.heard[-1] if visitor.heard else None
        again, provisional = self._dial(number)
        again.remember(visitor)
        again.expects_failure |= not is_known
        own_token = again.token
        self.side.say(provisional, Resume(token=visitor.token, last_message=last))
        self.void.append(visitor.token)
        self._settle()
        if is_known:
            self.void.append(own_token)
            assert again.session is visitor.session
            assert visitor.phase == "away" or visitor.ended == SUPERSEDED
        else:
            assert again.session is provisional
            self.side.connect(provisional)
            again.phase = "idle"

    @rule(number=numbers, which=st.integers(0, 1_000))
    def show_an_old_token(self, number: int, which: int) -> None:
        visitor = self._here(number)
        if visitor is not None and visitor.phase == "idle" and visitor.is_current:
            visitor.expects_failure = True
            self._say(visitor, Resume(token=self.void[which % len(self.void)]))

    @rule(number=numbers, silent=st.booleans())
    def media_falls_silent_or_is_heard(self, number: int, silent: bool) -> None:
        visitor = self.visitors[number]
        if not self._is_known(visitor):
            return
        told = self.side.connections.silent.add if silent else self.side.connections.silent.discard
        told(visitor.user)
        self.side.presence.media_changed(visitor.user)
        self._settle()

    @rule(looks=st.sampled_from([1, 4, GIVEN_UP_AFTER, SILENT_AFTER, 65]))
    def time_passes(self, looks: int) -> None:
        for _ in range(looks):
            talking = {visitor: self._room_of(visitor) for visitor in self.visitors if self._is_known(visitor)}
            self.side.look()
            for visitor, room in talking.items():
                self._check_life(visitor, room)
            self._settle()

    def _is_known(self, visitor: Visitor) -> bool:
        return visitor.session is not None and self.side.directory.find(visitor.user) is visitor.session

    def _room_of(self, visitor: Visitor) -> Room | None:
        room_id = self.side.rooms.room_of(visitor.user)
        return None if room_id is None else self.side.rooms.find(room_id)

    def _check_life(self, visitor: Visitor, room: Room | None) -> None:
        """Given up are those who were lost for long, and those who are away and never came to their room."""
        assert visitor.session is not None
        is_over = visitor.phase == "away" and self.side.now - visitor.lost_at >= self.side.visits.resume_window
        is_late = room is not None and visitor.session.heard_at <= room.opened_at
        never_came = is_late and visitor.session.absence >= GIVEN_UP_AFTER
        if self._is_known(visitor):
            assert not is_over, "somebody is kept for ever"
            assert not never_came or room is not self._room_of(visitor), "somebody is waited for who never came"
            return
        assert is_over or never_came, "somebody was given up who may be back"
        self.void.append(visitor.token)
        if visitor.is_here:
            assert visitor.is_abandoned
            visitor.is_abandoned, visitor.phase = False, "away"
            self.side.sessions.disconnected(visitor.session, visitor, Ending.LOST)

    def _is_away(self, visitor: Visitor) -> bool:
        if visitor.phase == "away" or visitor.session is None:
            return True
        return (
            visitor.user in self.side.connections.silent and self.side.matchmaker.mode_of(visitor.user) is not Mode.TEXT
        )

    @rule(number=numbers)
    def vanish(self, number: int) -> None:
        visitor = self.visitors[number]
        if visitor.session is None:
            return
        self.side.sessions.close(visitor.session, PartingReason.DISCONNECTED)
        self._is_gone(visitor)
        self._settle()

    @precondition(lambda self: self.visitors[0].session is not None)
    @invariant()
    def beliefs_are_true(self) -> None:
        matchmaker, rooms = self.side.matchmaker, self.side.rooms
        for visitor in self.visitors:
            if not visitor.is_current:
                continue
            user, is_away = visitor.user, self._is_away(visitor)
            assert (visitor.phase == "waiting") == matchmaker.is_searching(user)
            assert not (is_away and user in matchmaker)
            assert (visitor.phase == "talking") == (user in rooms)
            assert visitor.room == rooms.room_of(user)

    @invariant()
    def rooms_are_of_people_who_are_here_and_do_not_wait(self) -> None:
        pairs = 0
        for room in self.side.rooms.rooms():
            assert len(set(room.members)) == 2
            for member in room.members:
                assert member not in self.side.matchmaker
                assert self.side.directory.find(member) is not None
            pairs += room.mode is not Mode.TEXT
        assert len(self.side.engine.table) == 6 * pairs

    @invariant()
    def nobody_is_kept_but_those_who_are_here_or_may_be_back(self) -> None:
        known = [visitor for visitor in self.visitors if self._is_known(visitor)]
        assert len(self.side.directory) == len(known)
        assert self.side.directory.present == sum(visitor.is_here for visitor in known)
        assert self.side.directory.lost == sum(not visitor.is_here for visitor in known)

    @invariant()
    def partners_heard_what_was_said(self) -> None:
        for room in self.side.rooms.rooms():
            both = [visitor for visitor in self.visitors if visitor.session and visitor.user in room.members]
            assert len(both) == 2
            for listener, speaker in (both, both[::-1]):
                if listener.is_current:
                    assert listener.partner_away == self._is_away(speaker)
                    if speaker.room == room.room_id:
                        assert listener.heard == speaker.said


TestControlSide = Machine.TestCase
# Fifty of them, or five hundred with `--hypothesis-profile long`.
TestControlSide.settings = hypothesis_settings(
    max_examples=hypothesis_settings().max_examples // 2, stateful_step_count=50
)
