"""Sessions, matchmaker, lobby and rooms together, whatever the order of events.

Real parts but for the sockets and the media: each visitor is a fake socket that reads its outbox at
once, and believes what a client would believe. What they believe must be what the server knows.
"""

from dataclasses import dataclass, field

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from relay.config.settings import (
    CapacitySettings,
    LimitsSettings,
    RatesSettings,
    TurnSettings,
    VisitsSettings,
)
from relay.errors import RelayError
from relay.ids import PeerId, UserId
from relay.machine.capacity import Capacity, Counters, limits_of
from relay.machine.pulse import Pulse
from relay.matchmaking.matchmaker import Matchmaker
from relay.media.switchboard import Switchboard
from relay.observe.journal import Journal
from relay.observe.tally import Tally
from relay.peer.lines import Line, Slot
from relay.protocol.codec import encode
from relay.protocol.limits import Limits
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
    Resume,
    Resumed,
    WaitingForPartner,
)
from relay.room.host import RoomHost
from relay.session.directory import Directory
from relay.session.events import Handlers
from relay.session.handling.attendance import Attendance
from relay.session.handling.media import MediaEvents
from relay.session.handling.search import Search
from relay.session.handling.talk import Talk
from relay.session.presence import Presence
from relay.session.reception import Reception
from relay.session.session import Session
from relay.session.sessions import Sessions
from relay.session.turn import Turn
from tests.kit.payers import payer

PEOPLE = 4
LIMITLESS = 1_000_000


class FakeConnections:
    """Everyone has a media connection, so that every session is worth keeping."""

    def __init__(self) -> None:
        self.silent: set[UserId] = set()

    def is_silent(self, user: UserId) -> bool:
        return user in self.silent

    def path_of(self, user: UserId) -> str | None:
        return None

    def holds(self, user: UserId) -> bool:
        return True

    def hang_up(self, user: UserId) -> None:
        self.silent.discard(user)


class FakeEngine:
    """Keeps the table that the switchboard asks for."""

    def __init__(self) -> None:
        self.table: dict[Slot, Line] = {}

    def route(self, slot: Slot, source: Line | None) -> None:
        if source is None:
            self.table.pop(slot, None)
        else:
            self.table[slot] = source


@dataclass
class Visitor:
    """A client's beliefs, and its socket."""

    session: Session | None = None
    token: str = ""
    phase: str = "gone"
    room: str | None = None
    former: str | None = None
    """The last conversation there was."""
    partner_away: bool = False
    heard: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def take_over(self, session: Session) -> None:
        self.session = session

    def end(self, code: int, reason: str) -> None:
        raise AssertionError(f"nobody is sent away here: {reason}")

    def turn_away(self, error: RelayError) -> None:
        raise AssertionError(f"there is a place for everybody: {error}")

    def abandon(self) -> None:
        raise AssertionError("nobody is silent here")

    def read(self) -> None:
        """Believe everything that waits in the outbox."""
        while self.session is not None and len(self.session.outbox):
            self._believe(self.session.outbox.take())

    def _believe(self, message: object) -> None:
        match message:
            case Connected(session_token=token):
                self.token, self.phase, self.room = token, "idle", None
            case Resumed(session_token=token, room_id=room, searching=searching):
                self.token, self.room, self.partner_away = token, room, False
                self.phase = "talking" if room else "waiting" if searching else "idle"
            case WaitingForPartner():
                self.phase, self.room = "waiting", None
            case PartnerFound(room_id=room):
                self.phase, self.room, self.partner_away, self.heard, self.said = "talking", room, False, [], []
            case PartnerDisconnected():
                assert self.phase == "talking"
                self.phase, self.former, self.room = "idle", self.room, None
            case BackAsked(room_id=room):
                assert room == self.former or self.former is None, "somebody else's way back"
            case PartnerReconnecting():
                self.partner_away = True
            case PartnerResumed():
                self.partner_away = False
            case ChatMessage(id=name):
                assert name not in self.heard, "a message came twice"
                self.heard.append(name)
            case ErrorMessage(refused="back"):
                pass  # there was no way back any more
            case ErrorMessage():
                raise AssertionError(message)


class ControlSide(RuleBasedStateMachine):
    """No double pairing, no self pairing, nobody lost, no chat lost or doubled."""

    numbers = st.integers(0, PEOPLE - 1)

    @initialize()
    def begin(self) -> None:
        self.engine = FakeEngine()
        self.tally = Tally()
        self.journal = Journal(self.tally)
        self.directory = Directory(2 * PEOPLE, 2 * PEOPLE, rank=lambda session: self.presence.rank(session))
        switchboard = Switchboard(self.engine)  # type: ignore[arg-type]  # only route() is used
        self.switchboard = switchboard
        self.rooms = RoomHost(switchboard, self.directory, self.journal)
        self.matchmaker = Matchmaker(rooms=self.rooms, post=self.directory, journal=self.journal, report=_fail)
        self.connections = FakeConnections()
        shared = {
            "directory": self.directory,
            "matchmaker": self.matchmaker,
            "rooms": self.rooms,
            "connections": self.connections,
            "journal": self.journal,
        }
        self.presence = Presence(**shared)  # type: ignore[arg-type]  # no media here
        limits = Limits.configured(LimitsSettings())
        capacity = CapacitySettings(max_people=2 * PEOPLE)
        self.sessions = Sessions(
            **shared,  # type: ignore[arg-type]  # as above
            presence=self.presence,
            capacity=Capacity(
                limits=limits_of(capacity, media_threads=1),
                present=lambda: self.directory.present,
                counters=lambda: Counters(packets=0, cache=0),
                pulse=Pulse(_fail),
                report=_fail,
            ),
            visits=VisitsSettings(),
            turn=Turn.configured(TurnSettings()),
            limits=limits,
            rates=RatesSettings(rate_skip=LIMITLESS, rate_chat=LIMITLESS, rate_other=LIMITLESS),
            report=_fail,
        )
        self.reception = Reception(
            sessions=self.sessions,
            presence=self.presence,
            handlers=Handlers(
                search=Search(self.matchmaker, self.presence),
                talk=Talk(self.rooms),
                media=MediaEvents(self.connections, self.rooms, limits),  # type: ignore[arg-type]  # no media here
                attendance=Attendance(self.sessions),
            ),
            limits=limits,
            journal=self.journal,
        )
        self.visitors = [Visitor() for _ in range(PEOPLE)]
        self.peers: dict[UserId, PeerId] = {}
        self.messages = 0
        for number in range(PEOPLE):
            self.come(number)
            if number:
                self.find(number, Mode.VIDEO, keep_searching=True)

    def _present(self, number: int) -> Visitor | None:
        visitor = self.visitors[number]
        return visitor if visitor.phase not in ("gone", "away") else None

    def _say(self, visitor: Visitor, message: ClientMessage) -> None:
        assert visitor.session is not None
        self.reception.receive(visitor.session, encode(message))
        if isinstance(message, LeaveRoom):
            visitor.phase, visitor.room = "idle", None
        self._everybody_reads()

    def _everybody_reads(self) -> None:
        for visitor in self.visitors:
            if visitor.phase != "away":
                visitor.read()

    @rule(number=numbers)
    def come(self, number: int) -> None:
        visitor = self.visitors[number]
        if visitor.phase != "gone":
            return
        visitor.session = self.sessions.open(visitor, payer())
        user = visitor.session.user
        self.peers[user] = PeerId(len(self.peers) + 1)
        self.switchboard.attach(user, self.peers[user])
        visitor.read()

    @rule(
        number=numbers,
        mode=st.sampled_from([Mode.VIDEO, Mode.VIDEO, Mode.VIDEO, Mode.TEXT]),
        keep_searching=st.booleans(),
    )
    def find(self, number: int, mode: Mode, keep_searching: bool) -> None:
        visitor = self._present(number)
        if visitor is not None and visitor.phase == "idle":
            self._say(visitor, FindPartner(mode=mode, keep_searching=keep_searching))
            assert visitor.phase in ("waiting", "talking")

    @rule(number=numbers)
    def skip(self, number: int) -> None:
        if (visitor := self._present(number)) is not None:
            visitor.former = visitor.room or visitor.former
            self._say(visitor, NextPartner())
            assert visitor.phase in ("waiting", "talking")

    @rule(number=numbers)
    def go_back(self, number: int) -> None:
        visitor = self._present(number)
        if visitor is not None and visitor.phase in ("idle", "waiting") and visitor.former is not None:
            self._say(visitor, Back(room_id=visitor.former))

    @rule(number=numbers)
    def stop(self, number: int) -> None:
        if (visitor := self._present(number)) is not None:
            self._say(visitor, LeaveRoom())

    @rule(number=numbers)
    def chat(self, number: int) -> None:
        visitor = self._present(number)
        if visitor is not None and visitor.phase == "talking":
            self.messages += 1
            visitor.said.append(str(self.messages))
            self._say(visitor, ChatMessage(id=str(self.messages), text="x"))

    @rule(number=numbers)
    def lose_the_connection(self, number: int) -> None:
        visitor = self._present(number)
        if visitor is None or visitor.session is None:
            return
        visitor.phase = "away"
        self.sessions.disconnected(visitor.session, visitor, lost=True)
        self._everybody_reads()

    @rule(number=numbers)
    def come_back(self, number: int) -> None:
        visitor = self.visitors[number]
        if visitor.phase != "away":
            return
        last = visitor.heard[-1] if visitor.heard else None
        again = Visitor(token=visitor.token, room=visitor.room, heard=visitor.heard, said=visitor.said)
        provisional = self.sessions.open(again, payer())
        again.session = provisional
        again.token = visitor.token
        provisional.outbox._waiting.clear()
        self.visitors[number] = again
        self.reception.receive(provisional, encode(Resume(token=visitor.token, last_message=last)))
        self._everybody_reads()

    @rule(number=numbers, silent=st.booleans())
    def media_falls_silent_or_is_heard(self, number: int, silent: bool) -> None:
        visitor = self.visitors[number]
        if visitor.phase == "gone" or visitor.session is None:
            return
        user = visitor.session.user
        (self.connections.silent.add if silent else self.connections.silent.discard)(user)
        self.presence.media_changed(user)
        self._everybody_reads()

    def _is_away(self, visitor: Visitor) -> bool:
        if visitor.phase == "away" or visitor.session is None:
            return True
        user = visitor.session.user
        return user in self.connections.silent and self.matchmaker.mode_of(user) is not Mode.TEXT

    @rule(number=numbers)
    def vanish(self, number: int) -> None:
        visitor = self.visitors[number]
        if visitor.phase == "gone" or visitor.session is None:
            return
        self.sessions.close(visitor.session, PartingReason.DISCONNECTED)
        self.switchboard.detach(visitor.session.user)
        self.visitors[number] = Visitor()
        self._everybody_reads()

    @precondition(lambda self: hasattr(self, "visitors"))
    @invariant()
    def beliefs_are_true(self) -> None:
        pairs = 0
        for visitor in self.visitors:
            if visitor.phase in ("gone", "away") or visitor.session is None:
                continue
            user = visitor.session.user
            waits = self.matchmaker.searches_on_return(user) if self._is_away(visitor) else user in self.matchmaker
            assert (visitor.phase == "waiting") == waits
            assert not (self._is_away(visitor) and user in self.matchmaker)
            assert (visitor.phase == "talking") == (user in self.rooms)
            assert visitor.room == self.rooms.room_of(user)
        for room in self.rooms.rooms():
            one, other = room.members
            assert one != other
            assert one not in self.matchmaker
            assert other not in self.matchmaker
            pairs += room.mode is not Mode.TEXT
        assert len(self.engine.table) == 6 * pairs

    @precondition(lambda self: hasattr(self, "visitors"))
    @invariant()
    def partners_heard_what_was_said(self) -> None:
        for room in self.rooms.rooms():
            both = [visitor for visitor in self.visitors if visitor.session and visitor.session.user in room.members]
            assert len(both) == 2
            for listener, speaker in (both, both[::-1]):
                if listener.phase == "talking":
                    assert listener.heard == speaker.said
                    assert listener.partner_away == self._is_away(speaker)


def _fail(task: str, failure: BaseException) -> None:
    raise AssertionError(task) from failure


TestControlSide = ControlSide.TestCase
TestControlSide.settings = hypothesis_settings(max_examples=200, stateful_step_count=50, deadline=None)
