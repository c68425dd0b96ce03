"""Quality as Prometheus sees it: what browsers say of their conversations."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric

from relay.observe.histogram import FIRST_FRAMES, Histogram
from relay.observe.reported import Reported, Verdict

MEDIA = ("picture", "sound")


def by_browsers(reported: Reported) -> Iterator[Metric]:
    """Sums and distributions of what was believed."""
    verdicts = CounterMetricFamily(
        "relay_client_reports", "Reports of quality and first frames, by what became of them.", labels=["verdict"]
    )
    for verdict in Verdict:
        verdicts.add_metric([verdict.value], reported.verdicts[verdict])
    yield verdicts
    meaning = "Time of conversations that reports cover, of both sides."
    yield CounterMetricFamily("relay_client_reported_seconds", meaning, reported.seconds)
    yield CounterMetricFamily("relay_client_freezes", "Freezes that people saw.", reported.freezes)
    yield CounterMetricFamily("relay_client_frozen_seconds", "How long those lasted.", reported.frozen_seconds)
    for name, meaning, values in (
        ("relay_client_frozen_ratio", "Of the time that a report covers, frozen.", reported.frozen_share),
        ("relay_client_frames_per_second", "Frames that were decoded, by report.", reported.frame_rate),
        ("relay_client_frame_height_pixels", "Height of the picture, by report.", reported.height),
        ("relay_client_loss_ratio", "Packets to a browser that were lost at first, by report.", reported.loss),
        ("relay_client_round_trip_seconds", "From a browser to the relay and back, by report.", reported.round_trip),
    ):
        yield HistogramMetricFamily(name, meaning, buckets=values.buckets(), sum_value=values.sum)
    meaning = "From being paired until the partner was seen, or heard."
    first = HistogramMetricFamily("relay_client_first_frame_seconds", meaning, labels=["medium"])
    for medium in MEDIA:
        times = reported.first_frame.get(medium) or Histogram(FIRST_FRAMES)
        first.add_metric([medium], times.buckets(), times.sum)
    yield first
