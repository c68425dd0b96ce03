"""The life of sessions: open, lost, resumed, closed; and who has to go where there is no place for a newcomer.

What visitors say comes by way of `reception.py`.
"""

import asyncio

from relay import clock
from relay.config.settings import RatesSettings, VisitsSettings
from relay.errors import About, ErrorCode, RelayError
from relay.ids import UserId, new_session_token, new_user_id
from relay.ledger.accounts import Deed, Payer
from relay.machine.capacity import Capacity
from relay.matchmaking.matchmaker import Matchmaker
from relay.media.connections import MediaConnections
from relay.observe.browsers import UNKNOWN, Browser
from relay.observe.happenings import (
    KeptOut,
    LimitHit,
    NeverCame,
    SessionClosed,
    SessionLost,
    SessionOpened,
    SessionResumed,
    SlowReader,
)
from relay.observe.journal import Journal
from relay.observe.reasons import Reason
from relay.protocol.limits import Limits
from relay.protocol.messages import (
    Connected,
    IceServer,
    IceServers,
    PartingReason,
    PartnerReconnecting,
    Resume,
    Resumed,
    ServerDraining,
)
from relay.room.host import RoomHost
from relay.session.directory import Directory
from relay.session.presence import LOOK_INTERVAL, Presence
from relay.session.rates import RateLimiter
from relay.session.session import Ending, Session, Socket
from relay.session.turn import Turn
from relay.tasks import Report, Tasks

FULL_RETRY = 30.0
"""Seconds after which a visitor who found the server full may try again."""

CROWDED_RETRY = 60.0
"""Seconds after which an address that has all it may have may try again."""

SLOW_READER = 4000
SUPERSEDED = 4001
"""Close codes, from the range for applications (RFC 6455 section 7.4.2)."""

GOING_AWAY = 1001


def server_full() -> RelayError:
    """What newcomers are told for whom there is no place."""
    return RelayError(ErrorCode.SERVER_FULL, "The server is full. Please try again later.", retry_after=FULL_RETRY)


def server_draining() -> RelayError:
    """What newcomers are told of a server that ends: another one takes its place."""
    sentence = "The server is about to restart. Please try again in a moment."
    return RelayError(ErrorCode.SERVER_DRAINING, sentence, retry_after=FULL_RETRY)


def crowded(sentence: str, retry_after: float = CROWDED_RETRY) -> RelayError:
    """What somebody is told whose address has all that it may have."""
    return RelayError(ErrorCode.TOO_MANY_CONNECTIONS, sentence, retry_after=retry_after)


def tenths(seconds: float) -> float:
    """A wait that is worth telling: in tenths of a second, never none."""
    return max(0.1, round(seconds, 1))


class Sessions:
    """From `open` to `close`."""

    def __init__(
        self,
        *,
        directory: Directory,
        matchmaker: Matchmaker,
        rooms: RoomHost,
        connections: MediaConnections,
        presence: Presence,
        capacity: Capacity,
        visits: VisitsSettings,
        turn: Turn,
        limits: Limits,
        rates: RatesSettings,
        journal: Journal,
        report: Report,
    ) -> None:
        self._directory = directory
        self._matchmaker = matchmaker
        self._rooms = rooms
        self._connections = connections
        self._presence = presence
        self._capacity = capacity
        self._resume_window = visits.resume_window
        self._rates = rates
        self._journal = journal
        self._tasks = Tasks("sessions", report)
        self._draining = False
        self._turn = turn
        self._limits = limits

    def start(self) -> None:
        """Begin to look for those who are silent, and those who do not come back."""
        self._tasks.repeat("silence", LOOK_INTERVAL, self._presence.look_for_silence)
        self._tasks.repeat("expiry", LOOK_INTERVAL, self._expire)
        self._tasks.repeat("ghosts", LOOK_INTERVAL, self._give_up_ghosts)
        if self._turn.renewal is not None:
            self._tasks.repeat("turn", self._turn.renewal, self._renew_turn)

    async def stop(self) -> None:
        """Close all sessions. Idempotent."""
        await self._tasks.close()
        for session in self._directory.sessions():
            self.close(session, PartingReason.SERVER_STOPPING)

    def open(
        self,
        socket: Socket,
        payer: Payer,
        browser: Browser = UNKNOWN,
        tls_host: str | None = None,
        *,
        has_agreed: bool = True,
        has_account: bool = True,
    ) -> Session:
        """Let a visitor in and greet them. In a full server they take the place of somebody whose address has most.
        `tls_host` is where their browser reaches our own TLS; without `has_agreed` and `has_account` they get no
        partner.

        Raises:
            RelayError: SERVER_FULL or SERVER_DRAINING, or TOO_MANY_CONNECTIONS where their address has all it may have.
        """
        if self._draining:
            raise self._kept_out(Reason.DRAINING, server_draining(), payer)
        now = clock.monotonic()
        if (wait := payer.take(Deed.JOIN, now)) > 0:
            self._journal.note(LimitHit(limit=f"address_{Deed.JOIN}"))
            sentence = "Too many have come from your address lately."
            raise self._kept_out(Reason.ADDRESS_RATE, crowded(sentence, tenths(wait)), payer)
        rates = RateLimiter(self._rates)
        session = Session(
            new_user_id(), new_session_token(), rates, payer, now, browser, tls_host=tls_host, socket=socket
        )
        session.has_agreed, session.has_account = has_agreed, has_account
        # A newcomer may turn out to be one of those who lost their connection: they are no new load.
        session.is_on_trial = self._capacity.is_full and self._directory.lost > 0
        self._give_place(session, full=self._capacity.is_full and not session.is_on_trial)
        session.outbox.overflowed = lambda: self._end_slow_reader(session)
        self._journal.note(SessionOpened(user=session.user, source=payer.host, browser=browser))
        session.outbox.put(
            Connected(
                user_id=session.user,
                session_token=session.token,
                resume_window=self._resume_window,
                limits=self._limits,
                ice_servers=self._turn_servers(session),
            )
        )
        return session

    def end_trial(self, session: Session) -> bool:
        """They have not come back but are new: turned away if the server still has too much to do, and nobody has more
        places than they. Returns whether they stay."""
        session.is_on_trial = False
        if not self._capacity.is_full:
            return True
        socket = session.socket
        self._directory.remove(session)
        try:
            self._give_place(session, full=True)
        except RelayError as error:
            self._let_go(session, PartingReason.LEFT)
            if socket is not None:
                socket.turn_away(error)
            return False
        return True

    def resume(self, provisional: Session, token: str, last_message: str | None) -> None:
        """The connection of a new session turns out to be that of one which was lost.

        Raises:
            RelayError: RESUME_FAILED, if there is none with this token any more.
        """
        socket = provisional.socket
        resumed = None if token == provisional.token else self._directory.reclaim(token, new_session_token())
        if resumed is None or socket is None:
            sentence = "There is nothing to go on with: too much time has passed, or it was ended."
            raise RelayError(ErrorCode.RESUME_FAILED, sentence, about=About(Resume.event))
        self._directory.take_over(resumed, provisional)
        self._let_go(provisional, PartingReason.LEFT)
        superseded, resumed.socket = resumed.socket, socket
        if superseded is not None:
            superseded.end(SUPERSEDED, "superseded")
        self._journal.note(SessionResumed(user=resumed.user))
        was_waiting = resumed.user in self._matchmaker
        resumed.outbox.resume(self._greeting(resumed), last_message)
        socket.take_over(resumed)
        if any(self._directory.is_away(other) for other in self._rooms.others_of(resumed.user)):
            resumed.outbox.put(PartnerReconnecting())
        resumed.heard_at, resumed.silence = provisional.heard_at, 0
        self._presence.note_change(resumed)
        if was_waiting:
            # Their page knew before we did that the old connection was dead: they never left the queue.
            self._matchmaker.find(resumed.user, clock.monotonic())

    def disconnected(self, session: Session, socket: Socket, ending: Ending) -> None:
        """A connection ended."""
        if session.socket is not socket:
            return  # another one has taken over
        worth_keeping = session.user in self._rooms or self._connections.holds(session.user)
        if not (ending is Ending.LOST and worth_keeping and self._resume_window > 0 and not self._draining):
            self.close(session, PartingReason.LEFT if ending is Ending.CLOSED else PartingReason.DISCONNECTED)
            return
        given_up = self._directory.lose(session, clock.monotonic())
        if given_up is not None:
            self.close(given_up, PartingReason.DISCONNECTED)
        if given_up is not session:
            self._journal.note(SessionLost(user=session.user))
            self._presence.note_change(session)

    def close(self, session: Session, reason: PartingReason) -> None:
        """The visitor is gone, for the reason that their partner is told. Idempotent."""
        if not self._directory.remove(session):
            return
        self._let_go(session, reason)
        self._journal.note(SessionClosed(user=session.user, reason=reason.value))

    async def drain(self, seconds: float) -> None:
        """Take nobody any more, let conversations end by themselves, then send everybody away."""
        self._draining = True
        for session in self._directory.sessions():
            session.outbox.put(ServerDraining(seconds=seconds))
        deadline = clock.monotonic() + seconds
        while True:
            await asyncio.sleep(LOOK_INTERVAL)
            for session in self._directory.sessions():
                if session.user not in self._rooms or clock.monotonic() >= deadline:
                    self._send_away(session)
            if len(self._directory) == 0:
                return

    def sweep(self) -> int:
        """Clean up after people who vanished without a close; returns how many. There should be none."""
        strays = self._rooms.strays(self._directory.users())
        for user in strays:
            self._forget(user, PartingReason.DISCONNECTED)
        return len(strays)

    def _give_place(self, session: Session, *, full: bool) -> None:
        taken = self._directory.add(session, full=full)
        if taken is session:
            if self._directory.has_all_it_may(session.payer):
                sentence = "There are too many connections from your address."
                raise self._kept_out(Reason.CONNECTIONS, crowded(sentence), session.payer)
            raise self._kept_out(Reason.FULL, server_full(), session.payer)
        if taken is None:
            return
        error = crowded("The server is full, and there are too many connections from your address.")
        if self._directory.has_all_it_may(session.payer):
            error = crowded("Somebody else at your address takes your place, because you did not use it.")
        socket = taken.socket
        self._kept_out(Reason.CONNECTIONS, error, taken.payer)
        self.close(taken, PartingReason.DISCONNECTED)
        if socket is not None:
            socket.turn_away(error)

    def _kept_out(self, reason: Reason, error: RelayError, payer: Payer) -> RelayError:
        """Count it, and tell the operator; the error is for whom it concerns. It is raised as it is returned: a
        variable of who raises it would have both keep each other."""
        cause, fields = payer.host, {"source": payer.host}
        if reason is Reason.FULL:
            cause, fields = self._capacity.fullest, {"used_up": self._capacity.fullest}
        self._journal.note(KeptOut(reason=reason, cause=cause, code=error.code, fields=fields))
        return error

    def _send_away(self, session: Session) -> None:
        socket = session.socket
        self.close(session, PartingReason.SERVER_STOPPING)
        if socket is not None:
            socket.end(GOING_AWAY, PartingReason.SERVER_STOPPING)

    def _end_slow_reader(self, session: Session) -> None:
        self._journal.note(SlowReader(user=session.user))
        if session.socket is None:
            self.close(session, PartingReason.DISCONNECTED)
        else:
            session.socket.end(SLOW_READER, ErrorCode.SLOW_READER)

    def _let_go(self, session: Session, reason: PartingReason) -> None:
        session.end()
        self._forget(session.user, reason)

    def _forget(self, user: UserId, reason: PartingReason) -> None:
        self._matchmaker.forget(user, reason, clock.monotonic())
        self._rooms.forget(user)
        self._connections.hang_up(user)
        self._turn.release(user)

    def _expire(self) -> None:
        for session in self._directory.expired(clock.monotonic() - self._resume_window):
            self.close(session, PartingReason.DISCONNECTED)

    def _give_up_ghosts(self) -> None:
        for session in self._presence.look_for_ghosts():
            self._journal.note(NeverCame(user=session.user))
            socket = session.socket
            self.close(session, PartingReason.DISCONNECTED)
            if socket is not None:
                socket.abandon()

    def _renew_turn(self) -> None:
        for session in self._directory.sessions():
            session.outbox.put(IceServers(ice_servers=self._turn_servers(session)))

    def _turn_servers(self, session: Session) -> tuple[IceServer, ...]:
        return self._turn.servers(session.user, session.tls_host, clock.unix())

    def _greeting(self, session: Session) -> Resumed:
        shared = self._rooms.shared_with(session.user)
        return Resumed(
            user_id=session.user,
            session_token=session.token,
            ice_servers=self._turn_servers(session),
            searching=self._matchmaker.is_searching(session.user),
            room_id=self._rooms.room_of(session.user),
            microphone=shared.microphone,
            camera=shared.camera,
        )
