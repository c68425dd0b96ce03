"""What people's browsers say of their conversations, summed since start. Nothing here tells whose they were."""

from collections import Counter
from dataclasses import dataclass, field

from relay.observe.happenings import PartnerFirstSeen, QualityReported, ReportJudged
from relay.observe.histogram import FIRST_FRAMES, FRAME_RATES, HEIGHTS, ROUND_TRIPS, SHARES, Histogram
from relay.observe.verdict import Verdict


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

    def judged(self, judged: ReportJudged) -> None:
        self.verdicts[judged.verdict] += 1

    def quality(self, report: QualityReported) -> None:
        self.seconds += report.seconds
        self.freezes += report.freezes or 0
        frozen = report.frozen_seconds
        self.frozen_seconds += frozen or 0.0
        for histogram, value in (
            (self.frozen_share, None if frozen is None else min(1.0, frozen / report.seconds)),
            (self.frame_rate, report.frames_per_second),
            (self.height, report.height),
            (self.loss, report.loss),
            (self.round_trip, report.round_trip),
        ):
            if value is not None:
                histogram.observe(value)

    def first_seen(self, seen: PartnerFirstSeen) -> None:
        self.first_frame.setdefault(seen.medium, Histogram(FIRST_FRAMES)).observe(seen.seconds)
