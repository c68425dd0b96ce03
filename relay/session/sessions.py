"""Everybody who is connected: takes what they say, decides whether it may be said now, passes it on.

Owns the sessions and their outboxes. What a message means is decided below: by the matchmaker, the
rooms and the connections.
"""

from dataclasses import dataclass, field

from relay import clock
from relay.errors import ErrorCode, RelayError
from relay.ids import UserId, new_user_id
from relay.matchmaking.matchmaker import Matchmaker
from relay.media.connections import Connections
from relay.observe.logging import get_logger
from relay.protocol.codec import decode
from relay.protocol.limits import Limits
from relay.protocol.messages import (
    ChatMessage,
    ClientMessage,
    Connected,
    ErrorMessage,
    FindPartner,
    LeaveRoom,
    NextPartner,
    PartingReason,
    ServerMessage,
    WebrtcAnswer,
    WebrtcIceCandidate,
    WebrtcOffer,
)
from relay.room.host import RoomHost
from relay.session.outbox import Outbox
from relay.session.states import ALLOWED, VisitorState

log = get_logger("session")


@dataclass(slots=True)
class Session:
    """One visitor's presence."""

    user: UserId
    outbox: Outbox = field(default_factory=Outbox)
    candidates: int = 0


class Directory:
    """Who is here. Lower layers deliver through `tell`; a message to someone who left is dropped."""

    def __init__(self) -> None:
        self._sessions: dict[UserId, Session] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def add(self, session: Session) -> None:
        self._sessions[session.user] = session

    def remove(self, session: Session) -> None:
        self._sessions.pop(session.user, None)

    def tell(self, user: UserId, message: ServerMessage) -> None:
        if session := self._sessions.get(user):
            session.outbox.put(message)

    def connection_lost(self, user: UserId) -> None:
        """The person's media connection failed: their browser is to make another."""
        self.tell(user, refusal(RelayError(ErrorCode.CONNECTION_FAILED, "The media connection was lost.")))


class Sessions:
    """The life of sessions, from `open` to `close`."""

    def __init__(
        self,
        directory: Directory,
        matchmaker: Matchmaker,
        rooms: RoomHost,
        connections: Connections,
        limits: Limits,
        max_people: int,
    ) -> None:
        self._directory = directory
        self._matchmaker = matchmaker
        self._rooms = rooms
        self._connections = connections
        self._limits = limits
        self._max_people = max_people

    def open(self) -> Session:
        """Let a visitor in and greet them.

        Raises:
            RelayError: SERVER_FULL.
        """
        if len(self._directory) >= self._max_people:
            raise RelayError(ErrorCode.SERVER_FULL, "The server is full. Please try again later.", retry_after=30.0)
        session = Session(new_user_id())
        self._directory.add(session)
        log.info("session_opened", user=session.user)
        session.outbox.put(Connected(user_id=session.user, limits=self._limits))
        return session

    def receive(self, session: Session, frame: str) -> None:
        """Act on one text frame. What is wrong with it goes back as `error`; nobody else notices."""
        try:
            self._act(session, decode(frame, self._limits))
        except RelayError as error:
            session.outbox.put(refusal(error))

    def close(self, session: Session, reason: PartingReason) -> None:
        """The visitor is gone, for the reason that their partner is told. Idempotent."""
        self._directory.remove(session)
        self._matchmaker.withdraw(session.user)
        self._rooms.leave(session.user, reason, clock.monotonic())
        self._connections.hang_up(session.user)
        log.info("session_closed", user=session.user, reason=reason.value)

    def state(self, session: Session) -> VisitorState:
        if session.user in self._rooms:
            return VisitorState.TALKING
        return VisitorState.WAITING if session.user in self._matchmaker else VisitorState.IDLE

    def _act(self, session: Session, message: ClientMessage) -> None:
        state, user, now = self.state(session), session.user, clock.monotonic()
        if type(message) not in ALLOWED[state]:
            raise RelayError(ErrorCode.OUT_OF_TURN, f"{message.event} is not possible now.")
        match message:
            case FindPartner():
                self._matchmaker.find(user, now)
            case NextPartner():
                self._rooms.leave(user, PartingReason.NEXT, now)
                self._matchmaker.find(user, now)
            case LeaveRoom():
                self._matchmaker.withdraw(user)
                self._rooms.leave(user, PartingReason.LEFT, now)
            case ChatMessage(text=text):
                self._rooms.say(user, text)
            case WebrtcOffer(sdp=sdp, lines=lines):
                answer = self._connections.answer(user, sdp, lines)
                session.candidates = 0
                session.outbox.put(WebrtcAnswer(sdp=answer))
            case WebrtcIceCandidate():
                self._count_candidate(session)

    def _count_candidate(self, session: Session) -> None:
        # An ICE-lite agent learns addresses from checks and never sends to a candidate.
        session.candidates += 1
        if session.candidates > self._limits.candidates:
            raise RelayError(ErrorCode.TOO_MANY_CANDIDATES, "No more candidates are taken.")


def refusal(error: RelayError) -> ErrorMessage:
    """The one place where an error becomes a message."""
    return ErrorMessage(code=error.code, message=error.sentence, retry_after=error.retry_after)
