"""One row per event of a client: when it may come, what it draws from, and who handles it.

The specification (`protocol/README.md`) says the same, and a test compares the two. The events of the server are in
`delivery.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from relay.ledger.accounts import Deed
from relay.protocol.messages import (
    Back,
    ChatMessage,
    ClientMessage,
    FindPartner,
    FirstFrame,
    LeaveRoom,
    MediaPath,
    MediaState,
    NextPartner,
    Ping,
    Pong,
    QualityReport,
    Resume,
    Typing,
    WebrtcIceCandidate,
    WebrtcOffer,
)
from relay.session.handling.attendance import Attendance
from relay.session.handling.media import MediaEvents
from relay.session.handling.search import Search
from relay.session.handling.talk import Talk
from relay.session.rates import Activity
from relay.session.session import Session
from relay.session.states import VisitorState

Kind = TypeVar("Kind", bound=ClientMessage)

ANY = frozenset(VisitorState)
IDLE = frozenset({VisitorState.IDLE})
UNPAIRED = frozenset({VisitorState.IDLE, VisitorState.WAITING})
TALKING = frozenset({VisitorState.TALKING})

ORDINARY_OFFER = 8 * 1024
"""Bytes. A longer one costs more to read, and counts for more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handlers:
    """Who handles events, by subject."""

    search: Search
    talk: Talk
    media: MediaEvents
    attendance: Attendance


@dataclass(frozen=True, slots=True)
class Event:
    """A row of the table."""

    kind: type[ClientMessage]
    states: frozenset[VisitorState]
    """In which it may come."""
    activity: Activity
    """The visitor's bucket that it draws from."""
    handler: Callable[[Handlers], Callable[[Session, Any, float], None]]
    deed: Deed | None
    """The address's bucket that it draws from as well: a new session has new rates."""
    amount: Callable[[Any], float]
    """How much it draws from the address's bucket."""
    is_for_members: bool
    """Only who has a place may do it, so it ends the trial of somebody who was let into a full server."""
    is_for_the_agreed: bool
    """Only who has agreed to the rules, and has an account where one is needed, may do it: somebody else is met by
    it."""


def _once(_: ClientMessage) -> float:
    return 1.0


def _by_length(offer: WebrtcOffer) -> float:
    return max(1.0, len(offer.sdp) / ORDINARY_OFFER)


def _row(
    kind: type[Kind],
    states: frozenset[VisitorState],
    activity: Activity,
    handler: Callable[[Handlers], Callable[[Session, Kind, float], None]],
    *,
    deed: Deed | None = None,
    amount: Callable[[Kind], float] = _once,
    is_for_members: bool = False,
    is_for_the_agreed: bool = False,
) -> Event:
    """Made by a function, so that types are checked: the handler takes what the row is about."""
    return Event(kind, states, activity, handler, deed, amount, is_for_members, is_for_the_agreed)


EVENTS = (
    _row(
        FindPartner,
        IDLE,
        Activity.SKIP,
        lambda to: to.search.find,
        deed=Deed.SKIP,
        is_for_members=True,
        is_for_the_agreed=True,
    ),
    _row(NextPartner, ANY, Activity.SKIP, lambda to: to.search.next, deed=Deed.SKIP, is_for_the_agreed=True),
    _row(Back, UNPAIRED, Activity.SKIP, lambda to: to.search.back, deed=Deed.SKIP, is_for_the_agreed=True),
    _row(LeaveRoom, ANY, Activity.OTHER, lambda to: to.search.leave),
    _row(
        WebrtcOffer,
        ANY,
        Activity.OFFER,
        lambda to: to.media.offer,
        deed=Deed.OFFER,
        amount=_by_length,
        is_for_members=True,
    ),
    _row(WebrtcIceCandidate, ANY, Activity.CANDIDATE, lambda to: to.media.candidate),
    _row(MediaPath, ANY, Activity.OTHER, lambda to: to.media.path),
    # Reports cross with partings: those of a conversation that is over are passed over, and no mistake.
    _row(QualityReport, ANY, Activity.REPORT, lambda to: to.media.quality),
    _row(FirstFrame, ANY, Activity.REPORT, lambda to: to.media.first_frame),
    _row(ChatMessage, TALKING, Activity.CHAT, lambda to: to.talk.say),
    _row(Typing, TALKING, Activity.OTHER, lambda to: to.talk.show_typing),
    _row(MediaState, ANY, Activity.OTHER, lambda to: to.talk.share),
    _row(Resume, IDLE, Activity.OTHER, lambda to: to.attendance.resume),
    _row(Ping, ANY, Activity.OTHER, lambda to: to.attendance.ping),
    _row(Pong, ANY, Activity.OTHER, lambda to: to.attendance.pong),
)
