"""Makes those wait who guess: how many wrong tokens, passkeys and links an address may show. Owns the counts alone."""

from collections import OrderedDict

from relay import clock
from relay.errors import ErrorCode, RelayError
from relay.ledger.addresses import subscriber
from relay.ledger.bucket import TokenBucket, full

ATTEMPTS = 10
"""Wrong ones from one address (IPv6: from one /64), after which it waits."""
ATTEMPTS_PER_MINUTE = 5
MOST_ADDRESSES = 10_000
"""That are remembered; then the one is forgotten that has not tried for longest: it could soon begin anew anyway."""


class Attempts:
    """One per server: whatever is guessed counts together."""

    def __init__(self, sentence: str = "There were too many wrong attempts. Wait a little.") -> None:
        """`sentence` is what those are told who have to wait."""
        self._sentence = sentence
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def note_wrong(self, source: str) -> None:
        """Count one more from this address.

        Raises:
            RelayError: RATE_LIMITED, if there were too many.
        """
        wait = self._bucket_of(subscriber(source)).take(clock.monotonic())
        if wait > 0:
            raise RelayError(ErrorCode.RATE_LIMITED, self._sentence, retry_after=wait)

    def _bucket_of(self, key: str) -> TokenBucket:
        bucket = self._buckets.get(key)
        if bucket is None:
            if len(self._buckets) >= MOST_ADDRESSES:
                self._buckets.popitem(last=False)
            bucket = self._buckets[key] = full(ATTEMPTS_PER_MINUTE / 60, ATTEMPTS, clock.monotonic())
        self._buckets.move_to_end(key)
        return bucket
