"""That somebody is there, and that they are back: for the sessions."""

from relay.protocol.messages import Ping, Pong, Resume
from relay.session.session import Session
from relay.session.sessions import Sessions


class Attendance:
    """Handles events of clients, each in its turn."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def ping(self, session: Session, message: Ping, now: float) -> None:
        session.outbox.put(Pong())

    def pong(self, session: Session, message: Pong, now: float) -> None:
        """That it came is all it says."""

    def resume(self, session: Session, message: Resume, now: float) -> None:
        self._sessions.resume(session, message.token, message.last_message)
