"""What can happen to people, one frozen struct each. The part where it happens notes it in the journal, once.

A happening with an `event` is written to the log under that name, by its `logger`, with its fields but for
those that are `unwritten`; a field `cause` that is an exception becomes the traceback. Fields hold no address but
where their names say so (`source`), and no text of a stranger without a bound.
"""

import logging
from collections.abc import Mapping
from typing import ClassVar

import msgspec

from relay.errors import ErrorCode
from relay.ids import PeerId, RoomId, UserId
from relay.observe.browsers import Browser
from relay.observe.ignored import Ignored
from relay.observe.reasons import Reason
from relay.observe.verdict import Verdict


class Happening(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened."""

    event: ClassVar[str] = ""
    """Its name in the log; empty: it is counted only."""
    logger: ClassVar[str] = ""
    level: ClassVar[int] = logging.INFO
    unwritten: ClassVar[frozenset[str]] = frozenset()


# Connections and visits


class ConnectionTaken(Happening, frozen=True):
    """A TCP connection, and what it turned out to be."""

    event = "connection"
    logger = "tcp"
    level = logging.DEBUG

    kind: str
    source: str
    name: str | None
    """The server that it asks for by TLS."""


class SessionOpened(Happening, frozen=True):
    """A visitor was let in."""

    event = "session_opened"
    logger = "session"

    user: UserId
    source: str
    browser: Browser


class VisitorCame(Happening, frozen=True):
    """Somebody agreed to the rules for the first time, or was here on an earlier day: once a day, as their cookie
    tells. People who refuse cookies, or clear them, do not count as returned."""

    has_returned: bool


class ChatKept(Happening, frozen=True):
    """What two people write is kept from now on (`begun`), not any more because one of them wants no more
    (`withdrawn`), or because the database did not take it (`failed`)."""

    outcome: str


class SignedIn(Happening, frozen=True):
    """Somebody signed in to their account, or tried to."""

    by: str
    """`passkey` or `provider`."""
    result: str
    """`right`, or the code of the error."""


class SessionLost(Happening, frozen=True):
    """A visitor's connection broke; they may come back."""

    event = "session_lost"
    logger = "session"

    user: UserId


class SessionResumed(Happening, frozen=True):
    """A visitor came back."""

    event = "session_resumed"
    logger = "session"

    user: UserId


class SessionClosed(Happening, frozen=True):
    """A visitor is gone, for the reason that their partner is told."""

    event = "session_closed"
    logger = "session"

    user: UserId
    reason: str


class NeverCame(Happening, frozen=True):
    """Nothing came of a visitor who was paired, so they were given up."""

    event = "never_came"
    logger = "session"

    user: UserId


class SlowReader(Happening, frozen=True):
    """A visitor leaves too much unread, and is sent away."""

    event = "slow_reader"
    logger = "session"

    user: UserId


class PageSilent(Happening, frozen=True):
    """A page was asked whether it runs, and did not answer."""

    event = "page_silent"
    logger = "presence"

    user: UserId


class Flooded(Happening, frozen=True):
    """A visitor sends too much for too long, and is sent away."""

    event = "flood"
    logger = "visit"

    user: UserId


class ConnectionAbandoned(Happening, frozen=True):
    """A WebSocket answers no ping any more."""

    event = "connection_abandoned"
    logger = "visit"

    user: UserId


# What visitors say


class MessageReceived(Happening, frozen=True):
    """A visitor sent an event."""

    event = "heard"
    logger = "session"
    level = logging.DEBUG

    user: UserId
    message: str


class FrameUnreadable(Happening, frozen=True):
    """A visitor sent a frame that holds no event."""


class EventRefused(Happening, frozen=True):
    """A visitor is told that an event of theirs was refused."""

    event = "refused"
    logger = "session"
    level = logging.DEBUG

    user: UserId
    code: ErrorCode
    refused: str | None


class EventFailed(Happening, frozen=True):
    """The server made a mistake with an event."""

    event = "event_failed"
    logger = "session"
    level = logging.ERROR

    user: UserId
    message: str
    cause: BaseException


class LimitHit(Happening, frozen=True):
    """Something came more often than it may."""

    limit: str


class KeptOut(Happening, frozen=True):
    """Somebody was refused, or counts for somebody else. `Refusals` writes it to the log, once an hour for each cause.

    `cause` tells one mistake from another, such as the address that it came from; `remedy` takes the place of what is
    said of this reason, where more is known; `code` is what the visitor was told.
    """

    reason: Reason
    cause: str = ""
    code: ErrorCode | None = None
    remedy: str | None = None
    fields: Mapping[str, object] = {}


# Pairing


class Waiting(Happening, frozen=True):
    """A person is in the queue. `others` wait as well."""

    event = "waiting"
    logger = "matchmaker"
    level = logging.DEBUG

    user: UserId
    mode: str
    others: int


class Matched(Happening, frozen=True):
    """People were brought together, who had waited for so many seconds each."""

    waited: tuple[float, ...]


class RoomOpened(Happening, frozen=True):
    """A conversation began."""

    event = "room_opened"
    logger = "room"

    room: RoomId
    mode: str
    users: tuple[UserId, ...]


class RoomEnded(Happening, frozen=True):
    """A conversation ended after so many seconds."""

    event = "room_ended"
    logger = "room"

    room: RoomId
    reason: str
    seconds: float
    users: tuple[UserId, ...]
    by: UserId


# What browsers report of a conversation


class ReportJudged(Happening, frozen=True):
    """What became of a report."""

    verdict: Verdict


class QualityReported(Happening, frozen=True):
    """How a conversation was for one side, for so many seconds. None: the browser can't tell."""

    seconds: float
    freezes: int | None
    frozen_seconds: float | None
    frames_per_second: float | None
    height: int | None
    loss: float | None
    round_trip: float | None


class PartnerFirstSeen(Happening, frozen=True):
    """Somebody saw or heard their partner, so many seconds after they were paired."""

    medium: str
    seconds: float


# Media


class OfferAnswered(Happening, frozen=True):
    """A browser's first offer was answered."""

    event = "offer_answered"
    logger = "media"
    level = logging.DEBUG
    unwritten = frozenset({"ignored"})

    user: UserId
    peer: PeerId
    lines: int
    ignored: Ignored


class IceRestarted(Happening, frozen=True):
    """A browser's later offer was answered."""

    event = "ice_restarted"
    logger = "media"
    level = logging.DEBUG
    unwritten = frozenset({"ignored"})

    user: UserId
    peer: PeerId
    ignored: Ignored


class SectionsRefused(Happening, frozen=True):
    """Sections of an answered offer can't be served."""

    event = "sections_refused"
    logger = "media"

    user: UserId
    roles: tuple[str, ...]


class PathSelected(Happening, frozen=True):
    """A browser's checks came by this path."""

    event = "path_selected"
    logger = "media"
    level = logging.DEBUG

    user: UserId
    peer: PeerId
    path: str


class MediaConnected(Happening, frozen=True):
    """Media may flow, so many seconds after the answer."""

    event = "media_connected"
    logger = "media"
    unwritten = frozenset({"browser"})

    user: UserId
    peer: PeerId
    path: str
    seconds: float
    browser: Browser


class MediaFailed(Happening, frozen=True):
    """A media connection did not come about, or broke."""

    event = "media_failed"
    logger = "media"
    unwritten = frozenset({"was_connected"})

    user: UserId
    peer: PeerId
    reason: str
    path: str
    browser: Browser
    was_connected: bool


class MediaEnded(Happening, frozen=True):
    """A media connection that had come about is gone; this carried it."""

    path: str


class MediaSilent(Happening, frozen=True):
    """Nothing comes any more from where a person's media came from."""

    event = "media_quiet"
    logger = "media"

    user: UserId
    peer: PeerId


class MediaHeardAgain(Happening, frozen=True):
    """Something does again."""

    event = "media_heard_again"
    logger = "media"

    user: UserId
    peer: PeerId


class NoCommonCodec(Happening, frozen=True):
    """A person's browser can't show what their partner sends."""

    event = "no_common_codec"
    logger = "media"

    user: UserId
    peer: PeerId


# The server


class RequestAnswered(Happening, frozen=True):
    """An HTTP request was answered. `route` is one of ours, never what a stranger made up."""

    method: str
    route: str
    status: int
    seconds: float


class OperatorEndedRoom(Happening, frozen=True):
    """The operator ended a conversation."""

    event = "operator_ended_room"
    logger = "operator"

    room: RoomId


class OperatorOrderedDrain(Happening, frozen=True):
    """The operator told the server to end."""

    event = "operator_ordered_drain"
    logger = "operator"


class Audited(Happening, frozen=True):
    """Somebody of the staff did something, which is noted in the audit log: its entry's number and hash, by which one
    sees that no later ones are missing. Without a database this line is all that is kept of it."""

    event = "audited"
    logger = "audit"

    number: int | None
    who: str
    what: str
    subject: str
    hash: str | None


class StoreAway(Happening, frozen=True):
    """The database can't be reached or takes nothing. What happens waits for it, and people notice nothing."""

    event = "store_away"
    logger = "store"
    level = logging.WARNING

    cause: str


class StoreOpened(Happening, frozen=True):
    """The database is there, or there again."""

    event = "store_opened"
    logger = "store"


class TaskFailed(Happening, frozen=True):
    """A task of ours failed that should not have."""

    event = "task_failed"
    logger = "app"
    level = logging.ERROR

    task: str
    cause: BaseException


class Broken(Happening, frozen=True):
    """The process can't go on, because of this part."""

    event = "broken"
    logger = "app"
    level = logging.CRITICAL

    part: str
    cause: str
