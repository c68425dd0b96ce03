"""Who is here: by name, by token, and whose connection is lost."""

from relay.errors import ErrorCode, RelayError
from relay.ids import SessionToken, UserId
from relay.protocol.messages import ErrorMessage, ServerMessage
from relay.session.session import Session


class Directory:
    """Lower layers deliver through `tell`; a message to someone who left is dropped."""

    def __init__(self) -> None:
        self._sessions: dict[UserId, Session] = {}
        self._tokens: dict[SessionToken, Session] = {}
        self._lost: dict[UserId, Session] = {}  # in the order of loss

    def __len__(self) -> int:
        return len(self._sessions)

    @property
    def present(self) -> int:
        """How many have a connection."""
        return len(self._sessions) - len(self._lost)

    def places_taken(self) -> int:
        """Whoever lost their connection comes back through a new one: their place is not given away twice. Half of
        all places are kept for them at most."""
        return max(self.present, (len(self) + 1) // 2)

    @property
    def lost(self) -> int:
        """How many lost their connection, and may come back."""
        return len(self._lost)

    def is_away(self, user: UserId) -> bool:
        """Whether the person is here, but can't be reached."""
        session = self._sessions.get(user)
        return session is not None and session.away

    def find(self, user: UserId) -> Session | None:
        """The person's session, if they are here."""
        return self._sessions.get(user)

    def sessions(self) -> list[Session]:
        return list(self._sessions.values())

    def users(self) -> set[UserId]:
        return set(self._sessions)

    def add(self, session: Session) -> None:
        self._sessions[session.user] = session
        self._tokens[session.token] = session

    def remove(self, session: Session) -> bool:
        """False if the session was not here."""
        self._lost.pop(session.user, None)
        self._tokens.pop(session.token, None)
        return self._sessions.pop(session.user, None) is not None

    def lose(self, session: Session, now: float) -> None:
        """The session's connection is lost."""
        session.link, session.lost_at = None, now
        self._lost[session.user] = session

    def reclaim(self, shown: str, token: SessionToken) -> Session | None:
        """The session with the shown token, which is void from now on: the new one takes its place."""
        session = self._tokens.pop(SessionToken(shown), None)
        if session is not None:
            self._lost.pop(session.user, None)
            session.token = token
            self._tokens[token] = session
        return session

    def expired(self, before: float) -> list[Session]:
        """Sessions whose connection was lost before that time."""
        gone = []
        for session in self._lost.values():
            if session.lost_at > before:
                break
            gone.append(session)
        return gone

    def tell(self, user: UserId, message: ServerMessage) -> None:
        if session := self._sessions.get(user):
            session.outbox.put(message)

    def connection_lost(self, user: UserId) -> None:
        """The person's media connection failed: their browser is to make another."""
        self.tell(user, refusal(RelayError(ErrorCode.CONNECTION_FAILED, "The media connection was lost.")))

    def partner_unseen(self, user: UserId) -> None:
        """The person's browser can't show what their partner sends."""
        sentence = "Your browser can't show your partner's picture, and the server can't convert it now."
        self.tell(user, refusal(RelayError(ErrorCode.NO_COMMON_CODEC, sentence)))


def refusal(error: RelayError) -> ErrorMessage:
    """The one place where an error becomes a message."""
    return ErrorMessage(
        code=error.code,
        message=error.sentence,
        refused=error.about.event,
        id=error.about.message_id,
        retry_after=error.retry_after,
    )
