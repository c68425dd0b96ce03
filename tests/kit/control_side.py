"""Sessions, matchmaker, lobby and rooms as they are put together in a server, without sockets and media."""

import itertools
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from unittest import mock

from relay import clock
from relay.config.settings import (
    CapacitySettings,
    LimitsSettings,
    RatesSettings,
    TurnChoice,
    TurnSettings,
    VisitsSettings,
)
from relay.errors import RelayError
from relay.ids import PeerId, UserId
from relay.machine.capacity import Capacity, Counters, Load, limits_of
from relay.machine.pulse import Pulse
from relay.matchmaking.matchmaker import LOOK_INTERVAL, Matchmaker
from relay.media.connections import MediaConnections
from relay.media.switchboard import Switchboard
from relay.observe.journal import Journal
from relay.observe.tally import Tally
from relay.peer.candidates import Reach
from relay.peer.lines import LineId, SlotId
from relay.protocol.codec import encode
from relay.protocol.limits import Limits
from relay.protocol.messages import ClientMessage, ServerMessage
from relay.room.host import RoomHost
from relay.session.directory import Directory
from relay.session.events import Handlers
from relay.session.handling.attendance import Attendance
from relay.session.handling.media import MediaEvents
from relay.session.handling.search import Search
from relay.session.handling.talk import Talk
from relay.session.keeping import Keeping
from relay.session.presence import Presence
from relay.session.reception import Reception
from relay.session.session import Session, Socket
from relay.session.sessions import Sessions
from relay.session.turn import InsideTurn, OutsideTurn, Turn
from tests.kit.payers import payer

LIMITLESS = 1_000_000

TLS_HOST = "chat.example.org:443"
"""By which everybody's browser reaches the server."""
NOWHERE = Reach((), udp_port=1)


class FakeConnections:
    """Who has a media connection, so that their session is worth keeping."""

    def __init__(self, switchboard: Switchboard) -> None:
        self.silent: set[UserId] = set()
        self._users: set[UserId] = set()
        self._numbers = itertools.count(1)
        self._switchboard = switchboard

    def connect(self, user: UserId) -> None:
        self._users.add(user)
        self._switchboard.attach(user, PeerId(next(self._numbers)))

    def is_silent(self, user: UserId) -> bool:
        return user in self.silent

    def path_of(self, user: UserId) -> str | None:
        return None

    def holds(self, user: UserId) -> bool:
        return user in self._users

    def hang_up(self, user: UserId) -> None:
        self.silent.discard(user)
        self._users.discard(user)
        self._switchboard.detach(user)


class FakeTurnPort:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.orders: list[str] = []
        self.admitted: dict[str, bytes] = {}
        """Keys by user name."""

    def admit_turn(self, username: str, key: bytes) -> None:
        self.orders.append("admit")
        self.admitted[username] = key

    def release_turn(self, username: str) -> None:
        self.orders.append("release")
        del self.admitted[username]

    def tell_turn_peers(self, addresses: Sequence[tuple[str, int]]) -> None:
        raise AssertionError("that is not for sessions")

    def adopt_turn(self, connection: socket.socket, tls: object, first: bytes) -> None:
        raise AssertionError("that is not for sessions")


class NoArchive:
    """Chats are not kept."""

    days = 0

    def begin(self, *args: object) -> None:
        raise AssertionError

    add = erase = begin


class FakeEngine:
    """Keeps the table that the switchboard asks for."""

    def __init__(self) -> None:
        self.table: dict[SlotId, LineId] = {}

    def route(self, slot: SlotId, source: LineId | None) -> None:
        if source is None:
            self.table.pop(slot, None)
        else:
            self.table[slot] = source


@dataclass(eq=False)
class FakeSocket:
    """Remembers what the server does with it."""

    ended: int | None = None
    """With which close code."""
    turned_away: RelayError | None = None
    abandoned: bool = False

    def take_over(self, session: Session) -> None:
        pass

    def end(self, code: int, reason: str) -> None:
        self.ended = code

    def turn_away(self, error: RelayError) -> None:
        self.turned_away = error

    def abandon(self) -> None:
        self.abandoned = True


@dataclass
class ControlSide:
    """Time stands still until it is let pass. To be closed."""

    places: int
    now: float = 1_000.0
    engine: FakeEngine = field(default_factory=FakeEngine)
    turn: FakeTurnPort = field(default_factory=FakeTurnPort)
    media: Callable[[Switchboard, Journal], MediaConnections] | None = None
    """Makes real connections, in the place of `connections`."""

    def __post_init__(self) -> None:
        self._clock = mock.patch.object(clock, "monotonic", self._read_clock)
        self._clock.start()
        self.tally = Tally()
        journal = Journal(self.tally)
        self.directory = Directory(self.places, self.places, rank=lambda session: self.presence.rank(session))
        self.switchboard = Switchboard(self.engine)  # type: ignore[arg-type]  # only route() is used
        self.rooms = RoomHost(self.switchboard, self.directory, journal)
        self.matchmaker = Matchmaker(rooms=self.rooms, post=self.directory, journal=journal, report=fail)
        self.connections = FakeConnections(self.switchboard)
        connections = self.connections if self.media is None else self.media(self.switchboard, journal)
        self.capacity = Capacity(
            limits=limits_of(CapacitySettings(max_people=self.places), media_threads=1),
            present=lambda: self.directory.present,
            counters=lambda: Counters(packets=0, cache=0),
            pulse=Pulse(fail),
            report=fail,
        )
        shared = {
            "directory": self.directory,
            "matchmaker": self.matchmaker,
            "rooms": self.rooms,
            "connections": connections,
            "journal": journal,
        }
        self.presence = Presence(**shared)  # type: ignore[arg-type]  # no media here
        if isinstance(connections, MediaConnections):
            connections.listener = self.presence
        limits = Limits.configured(LimitsSettings())
        self.visits = VisitsSettings()
        self.sessions = Sessions(
            **shared,  # type: ignore[arg-type]  # no media here
            presence=self.presence,
            capacity=self.capacity,
            visits=self.visits,
            turn=Turn(
                inside=InsideTurn(TurnChoice.TLS, reach=lambda: NOWHERE, takes_tls=lambda: True),
                outside=OutsideTurn.configured(TurnSettings()),
                port=self.turn,
            ),
            limits=limits,
            rates=RatesSettings(rate_skip=LIMITLESS, rate_chat=LIMITLESS, rate_other=LIMITLESS),
            report=fail,
        )
        keeping = Keeping(archive=NoArchive(), rooms=self.rooms, directory=self.directory, journal=journal)
        self.reception = Reception(
            sessions=self.sessions,
            presence=self.presence,
            handlers=Handlers(
                search=Search(self.matchmaker, self.presence),
                talk=Talk(self.rooms, keeping),
                media=MediaEvents(connections, self.rooms, limits),  # type: ignore[arg-type]  # no media here
                attendance=Attendance(self.sessions),
            ),
            limits=limits,
            journal=journal,
        )

    def close(self) -> None:
        """Give the clock back."""
        self._clock.stop()

    def open(self, socket: Socket) -> Session:
        """Somebody comes, from where everybody comes from."""
        return self.sessions.open(socket, payer(), tls_host=TLS_HOST)

    def connect(self, session: Session) -> None:
        """Their media connection is made."""
        self.connections.connect(session.user)

    def say(self, session: Session, message: ClientMessage) -> None:
        self.reception.receive(session, encode(message))

    def look(self) -> None:
        """What the server does by itself twice a second, after that time."""
        self.now += LOOK_INTERVAL
        self.matchmaker._look_after_waiting()
        self.presence.look_for_silence()
        self.sessions._expire()
        self.sessions._give_up_ghosts()

    def burden(self, cpu: float) -> None:
        """Let the server measure this for a while."""
        for _ in range(60):
            self.capacity.take(Load(people=0, packets=0.0, cpu=cpu, lag=0.0, cache=0))

    def _read_clock(self) -> float:
        return self.now


def read(session: Session) -> list[ServerMessage]:
    """Everything that waits in somebody's outbox."""
    return [session.outbox.take() for _ in range(len(session.outbox))]


def fail(task: str, failure: BaseException) -> None:
    raise AssertionError(task) from failure
