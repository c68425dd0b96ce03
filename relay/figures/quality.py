"""Quality as Prometheus sees it: what the relay measures of packets, and what browsers say of their conversations."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from relay.figures.survey import Survey
from relay.media.engine import EngineStats
from relay.observe.histogram import FIRST_FRAMES, Histogram
from relay.observe.reported import Reported
from relay.observe.verdict import Verdict

MEDIA = ("picture", "sound")


def loss_recovery(media: EngineStats) -> Iterator[Metric]:
    """What was lost and made up for, `in` from people and `out` to them."""
    directions = {"in": media.from_peers, "out": media.to_peers}
    for name, meaning, field in (
        ("relay_media_packets_expected", "RTP packets that should have come, by reports.", "expected"),
        ("relay_media_packets_lost", "RTP packets that did not come at first, by reports.", "lost"),
        ("relay_media_packets_missed", "Packets asked for by NACK, each time.", "missed"),
        ("relay_media_packets_repeated", "Packets that were retransmitted (RTX).", "retransmitted"),
        ("relay_media_keyframe_requests", "Requests for a keyframe (PLI, FIR).", "keyframes"),
    ):
        family = CounterMetricFamily(name, meaning, labels=["direction"])
        for direction, recovery in directions.items():
            family.add_metric([direction], getattr(recovery, field))
        yield family
    yield GaugeMetricFamily(
        "relay_media_kept_bytes", "Bytes of sent packets that are kept for retransmission.", media.bytes_kept
    )
    meaning = "Sent packets that were not kept, or forgotten early, because RELAY_MAX_CACHE is used up."
    yield CounterMetricFamily("relay_media_unkept_packets", meaning, media.packets_unkept)


def between_links(survey: Survey) -> Iterator[Metric]:
    """How the links of those who talk differ."""
    for name, meaning, ways in (
        ("relay_link_loss_ratio", "Loss of the picture on each link in use, seen every 5 s.", survey.loss),
        ("relay_link_jitter_seconds", "Jitter of the picture on each link in use, seen every 5 s.", survey.jitter),
    ):
        family = HistogramMetricFamily(name, meaning, labels=["direction"])
        for direction, values in ways.items():
            family.add_metric([direction], values.buckets(), values.sum)
        yield family
    for name, meaning, values in (
        ("relay_link_round_trip_seconds", "To each person and back, seen every 5 s.", survey.round_trip),
        (
            "relay_link_estimate_bytes_per_second",
            "What each receiver estimates it can have, seen every 5 s.",
            survey.estimate,
        ),
        ("relay_link_cap_bytes_per_second", "What each capped sender was told, seen every 5 s.", survey.cap),
    ):
        yield HistogramMetricFamily(name, meaning, buckets=values.buckets(), sum_value=values.sum)
    meaning = "Senders who are capped, because their partner's link takes no more."
    yield GaugeMetricFamily("relay_links_capped", meaning, survey.capped)


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
    yield CounterMetricFamily(
        "relay_client_frozen_seconds", "How long the freezes that people saw lasted.", reported.frozen_seconds
    )
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
