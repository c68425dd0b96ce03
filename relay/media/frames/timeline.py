"""Timestamps that stay continuous when a slot changes its source. Pure: time is an argument."""

_WRAP = 1 << 32
LONGEST_STEP = 10.0
"""Seconds that a source may be silent (DTX, a muted camera) before its timestamps count as a new source's."""


class Timeline:
    """Maps the timestamps of one source after another onto one line that only moves forward.

    After a cut the line continues by the wall clock: a stream that jumps ahead stalls the receiver's
    playout, one that stands still or goes back is dropped as late.
    """

    def __init__(self, clock_rate: int) -> None:
        self._clock_rate = clock_rate
        self._placed = 0
        self._placed_at: float | None = None
        self._source: int | None = None

    def cut(self) -> None:
        """The next timestamp comes from another source."""
        self._source = None

    def place(self, timestamp: int, now: float) -> int:
        """The continuous timestamp, in units of the clock rate, for a source's 32-bit RTP timestamp."""
        elapsed = 0 if self._placed_at is None else int((now - self._placed_at) * self._clock_rate)
        step = max(1, elapsed)
        if self._source is not None:
            difference = (timestamp - self._source) % _WRAP
            if 0 < difference <= LONGEST_STEP * self._clock_rate:
                step = difference
        self._source = timestamp
        self._placed = 0 if self._placed_at is None else self._placed + step
        self._placed_at = now
        return self._placed
