"""Everybody who is connected: takes what they say, decides whether it may be said now, passes it on.

Owns the sessions and their outboxes. What a message means is decided below: by the matchmaker, the
rooms and the connections.
"""

from dataclasses import dataclass, field

from relay import clock
from relay.config import Settings
from relay.errors import About, ErrorCode, RelayError
from relay.ids import UserId, new_user_id
from relay.matchmaking.matchmaker import Matchmaker, Wish
from relay.media.connections import Connections
from relay.observe.logging import get_logger
from relay.observe.tally import Tally
from relay.protocol.codec import about, decode
from relay.protocol.limits import Limits
from relay.protocol.messages import (
    ChatMessage,
    ClientMessage,
    Connected,
    ErrorMessage,
    FindPartner,
    LeaveRoom,
    MediaState,
    NextPartner,
    PartingReason,
    ServerMessage,
    Typing,
    WebrtcAnswer,
    WebrtcIceCandidate,
    WebrtcOffer,
)
from relay.room.host import RoomHost
from relay.session.outbox import Outbox
from relay.session.rates import Activity, RateLimiter, activity_of
from relay.session.states import ALLOWED, VisitorState
from relay.session.turn import Turn

FULL_RETRY = 30.0
"""Seconds after which a visitor who found the server full may try again."""

UNREADABLE = "unreadable"
"""How frames that hold no event are counted."""

log = get_logger("session")


@dataclass(slots=True)
class Session:
    """One visitor's presence."""

    user: UserId
    rates: RateLimiter
    outbox: Outbox = field(default_factory=Outbox)
    candidates: int = 0


class Directory:
    """Who is here. Lower layers deliver through `tell`; a message to someone who left is dropped."""

    def __init__(self) -> None:
        self._sessions: dict[UserId, Session] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def users(self) -> set[UserId]:
        return set(self._sessions)

    def add(self, session: Session) -> None:
        self._sessions[session.user] = session

    def remove(self, session: Session) -> bool:
        """False if the session was not here."""
        return self._sessions.pop(session.user, None) is not None

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
        settings: Settings,
        tally: Tally,
    ) -> None:
        self._directory = directory
        self._matchmaker = matchmaker
        self._rooms = rooms
        self._connections = connections
        self._settings = settings
        self._tally = tally
        self._turn = Turn.configured(settings)
        self._limits = Limits(
            message_bytes=settings.max_message_bytes,
            chat_characters=settings.max_chat_characters,
            sdp_bytes=settings.max_sdp_bytes,
            sdp_lines=settings.max_sdp_lines,
            candidates=settings.max_candidates,
        )

    def open(self) -> Session:
        """Let a visitor in and greet them.

        Raises:
            RelayError: SERVER_FULL.
        """
        if len(self._directory) >= self._settings.max_people:
            sentence = "The server is full. Please try again later."
            raise RelayError(ErrorCode.SERVER_FULL, sentence, retry_after=FULL_RETRY)
        session = Session(new_user_id(), RateLimiter(self._settings))
        self._directory.add(session)
        self._tally.connections += 1
        log.info("session_opened", user=session.user)
        servers = self._turn.servers(session.user, clock.unix())
        session.outbox.put(Connected(user_id=session.user, limits=self._limits, ice_servers=servers))
        return session

    def receive(self, session: Session, frame: str) -> float:
        """Act on one text frame. What is wrong with it goes back as `error`; nobody else notices.

        Returns:
            Seconds to wait before the next frame is read: 0 but for those who send too much.
        """
        now = clock.monotonic()
        try:
            message = decode(frame, self._limits)
        except RelayError as error:
            self._tally.messages[UNREADABLE] += 1
            return self.refuse(session, error, now)
        self._tally.messages[message.event] += 1
        try:
            return self._act_in_turn(session, message, now)
        except RelayError as error:
            return self.refuse(session, error, now)

    def refuse(self, session: Session, error: RelayError, now: float) -> float:
        """Tell the visitor what was wrong. Returns as `receive` does."""
        self._tally.refusals[error.code] += 1
        session.outbox.put(refusal(error))
        return session.rates.take(Activity.OTHER, now)

    def close(self, session: Session, reason: PartingReason) -> None:
        """The visitor is gone, for the reason that their partner is told. Idempotent."""
        if not self._directory.remove(session):
            return
        self._forget(session.user, reason)
        self._tally.departures[reason.value] += 1
        log.info("session_closed", user=session.user, reason=reason.value)

    def sweep(self) -> int:
        """Clean up after people who vanished without a close; returns how many. There should be none."""
        strays = self._rooms.strays(self._directory.users())
        for user in strays:
            self._forget(user, PartingReason.DISCONNECTED)
        return len(strays)

    def state(self, session: Session) -> VisitorState:
        if session.user in self._rooms:
            return VisitorState.TALKING
        return VisitorState.WAITING if session.user in self._matchmaker else VisitorState.IDLE

    def _forget(self, user: UserId, reason: PartingReason) -> None:
        self._matchmaker.forget(user, reason, clock.monotonic())
        self._rooms.forget(user)
        self._connections.hang_up(user)

    def _act_in_turn(self, session: Session, message: ClientMessage, now: float) -> float:
        activity = activity_of(message)
        wait = session.rates.take(activity, now)
        if wait > 0:
            self._tally.limit_hits[activity.value] += 1
        if wait > 0 and activity is not Activity.OTHER:
            raise RelayError(
                ErrorCode.RATE_LIMITED, "That was too often.", retry_after=round(wait, 1), about=about(message)
            )
        if type(message) not in ALLOWED[self.state(session)]:
            sentence = f"{message.event} is not possible now."
            raise RelayError(ErrorCode.OUT_OF_TURN, sentence, about=about(message))
        self._act(session, message, now)
        return wait

    def _act(self, session: Session, message: ClientMessage, now: float) -> None:
        user = session.user
        match message:
            case FindPartner(mode=mode, keep_searching=keep_searching):
                self._matchmaker.find(user, now, Wish(mode, keep_searching))
            case NextPartner():
                self._matchmaker.next(user, now)
            case LeaveRoom():
                self._matchmaker.part(user, PartingReason.LEFT, now)
            case ChatMessage():
                self._rooms.say(user, message)
            case Typing():
                self._rooms.show_typing(user, message)
            case MediaState():
                self._rooms.share(user, message)
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
            raise RelayError(
                ErrorCode.TOO_MANY_CANDIDATES,
                "No more candidates are taken.",
                about=About(WebrtcIceCandidate.event),
            )


def refusal(error: RelayError) -> ErrorMessage:
    """The one place where an error becomes a message."""
    return ErrorMessage(
        code=error.code,
        message=error.sentence,
        refused=error.about.event,
        id=error.about.message_id,
        retry_after=error.retry_after,
    )
