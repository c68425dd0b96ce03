"""Counts what happened to people since start: the figures behind `/videochat/stats` and `/metrics`."""

from collections import Counter
from dataclasses import dataclass, field

from relay.errors import ErrorCode
from relay.observe.histogram import CALLS, REQUESTS, SETUPS, WAITS, Histogram
from relay.observe.ignored import Ignored
from relay.observe.refusals import Refusals
from relay.observe.reported import Reported


@dataclass(slots=True)
class Tally:
    """One instance per process; whoever makes something happen counts it here."""

    connections: int = 0
    """WebSockets that were let in."""
    browsers: Counter[str] = field(default_factory=Counter)
    """The same by their makers."""
    browser_setups: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Media connections by browser, and whether they `succeeded` or `failed`."""
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
    refused: Refusals = field(default_factory=Refusals)
    """Who was kept out, and what helps."""
    limit_hits: Counter[str] = field(default_factory=Counter)
    """Events that came too often, by the rate that they exceeded."""
    reported: Reported = field(default_factory=Reported)
    """What browsers say of their conversations."""
    task_failures: int = 0
    """Tasks of ours that failed and should not have."""
    requests: dict[tuple[str, str, int], Histogram] = field(default_factory=dict)
    """Seconds that HTTP answers took, by method, route and status."""

    def setups_failed_by_reason(self) -> Counter[str]:
        reasons: Counter[str] = Counter()
        for (reason, _), amount in self.setups_failed.items():
            reasons[reason] += amount
        return reasons

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """An HTTP request was answered. `route` is one of ours, never what a stranger made up."""
        self.requests.setdefault((method, route, status), Histogram(REQUESTS)).observe(seconds)
