"""The token bucket, which every rate in the server is. Pure: time is an argument."""

import math
from dataclasses import dataclass


@dataclass(slots=True)
class TokenBucket:
    """Tokens come in at `per_second` up to `capacity`. It owes `most_owed` at most: what is over is forgiven."""

    per_second: float
    capacity: float
    tokens: float
    filled_at: float
    most_owed: float = math.inf

    def take(self, now: float, amount: float = 1.0) -> float:
        """Take tokens and return 0; without enough, take none and return the seconds until there are.

        More than the bucket ever holds is given when it is full, and leaves it in debt.
        """
        self._fill(now)
        wanted = min(amount, self.capacity)
        if self.tokens < wanted:
            return (wanted - self.tokens) / self.per_second
        self.tokens -= amount
        return 0.0

    def charge(self, now: float, amount: float) -> None:
        """Take tokens for what is done already, though it leaves the bucket in debt."""
        self._fill(now)
        tokens = self.tokens - amount
        self.tokens = tokens if tokens > -self.most_owed else -self.most_owed

    def left(self, now: float) -> float:
        """Tokens; below zero: what is owed."""
        self._fill(now)
        return self.tokens

    def wait(self, now: float) -> float:
        """Seconds until the bucket is out of debt; 0 if it is not in debt."""
        self._fill(now)
        return 0.0 if self.tokens >= 0 else -self.tokens / self.per_second

    def _fill(self, now: float) -> None:
        # Several times for each thing that anybody does, as all of these: `min` would take as long as all the rest.
        tokens = self.tokens + (now - self.filled_at) * self.per_second
        self.tokens = tokens if tokens < self.capacity else self.capacity
        self.filled_at = now


def full(per_second: float, capacity: float, now: float, most_owed: float = math.inf) -> TokenBucket:
    """A bucket with all its tokens."""
    return TokenBucket(per_second, capacity, capacity, now, most_owed)
