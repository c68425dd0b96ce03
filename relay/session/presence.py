"""Who can be reached: nobody is paired with the others, and those who talk with them know.

A person is away while their connection is lost, and while nothing comes from where their media does; those
who only write need no media. Pages that others count on have to run, too: a browser keeps a WebSocket open, and
answers its pings, for a page that the system has frozen.

Who is away may be back, so their partner waits for them; but not for long where nothing was there yet to go on with.
"""

from relay import clock
from relay.errors import ErrorCode, RelayError
from relay.ids import UserId
from relay.matchmaking.matchmaker import Matchmaker
from relay.media.connections import MediaConnections
from relay.observe.happenings import PageSilent
from relay.observe.journal import Journal
from relay.protocol.messages import Mode, Ping
from relay.room.host import RoomHost
from relay.session.directory import Directory, refusal
from relay.session.session import Session
from relay.session.states import VisitorState

LOOK_INTERVAL = 0.5
"""Seconds between looks at who is silent."""

ASKED_AFTER, SILENT_AFTER = 8, 16
"""Looks at a page that has said nothing, after which it is asked whether it runs, and after which it is taken
not to. They are looks and not seconds: while the server itself stands still, nobody is silent."""

GIVEN_UP_AFTER = 12
"""Looks at somebody who is away, and of whom nothing has come since they were paired, after which nobody waits for
them. A page whose way is gone in that moment counts as away 4 s later at the earliest, and knows and dials 9 s later
at the latest."""

JUST_OPENED = 15.0
"""Seconds that somebody has to begin before a newcomer at their address is preferred."""


class Presence:
    """Keeps matchmaker and rooms informed, and people of their own connections: a `ConnectionsListener`."""

    def __init__(
        self,
        *,
        directory: Directory,
        matchmaker: Matchmaker,
        rooms: RoomHost,
        connections: MediaConnections,
        journal: Journal,
    ) -> None:
        self._directory = directory
        self._matchmaker = matchmaker
        self._rooms = rooms
        self._connections = connections
        self._journal = journal

    def connection_lost(self, user: UserId) -> None:
        """The person's media connection failed: their browser is to make another."""
        self._directory.tell(user, refusal(RelayError(ErrorCode.CONNECTION_FAILED, "The media connection was lost.")))

    def partner_unseen(self, user: UserId) -> None:
        """The person's browser can't show what their partner sends."""
        sentence = "Your browser can't show your partner's picture, and the server can't convert it now."
        self._directory.tell(user, refusal(RelayError(ErrorCode.NO_COMMON_CODEC, sentence)))

    def media_changed(self, user: UserId) -> None:
        """Nothing comes any more from where the person's media came from, or something does again."""
        if (session := self._directory.find(user)) is not None:
            self.note_change(session)

    def note_change(self, session: Session) -> None:
        """Something changed by which the person may have gone away or come back."""
        user = session.user
        needs_media = self._matchmaker.mode_of(user) is not Mode.TEXT
        away = session.socket is None or (needs_media and self._connections.is_silent(user))
        if away == session.away:
            return
        session.away, session.absence = away, 0
        if away:
            self._matchmaker.lose(user)
            self._rooms.lost(user)
            if session.socket is not None:
                # A page that runs says so before anybody gives it up.
                session.outbox.put(Ping())
        else:
            self._rooms.returned(user)
            self._matchmaker.welcome_back(user, clock.monotonic())

    def rank(self, session: Session) -> int:
        """How much would be lost with a person's place: what they are in the middle of, most first."""
        match self.state_of(session.user):
            case VisitorState.TALKING:
                return 3
            case VisitorState.WAITING:
                return 2
            case VisitorState.IDLE:
                return 1 if clock.monotonic() - session.opened_at < JUST_OPENED else 0

    def state_of(self, user: UserId) -> VisitorState:
        """Where the person stands."""
        if user in self._rooms:
            return VisitorState.TALKING
        return VisitorState.WAITING if user in self._matchmaker else VisitorState.IDLE

    def look_for_silence(self) -> None:
        """Ask pages that say nothing, and give up those that do not answer."""
        for session in self._directory.sessions():
            if session.socket is None or self.state_of(session.user) is VisitorState.IDLE:
                session.silence = 0
                continue
            session.silence += 1
            if session.silence == ASKED_AFTER:
                session.outbox.put(Ping())
            elif session.silence == SILENT_AFTER:
                self._journal.note(PageSilent(user=session.user))
                session.socket.abandon()

    def look_for_ghosts(self) -> list[Session]:
        """Those who never came to the conversation that they are in, and whom nobody is to wait for any more."""
        ghosts = []
        for session in self._directory.sessions():
            if session.away:
                session.absence += 1
                if session.absence >= GIVEN_UP_AFTER and self._never_came(session):
                    ghosts.append(session)
        return ghosts

    def _never_came(self, session: Session) -> bool:
        user = session.user
        is_on_air = self._connections.path_of(user) is not None and not self._connections.is_silent(user)
        return not is_on_air and self._rooms.never_came(user, session.heard_at)
