"""A distribution: how many values fell below which bounds. Pure; Prometheus reads it, nothing else does."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate

WAITS = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0)
CALLS = (1.0, 5.0, 15.0, 30.0, 60.0, 180.0, 600.0, 1800.0, 3600.0, 7200.0)
SETUPS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)
REQUESTS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0)
FIRST_FRAMES = (0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)
FRAME_RATES = (1.0, 5.0, 10.0, 15.0, 18.0, 20.0, 24.0, 27.0, 30.0, 45.0, 60.0)
SHARES = (0.0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
JITTERS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5)
ROUND_TRIPS = (0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0)
HEIGHTS = (120.0, 180.0, 240.0, 360.0, 480.0, 720.0, 1080.0)
BYTE_RATES = (6_250.0, 12_500.0, 25_000.0, 37_500.0, 62_500.0, 93_750.0, 125_000.0, 187_500.0, 250_000.0, 625_000.0)
"""From 50 kbit/s to 5 Mbit/s."""
LAGS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Histogram:
    """Counts values between ascending `bounds`."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(self._bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """A value equal to a bound counts as below it, as Prometheus has it."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self.sum += value

    @property
    def count(self) -> int:
        return sum(self._counts)

    def buckets(self) -> list[tuple[str, float]]:
        """Of each bound, and of infinity: its name, and how many values were not above it."""
        names = [*map(str, self._bounds), "+Inf"]
        return list(zip(names, map(float, accumulate(self._counts)), strict=True))
