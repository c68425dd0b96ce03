"""How often a visitor may do what. Pure: time is an argument."""

from enum import StrEnum

from relay.config.settings import RatesSettings
from relay.ledger.accounts import BURST_SECONDS
from relay.ledger.bucket import TokenBucket, full


class Activity(StrEnum):
    """Kinds of events that share a bucket."""

    SKIP = "skip"
    CHAT = "chat"
    OFFER = "offer"
    CANDIDATE = "candidate"
    REPORT = "report"
    OTHER = "other"


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
