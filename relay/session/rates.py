"""How often a visitor may do what. Pure: time is an argument."""

from enum import StrEnum

from relay.config.settings import RatesSettings
from relay.ledger.accounts import BURST_SECONDS
from relay.ledger.bucket import TokenBucket, full
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


class RateLimiter:
    """One visitor's buckets, made when they are first needed."""

    def __init__(self, rates: RatesSettings) -> None:
        self._per_minute = {
            Activity.SKIP: rates.rate_skip,
            Activity.CHAT: rates.rate_chat,
            Activity.OFFER: rates.rate_offer,
            Activity.CANDIDATE: rates.rate_candidate,
            Activity.REPORT: rates.rate_report,
            Activity.OTHER: rates.rate_other,
        }
        self._buckets: dict[Activity, TokenBucket] = {}

    def take(self, activity: Activity, now: float) -> float:
        """Seconds to wait before this may be done; 0 if it may be done now."""
        bucket = self._buckets.get(activity)
        if bucket is None:
            per_second = self._per_minute[activity] / 60
            bucket = self._buckets[activity] = full(per_second, max(1.0, per_second * BURST_SECONDS), now)
        return bucket.take(now)
