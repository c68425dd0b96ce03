"""What Prometheus is shown of links and of what people see."""

from prometheus_client.core import Metric

from relay.media.engine import PeerStats, Way, links
from relay.observe.quality import between_links, by_browsers
from relay.observe.reported import Reported


def samples(metrics: list[Metric]) -> dict[str, float]:
    return {
        sample.name + "".join(f"[{value}]" for _, value in sorted(sample.labels.items())): sample.value
        for metric in metrics
        for sample in metric.samples
    }


def peer(loss: float, *, rate: int = 1_000, cap: int | None = None) -> PeerStats:
    way = Way(missed=0, sent_again=0, keyframes_wanted=0, loss=loss, jitter=0.01, cap=cap, estimate=cap)
    return PeerStats(
        packets_received=0,
        packets_sent=0,
        bytes_received=0,
        bytes_sent=0,
        bits_per_second_received=rate,
        bits_per_second_sent=rate,
        keyframes=0,
        keyframe_requests=0,
        drops={},
        to_peer=way,
        from_peer=way,
    )


def test_the_middle_link_one_in_twenty_and_the_worst_are_shown() -> None:
    figures = samples(list(between_links(links([peer(number / 100) for number in range(21)]))))
    shown = [figures[f"relay_link_loss_ratio[in][{quantile}]"] for quantile in (0.5, 0.95, 1.0)]
    assert shown == [0.10, 0.19, 0.20]
    assert figures["relay_links_capped"] == 0


def test_of_caps_the_least_is_the_worst() -> None:
    figures = samples(list(between_links(links([peer(0, cap=cap) for cap in (300, 100, 200)]))))
    assert figures["relay_link_cap_bits_per_second[0.0]"] == 100
    assert figures["relay_link_cap_bits_per_second[0.5]"] == 200
    assert figures["relay_links_capped"] == 3


def test_who_only_waits_has_no_link_that_counts() -> None:
    figures = samples(list(between_links(links([peer(0.5, rate=0)]))))
    assert not any(name.startswith("relay_link_loss") for name in figures)


def test_each_medium_has_a_histogram_before_anybody_reported() -> None:
    reported = Reported()
    reported.saw_first("sound", 0.3)
    figures = samples(list(by_browsers(reported)))
    assert figures["relay_client_first_frame_seconds_count[picture]"] == 0
    assert figures["relay_client_first_frame_seconds_bucket[0.3][sound]"] == 1
    assert figures["relay_client_first_frame_seconds_bucket[0.2][sound]"] == 0
