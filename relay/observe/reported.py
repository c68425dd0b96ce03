"""What people's browsers say of their conversations, summed since start. Nothing here tells whose they were."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from relay.observe.histogram import FIRST_FRAMES, FRAME_RATES, HEIGHTS, ROUND_TRIPS, SHARES, Histogram


class Verdict(StrEnum):
    """What became of a report."""

    TAKEN = "taken"
    STALE = "stale"
    """Of a conversation that is over: it crossed with the news."""
    IMPLAUSIBLE = "implausible"
    """It tells of more time than has passed, or twice of what happens once."""


@dataclass(slots=True)
class Reported:
    """One instance per process."""

    verdicts: Counter[Verdict] = field(default_factory=Counter)
    seconds: float = 0.0
    """That reports covered."""
    freezes: int = 0
    frozen_seconds: float = 0.0
    frozen_share: Histogram = field(default_factory=lambda: Histogram(SHARES))
    """Of the time that each report covers."""
    frame_rate: Histogram = field(default_factory=lambda: Histogram(FRAME_RATES))
    height: Histogram = field(default_factory=lambda: Histogram(HEIGHTS))
    loss: Histogram = field(default_factory=lambda: Histogram(SHARES))
    round_trip: Histogram = field(default_factory=lambda: Histogram(ROUND_TRIPS))
    first_frame: dict[str, Histogram] = field(default_factory=dict)
    """Seconds from the pairing until the partner was seen or heard, by medium."""

    def saw_first(self, medium: str, seconds: float) -> None:
        """Somebody saw or heard their partner for the first time. `medium` is one of ours."""
        self.first_frame.setdefault(medium, Histogram(FIRST_FRAMES)).observe(seconds)
