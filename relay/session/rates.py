"""How often a visitor may do what. Pure: time is an argument."""

from dataclasses import dataclass
from enum import StrEnum

from relay.config import Settings
from relay.protocol.messages import (
    Back,
    ChatMessage,
    ClientMessage,
    FindPartner,
    FirstFrame,
    NextPartner,
    QualityReport,
    WebrtcIceCandidate,
    WebrtcOffer,
)

BURST_SECONDS = 20.0
"""How much of a rate may be used at once: that of so many seconds."""


class Activity(StrEnum):
    """Kinds of events that share a bucket."""

    SKIP = "skip"
    CHAT = "chat"
    OFFER = "offer"
    CANDIDATE = "candidate"
    REPORT = "report"
    OTHER = "other"


_ACTIVITIES: dict[type[ClientMessage], Activity] = {
    FindPartner: Activity.SKIP,
    NextPartner: Activity.SKIP,
    Back: Activity.SKIP,
    ChatMessage: Activity.CHAT,
    WebrtcOffer: Activity.OFFER,
    WebrtcIceCandidate: Activity.CANDIDATE,
    QualityReport: Activity.REPORT,
    FirstFrame: Activity.REPORT,
}


def activity_of(message: ClientMessage) -> Activity:
    """The bucket that an event draws from."""
    return _ACTIVITIES.get(type(message), Activity.OTHER)


@dataclass(slots=True)
class TokenBucket:
    """Tokens come in at `per_second` up to `capacity`; each event takes one."""

    per_second: float
    capacity: float
    tokens: float
    filled_at: float

    def take(self, now: float) -> float:
        """Take a token and return 0; without one, return the seconds until there is."""
        self.tokens = min(self.capacity, self.tokens + (now - self.filled_at) * self.per_second)
        self.filled_at = now
        if self.tokens < 1:
            return (1 - self.tokens) / self.per_second
        self.tokens -= 1
        return 0.0


class RateLimiter:
    """One visitor's buckets, made when they are first needed."""

    def __init__(self, settings: Settings) -> None:
        self._per_minute = {
            Activity.SKIP: settings.rate_skip,
            Activity.CHAT: settings.rate_chat,
            Activity.OFFER: settings.rate_offer,
            Activity.CANDIDATE: settings.rate_candidate,
            Activity.REPORT: settings.rate_report,
            Activity.OTHER: settings.rate_other,
        }
        self._buckets: dict[Activity, TokenBucket] = {}

    def take(self, activity: Activity, now: float) -> float:
        """Seconds to wait before this may be done; 0 if it may be done now."""
        bucket = self._buckets.get(activity)
        if bucket is None:
            per_second = self._per_minute[activity] / 60
            capacity = max(1.0, per_second * BURST_SECONDS)
            bucket = self._buckets[activity] = TokenBucket(per_second, capacity, capacity, now)
        return bucket.take(now)
