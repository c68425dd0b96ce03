"""Takes what visitors say: reads it, decides whether it may be said now, and hands it on to who handles it.

What may be said when, and who handles it, is in `events.py`.
"""

from relay import clock
from relay.errors import ErrorCode, RelayError
from relay.observe.happenings import (
    EventFailed,
    EventRefused,
    FrameUnreadable,
    KeptOut,
    LimitHit,
    MessageReceived,
)
from relay.observe.journal import Journal
from relay.observe.reasons import Reason
from relay.protocol.codec import about, decode
from relay.protocol.limits import Limits
from relay.protocol.messages import ClientMessage
from relay.session.directory import refusal
from relay.session.events import EVENTS, Event, Handlers
from relay.session.presence import Presence
from relay.session.rates import Activity
from relay.session.session import Session
from relay.session.sessions import Sessions, tenths


class Reception:
    """For all visitors."""

    def __init__(
        self, *, sessions: Sessions, presence: Presence, handlers: Handlers, limits: Limits, journal: Journal
    ) -> None:
        self._sessions = sessions
        self._presence = presence
        self._limits = limits
        self._journal = journal
        self._events = {event.kind: (event, event.handler(handlers)) for event in EVENTS}

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

    def _act_in_turn(self, session: Session, message: ClientMessage, now: float) -> float:
        event, handle = self._events[type(message)]
        wait = session.rates.take(event.activity, now)
        if wait > 0:
            self._journal.note(LimitHit(limit=event.activity.value))
        if wait > 0 and event.activity is not Activity.OTHER:
            raise RelayError(
                ErrorCode.RATE_LIMITED, "That was too often.", retry_after=tenths(wait), about=about(message)
            )
        self._count_for_address(event, session, message, now)
        if event.is_for_the_agreed and not session.has_agreed:
            sentence = "Agree to the rules first, then come again."
            raise RelayError(ErrorCode.CONSENT_NEEDED, sentence, about=about(message))
        if event.is_for_the_agreed and not session.has_account:
            raise RelayError(ErrorCode.ACCOUNT_NEEDED, "Sign in first, then come again.", about=about(message))
        if self._presence.state_of(session.user) not in event.states:
            sentence = f"{message.event} is not possible now."
            raise RelayError(ErrorCode.OUT_OF_TURN, sentence, about=about(message))
        if not (session.is_on_trial and event.is_for_members) or self._sessions.end_trial(session):
            handle(session, message, now)
        return wait

    def _count_for_address(self, event: Event, session: Session, message: ClientMessage, now: float) -> None:
        if event.deed is None or (wait := session.payer.take(event.deed, now, event.amount(message))) <= 0:
            return
        self._journal.note(LimitHit(limit=f"address_{event.deed}"))
        raise RelayError(
            ErrorCode.RATE_LIMITED,
            "That came too often from your address.",
            retry_after=tenths(wait),
            about=about(message),
        )
