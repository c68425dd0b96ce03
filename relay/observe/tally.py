"""Counts what happened to people since start: the figures behind `/videochat/stats` and `/metrics`."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from relay.errors import ErrorCode
from relay.observe.happenings import (
    Audited,
    Broken,
    EventRefused,
    FrameUnreadable,
    Happening,
    IceRestarted,
    KeptOut,
    LimitHit,
    Matched,
    MediaConnected,
    MediaEnded,
    MediaFailed,
    MessageReceived,
    OfferAnswered,
    PartnerFirstSeen,
    QualityReported,
    ReportJudged,
    RequestAnswered,
    RoomEnded,
    SectionsRefused,
    SessionClosed,
    SessionOpened,
    SessionResumed,
    SignedIn,
    TaskFailed,
    VisitorCame,
)
from relay.observe.histogram import CALLS, REQUESTS, SETUPS, WAITS, Histogram
from relay.observe.ignored import Ignored
from relay.observe.reported import Reported

UNREADABLE = "unreadable"
"""How frames that hold no event are counted."""


@dataclass(slots=True)
class Tally:
    """One instance per process: a `Reader` of the journal. The counters may be read at any time."""

    connections: int = 0
    """WebSockets that were let in."""
    browsers: Counter[str] = field(default_factory=Counter)
    """The same by their makers."""
    browser_setups: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Media connections by browser, and whether they `succeeded` or `failed`."""
    visitors: Counter[str] = field(default_factory=Counter)
    """Who agreed to the rules for the first time (`new`), and who came back on a later day (`returned`)."""
    sign_ins: Counter[tuple[str, str]] = field(default_factory=Counter)
    """To accounts: by what, and what became of it."""
    resumes: int = 0
    """Sessions that went on after their connection was lost."""
    departures: Counter[str] = field(default_factory=Counter)
    """Visits that ended, by the reason that a partner is told."""
    matches: int = 0
    waits: int = 0
    """People who were matched after they had waited in the queue."""
    waited_seconds: float = 0.0
    """By those people together."""
    wait_seconds: Histogram = field(default_factory=lambda: Histogram(WAITS))
    """Of everybody who was matched; 0 for those who found somebody waiting."""
    rooms_ended: Counter[str] = field(default_factory=Counter)
    """By reason."""
    call_seconds: Histogram = field(default_factory=lambda: Histogram(CALLS))
    """How long rooms lasted."""
    setups_succeeded: Counter[str] = field(default_factory=Counter)
    """Media connections that got as far as keys, by what carried them then."""
    setup_seconds: Histogram = field(default_factory=lambda: Histogram(SETUPS))
    """From the answer to keys."""
    setups_failed: Counter[tuple[str, str]] = field(default_factory=Counter)
    """The others, by reason and by what carried their checks; `none`: no check ever came."""
    ignored_lines: Ignored = field(default_factory=Ignored)
    """Lines of answered offers that had no effect."""
    refused_sections: Counter[str] = field(default_factory=Counter)
    """Sections of answered offers that could not be served, by their role."""
    paths: Counter[str] = field(default_factory=Counter)
    """Media connections that have ended, by what carried them."""
    connections_lost: Counter[str] = field(default_factory=Counter)
    """Media connections that ended although nobody hung up, by reason."""
    messages: Counter[str] = field(default_factory=Counter)
    """What visitors sent, by event; frames that hold none are `unreadable`."""
    refusals: Counter[ErrorCode] = field(default_factory=Counter)
    """Errors that visitors were told, by code."""
    limit_hits: Counter[str] = field(default_factory=Counter)
    """Events that came too often, by the rate that they exceeded."""
    reported: Reported = field(default_factory=Reported)
    """What browsers say of their conversations."""
    audited: Counter[str] = field(default_factory=Counter)
    """What staff did, by what it was."""
    task_failures: int = 0
    """Tasks of ours that failed and should not have."""
    requests: dict[tuple[str, str, int], Histogram] = field(default_factory=dict)
    """Seconds that HTTP answers took, by method, route and status."""

    def setups_failed_by_reason(self) -> Counter[str]:
        reasons: Counter[str] = Counter()
        for (reason, _), amount in self.setups_failed.items():
            reasons[reason] += amount
        return reasons

    def reads(self, kind: type[Happening]) -> bool:
        return kind in _COUNT

    def note(self, happening: Happening) -> None:
        """Count it."""
        _COUNT[type(happening)](self, happening)

    def _session_opened(self, opened: SessionOpened) -> None:
        self.connections += 1
        self.browsers[opened.browser.family] += 1

    def _visitor_came(self, came: VisitorCame) -> None:
        self.visitors["returned" if came.has_returned else "new"] += 1

    def _signed_in(self, signed_in: SignedIn) -> None:
        self.sign_ins[signed_in.by, signed_in.result] += 1

    def _session_resumed(self, resumed: SessionResumed) -> None:
        self.resumes += 1

    def _session_closed(self, closed: SessionClosed) -> None:
        self.departures[closed.reason] += 1

    def _message_received(self, received: MessageReceived) -> None:
        self.messages[received.message] += 1

    def _frame_unreadable(self, frame: FrameUnreadable) -> None:
        self.messages[UNREADABLE] += 1

    def _event_refused(self, refused: EventRefused) -> None:
        self.refusals[refused.code] += 1

    def _kept_out(self, kept_out: KeptOut) -> None:
        if kept_out.code is not None:
            self.refusals[kept_out.code] += 1

    def _audited(self, audited: Audited) -> None:
        self.audited[audited.what] += 1

    def _limit_hit(self, hit: LimitHit) -> None:
        self.limit_hits[hit.limit] += 1

    def _matched(self, matched: Matched) -> None:
        self.matches += 1
        for waited in matched.waited:
            self.wait_seconds.observe(waited)
            if waited > 0:
                self.waits += 1
                self.waited_seconds += waited

    def _room_ended(self, ended: RoomEnded) -> None:
        self.rooms_ended[ended.reason] += 1
        self.call_seconds.observe(ended.seconds)

    def _offer_answered(self, answered: OfferAnswered | IceRestarted) -> None:
        self.ignored_lines.update(answered.ignored)

    def _sections_refused(self, refused: SectionsRefused) -> None:
        self.refused_sections.update(refused.roles)

    def _media_connected(self, connected: MediaConnected) -> None:
        self.setups_succeeded[connected.path] += 1
        self.browser_setups[connected.browser.family, "succeeded"] += 1
        self.setup_seconds.observe(connected.seconds)

    def _media_failed(self, failed: MediaFailed) -> None:
        if failed.was_connected:
            self.connections_lost[failed.reason] += 1
        else:
            self.setups_failed[failed.reason, failed.path] += 1
            self.browser_setups[failed.browser.family, "failed"] += 1

    def _media_ended(self, ended: MediaEnded) -> None:
        self.paths[ended.path] += 1

    def _request_answered(self, answered: RequestAnswered) -> None:
        key = (answered.method, answered.route, answered.status)
        self.requests.setdefault(key, Histogram(REQUESTS)).observe(answered.seconds)

    def _task_failed(self, failed: TaskFailed | Broken) -> None:
        self.task_failures += 1


_COUNT: dict[type[Happening], Callable[[Tally, Any], None]] = {
    SessionOpened: Tally._session_opened,
    VisitorCame: Tally._visitor_came,
    SignedIn: Tally._signed_in,
    SessionResumed: Tally._session_resumed,
    SessionClosed: Tally._session_closed,
    MessageReceived: Tally._message_received,
    FrameUnreadable: Tally._frame_unreadable,
    EventRefused: Tally._event_refused,
    KeptOut: Tally._kept_out,
    LimitHit: Tally._limit_hit,
    Audited: Tally._audited,
    Matched: Tally._matched,
    RoomEnded: Tally._room_ended,
    ReportJudged: lambda tally, judged: tally.reported.judged(judged),
    QualityReported: lambda tally, quality: tally.reported.quality(quality),
    PartnerFirstSeen: lambda tally, seen: tally.reported.first_seen(seen),
    OfferAnswered: Tally._offer_answered,
    IceRestarted: Tally._offer_answered,
    SectionsRefused: Tally._sections_refused,
    MediaConnected: Tally._media_connected,
    MediaFailed: Tally._media_failed,
    MediaEnded: Tally._media_ended,
    RequestAnswered: Tally._request_answered,
    TaskFailed: Tally._task_failed,
    Broken: Tally._task_failed,
}
