"""Everybody who is connected: takes what they say, decides whether it may be said now, passes it on.

Owns the life of sessions: open, lost, resumed, closed; and who has to go where there is no place for a newcomer.
What a message means is decided below: by the matchmaker, the rooms and the connections.
"""

import asyncio

from relay import clock
from relay.config.settings import RatesSettings, VisitsSettings
from relay.errors import About, ErrorCode, RelayError
from relay.ids import RoomId, UserId, new_session_token, new_user_id
from relay.ledger.accounts import Deed, Payer
from relay.machine.capacity import Capacity
from relay.matchmaking.matchmaker import Matchmaker, Wish
from relay.media.connections import MediaConnections
from relay.observe.browsers import UNKNOWN, Browser
from relay.observe.happenings import (
    EventFailed,
    EventRefused,
    FrameUnreadable,
    KeptOut,
    LimitHit,
    MessageReceived,
    NeverCame,
    SessionClosed,
    SessionLost,
    SessionOpened,
    SessionResumed,
    SlowReader,
)
from relay.observe.journal import Journal
from relay.observe.reasons import Reason
from relay.protocol.codec import about, decode
from relay.protocol.limits import Limits
from relay.protocol.messages import (
    Back,
    ChatMessage,
    ClientMessage,
    Connected,
    FindPartner,
    FirstFrame,
    IceServers,
    LeaveRoom,
    MediaPath,
    MediaState,
    MessageDelivered,
    NextPartner,
    PartingReason,
    PartnerReconnecting,
    Ping,
    Pong,
    QualityReport,
    Resume,
    Resumed,
    ServerDraining,
    Typing,
    WebrtcAnswer,
    WebrtcIceCandidate,
    WebrtcOffer,
)
from relay.room.host import SHARED_AT_FIRST, RoomHost
from relay.session.directory import Directory, refusal
from relay.session.presence import LOOK_INTERVAL, Presence
from relay.session.rates import Activity, RateLimiter, activity_of
from relay.session.session import Ending, Link, Session
from relay.session.states import ALLOWED, VisitorState
from relay.session.turn import Turn
from relay.tasks import Report, Tasks

FULL_RETRY = 30.0
"""Seconds after which a visitor who found the server full may try again."""

CROWDED_RETRY = 60.0
"""Seconds after which an address that has all it may have may try again."""

ORDINARY_OFFER = 8 * 1024
"""Bytes. A longer one costs more to read, and counts for more."""

DEEDS = {Activity.OFFER: Deed.OFFER, Activity.SKIP: Deed.SKIP}
"""What is counted for the address as well: a new session has new rates."""

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
        if self._turn.urls:
            self._tasks.repeat("turn", self._turn.lifetime / 2, self._renew_turn)

    async def stop(self) -> None:
        """Close all sessions. Idempotent."""
        await self._tasks.close()
        for session in self._directory.sessions():
            self.close(session, PartingReason.SERVER_STOPPING)

    def open(self, link: Link, payer: Payer, browser: Browser = UNKNOWN) -> Session:
        """Let a visitor in and greet them. In a full server they take the place of somebody whose address has most.

        Raises:
            RelayError: SERVER_FULL or SERVER_DRAINING, or TOO_MANY_CONNECTIONS where their address has all it may have.
        """
        if self._draining:
            raise self._kept_out(Reason.DRAINING, server_draining(), payer)
        now = clock.monotonic()
        if (wait := payer.take(Deed.JOIN, now)) > 0:
            self._journal.note(LimitHit(limit=f"address_{Deed.JOIN}"))
            error = crowded("Too many have come from your address lately.", tenths(wait))
            raise self._kept_out(Reason.ADDRESS_RATE, error, payer)
        rates = RateLimiter(self._rates)
        session = Session(new_user_id(), new_session_token(), rates, payer, now, browser, link=link)
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
                ice_servers=self._turn.servers(session.user, clock.unix()),
            )
        )
        return session

    def _give_place(self, session: Session, *, full: bool) -> None:
        taken = self._directory.add(session, full=full)
        if taken is session:
            if self._directory.has_all_it_may(session.payer):
                error = crowded("There are too many connections from your address.")
                raise self._kept_out(Reason.CONNECTIONS, error, session.payer)
            raise self._kept_out(Reason.FULL, server_full(), session.payer)
        if taken is None:
            return
        error = crowded("The server is full, and there are too many connections from your address.")
        if self._directory.has_all_it_may(session.payer):
            error = crowded("Somebody else at your address takes your place, because you did not use it.")
        link = taken.link
        self._kept_out(Reason.CONNECTIONS, error, taken.payer)
        self.close(taken, PartingReason.DISCONNECTED)
        if link is not None:
            link.turn_away(error)

    def _kept_out(self, reason: Reason, error: RelayError, payer: Payer) -> RelayError:
        """Count it, and tell the operator; the error is for whom it concerns."""
        cause, fields = payer.host, {"source": payer.host}
        if reason is Reason.FULL:
            cause, fields = self._capacity.fullest, {"used_up": self._capacity.fullest}
        self._journal.note(KeptOut(reason=reason, cause=cause, code=error.code, fields=fields))
        return error

    def receive(self, session: Session, frame: str) -> float:
        """Act on one text frame. What is wrong with it goes back as `error`; nobody else notices.

        Returns:
            Seconds to wait before the next frame is read: 0 but for those who send too much.
        """
        now = clock.monotonic()
        session.heard_at, session.silence = now, 0
        try:
            message = decode(frame, self._limits)
        except RelayError as error:
            self._journal.note(FrameUnreadable())
            return self.refuse(session, error, now)
        self._journal.note(MessageReceived(user=session.user, message=message.event))
        try:
            return self._act_in_turn(session, message, now)
        except RelayError as error:
            return self.refuse(session, error, now)
        except Exception as cause:
            # A fault of ours in one event ends nobody's conversation, not even the visitor's own.
            self._journal.note(EventFailed(user=session.user, message=message.event, cause=cause))
            mistake = RelayError(ErrorCode.INTERNAL, "The server made a mistake.", about=about(message))
            return self.refuse(session, mistake, now)

    def refuse(self, session: Session, error: RelayError, now: float) -> float:
        """Tell the visitor what was wrong. Returns as `receive` does."""
        self._journal.note(EventRefused(user=session.user, code=error.code, refused=error.about.event))
        if error.code is ErrorCode.INVALID_OFFER:
            fields = {"user": session.user, "browser": str(session.browser), "sentence": error.sentence}
            self._journal.note(KeptOut(reason=Reason.OFFER, cause=error.sentence, fields=fields))
        session.outbox.put(refusal(error))
        return session.rates.take(Activity.OTHER, now)

    def tolerate(self, session: Session) -> float:
        """Count a frame that says nothing, such as a ping. Returns as `receive` does."""
        return session.rates.take(Activity.OTHER, clock.monotonic())

    def disconnected(self, session: Session, link: Link, ending: Ending) -> None:
        """A connection ended."""
        if session.link is not link:
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
            self._presence.heed(session)

    def close(self, session: Session, reason: PartingReason) -> None:
        """The visitor is gone, for the reason that their partner is told. Idempotent."""
        if not self._directory.remove(session):
            return
        self._forget(session.user, reason)
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

    def state(self, session: Session) -> VisitorState:
        if session.user in self._rooms:
            return VisitorState.TALKING
        return VisitorState.WAITING if session.user in self._matchmaker else VisitorState.IDLE

    def _send_away(self, session: Session) -> None:
        link = session.link
        self.close(session, PartingReason.SERVER_STOPPING)
        if link is not None:
            link.end(GOING_AWAY, PartingReason.SERVER_STOPPING)

    def _end_slow_reader(self, session: Session) -> None:
        self._journal.note(SlowReader(user=session.user))
        if session.link is None:
            self.close(session, PartingReason.DISCONNECTED)
        else:
            session.link.end(SLOW_READER, ErrorCode.SLOW_READER)

    def _forget(self, user: UserId, reason: PartingReason) -> None:
        self._matchmaker.forget(user, reason, clock.monotonic())
        self._rooms.forget(user)
        self._connections.hang_up(user)

    def _expire(self) -> None:
        for session in self._directory.expired(clock.monotonic() - self._resume_window):
            self.close(session, PartingReason.DISCONNECTED)

    def _give_up_ghosts(self) -> None:
        for session in self._presence.look_for_ghosts():
            self._journal.note(NeverCame(user=session.user))
            link = session.link
            self.close(session, PartingReason.DISCONNECTED)
            if link is not None:
                link.abandon()

    def _renew_turn(self) -> None:
        for session in self._directory.sessions():
            servers = self._turn.servers(session.user, clock.unix())
            session.outbox.put(IceServers(ice_servers=servers))

    def _act_in_turn(self, session: Session, message: ClientMessage, now: float) -> float:
        activity = activity_of(message)
        wait = session.rates.take(activity, now)
        if wait > 0:
            self._journal.note(LimitHit(limit=activity.value))
        if wait > 0 and activity is not Activity.OTHER:
            raise RelayError(
                ErrorCode.RATE_LIMITED, "That was too often.", retry_after=tenths(wait), about=about(message)
            )
        if (deed := DEEDS.get(activity)) is not None:
            self._count(deed, session, message, now)
        if type(message) not in ALLOWED[self.state(session)]:
            sentence = f"{message.event} is not possible now."
            raise RelayError(ErrorCode.OUT_OF_TURN, sentence, about=about(message))
        if session.is_on_trial and isinstance(message, FindPartner | WebrtcOffer) and not self._admits(session):
            return wait
        self._act(session, message, now)
        return wait

    def _count(self, deed: Deed, session: Session, message: ClientMessage, now: float) -> None:
        amount = max(1.0, len(message.sdp) / ORDINARY_OFFER) if isinstance(message, WebrtcOffer) else 1.0
        if (wait := session.payer.take(deed, now, amount)) > 0:
            self._journal.note(LimitHit(limit=f"address_{deed}"))
            raise RelayError(
                ErrorCode.RATE_LIMITED,
                "That came too often from your address.",
                retry_after=tenths(wait),
                about=about(message),
            )

    def _admits(self, session: Session) -> bool:
        """They have not come back but are new: turned away if the server still has too much to do, and nobody has more
        places than they."""
        session.is_on_trial = False
        if not self._capacity.is_full:
            return True
        link = session.link
        self._directory.remove(session)
        try:
            self._give_place(session, full=True)
        except RelayError as error:
            self._forget(session.user, PartingReason.LEFT)
            if link is not None:
                link.turn_away(error)
            return False
        return True

    def _act(self, session: Session, message: ClientMessage, now: float) -> None:
        user = session.user
        match message:
            case FindPartner(mode=mode, keep_searching=keep_searching, browser=browser):
                self._matchmaker.find(user, now, Wish(mode, keep_searching, browser))
                self._presence.heed(session)
            case NextPartner():
                self._matchmaker.next(user, now)
            case Back(room_id=room):
                if not self._matchmaker.back(user, RoomId(room), now):
                    raise RelayError(ErrorCode.OUT_OF_TURN, "There is no way back.", about=about(message))
            case LeaveRoom():
                self._matchmaker.part(user, PartingReason.LEFT, now)
            case ChatMessage(id=message_id, room_id=room):
                if room is not None and room != self._rooms.room_of(user):
                    sentence = "That conversation is over."
                    raise RelayError(ErrorCode.OUT_OF_TURN, sentence, about=about(message))
                if session.hears_first(message_id):
                    self._rooms.say(user, message)
                else:
                    session.outbox.put(MessageDelivered(id=message_id))
            case Typing():
                self._rooms.show_typing(user, message)
            case MediaState():
                self._rooms.share(user, message)
            case WebrtcOffer(sdp=sdp, lines=lines):
                answer = self._connections.answer(user, session.payer, sdp, lines, browser=session.browser)
                session.candidates = 0
                session.outbox.put(WebrtcAnswer(sdp=answer))
            case Ping():
                session.outbox.put(Pong())
            case Pong():
                pass  # that it came is all it says
            case MediaPath():
                self._connections.note_claim(user, message)
            case QualityReport(path=path):
                self._rooms.note_report(user, message, now)
                if path is not None:
                    self._connections.note_claim(user, path)
            case FirstFrame():
                self._rooms.note_report(user, message, now)
            case WebrtcIceCandidate():
                self._count_candidate(session)
            case Resume(token=token, last_message=last_message):
                self._resume(session, token, last_message)

    def _resume(self, provisional: Session, token: str, last_message: str | None) -> None:
        """The connection of a new session turns out to be that of one which was lost."""
        link = provisional.link
        resumed = None if token == provisional.token else self._directory.reclaim(token, new_session_token())
        if resumed is None or link is None:
            sentence = "There is nothing to go on with: too much time has passed, or it was ended."
            raise RelayError(ErrorCode.RESUME_FAILED, sentence, about=About(Resume.event))
        self._directory.take_over(resumed, provisional)
        self._forget(provisional.user, PartingReason.LEFT)
        superseded, resumed.link = resumed.link, link
        if superseded is not None:
            superseded.end(SUPERSEDED, "superseded")
        self._journal.note(SessionResumed(user=resumed.user))
        resumed.outbox.resume(self._greeting(resumed), last_message)
        link.take_over(resumed)
        partner = self._rooms.partner_of(resumed.user)
        if partner is not None and self._directory.is_away(partner):
            resumed.outbox.put(PartnerReconnecting())
        resumed.heard_at, resumed.silence = provisional.heard_at, 0
        self._presence.heed(resumed)

    def _greeting(self, session: Session) -> Resumed:
        partner = self._rooms.partner_of(session.user)
        shared = self._rooms.shared_by(partner) if partner else SHARED_AT_FIRST
        return Resumed(
            user_id=session.user,
            session_token=session.token,
            ice_servers=self._turn.servers(session.user, clock.unix()),
            searching=self._matchmaker.searches_on_return(session.user),
            room_id=self._rooms.room_of(session.user),
            microphone=shared.microphone,
            camera=shared.camera,
        )

    def _count_candidate(self, session: Session) -> None:
        # An ICE-lite agent learns addresses from checks and never sends to a candidate.
        session.candidates += 1
        if session.candidates > self._limits.candidates:
            raise RelayError(
                ErrorCode.TOO_MANY_CANDIDATES,
                "No more candidates are taken.",
                about=About(WebrtcIceCandidate.event),
            )
