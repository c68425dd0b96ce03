"""Who is here: by name, by token, by address, and whose connection is lost.

Owns the places. Those who are present share `most` of them, and those whose connection is lost as many again: what is
kept for one address never keeps a place from another.
"""

from collections.abc import Callable

from relay.errors import RelayError
from relay.ids import SessionToken, UserId
from relay.ledger.accounts import Payer
from relay.ledger.table import Table, Takes
from relay.protocol.messages import ErrorMessage, ServerMessage
from relay.session.session import Session


class Directory:
    """The `Post` of this process."""

    def __init__(self, most: int, most_per_address: int, rank: Callable[[Session], int]) -> None:
        """`rank` says how much would be lost with somebody's place: it is taken from those who would lose least."""
        self._sessions: dict[UserId, Session] = {}
        self._tokens: dict[SessionToken, Session] = {}
        self._present: Table[Session] = Table(most, Takes.NEWEST, most_each=most_per_address, rank=rank)
        self._lost: Table[Session] = Table(most, Takes.NEWEST, most_each=most_per_address)
        """In the order of loss."""

    def __len__(self) -> int:
        return len(self._sessions)

    @property
    def present(self) -> int:
        """How many have a connection."""
        return len(self._present)

    @property
    def lost(self) -> int:
        """How many lost their connection, and may come back."""
        return len(self._lost)

    def has_all_it_may(self, payer: Payer) -> bool:
        """Whether an address has as many places as one may have."""
        return self._present.is_crowded(payer.groups)

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

    def add(self, session: Session, *, full: bool = False) -> Session | None:
        """Let somebody in. Returns who has to go for them; that may be themselves, who then are not let in.

        `full` says that nobody more can be taken, whatever there is of places.
        """
        taken = self._present.enter(session, session.payer.groups, full=full)
        if taken is not session:
            self._sessions[session.user] = session
            self._tokens[session.token] = session
        return taken

    def remove(self, session: Session) -> bool:
        """False if the session was not here."""
        self._present.leave(session)
        self._lost.leave(session)
        self._tokens.pop(session.token, None)
        return self._sessions.pop(session.user, None) is not None

    def lose(self, session: Session, now: float) -> Session | None:
        """The session's connection is lost. Returns who is given up for it, if anybody; it may be the same."""
        self._present.leave(session)
        session.socket, session.lost_at = None, now
        return self._lost.enter(session, session.payer.groups)

    def reclaim(self, shown: str, token: SessionToken) -> Session | None:
        """The session with the shown token, which is void from now on: the new one takes its place."""
        session = self._tokens.pop(SessionToken(shown), None)
        if session is not None:
            session.token = token
            self._tokens[token] = session
        return session

    def take_over(self, session: Session, provisional: Session) -> None:
        """Somebody is back, in the place and at the address of who turns out to be them."""
        self.remove(provisional)
        self._lost.leave(session)
        self._present.leave(session)
        session.payer, session.tls_host = provisional.payer, provisional.tls_host
        self._present.enter(session, session.payer.groups)

    def expired(self, before: float) -> list[Session]:
        """Sessions whose connection was lost before that time."""
        gone = []
        for session in self._lost:
            if session.lost_at > before:
                break
            gone.append(session)
        return gone

    def tell(self, user: UserId, message: ServerMessage) -> None:
        if session := self._sessions.get(user):
            session.outbox.put(message)


def refusal(error: RelayError) -> ErrorMessage:
    """The one place where an error becomes a message."""
    return ErrorMessage(
        code=error.code,
        message=error.sentence,
        refused=error.about.event,
        id=error.about.message_id,
        retry_after=error.retry_after,
    )
