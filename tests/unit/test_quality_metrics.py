"""What Prometheus is shown of links and of what people see."""

import asyncio

import pytest
from prometheus_client.core import Metric

from relay.figures.quality import between_links, by_browsers
from relay.figures.survey import Survey
from relay.media.engine import LinkQuality, Links, PeerStats, links
from relay.observe.happenings import PartnerFirstSeen
from relay.observe.reported import Reported


def samples(metrics: list[Metric]) -> dict[str, float]:
    return {
        sample.name + "".join(f"[{value}]" for _, value in sorted(sample.labels.items())): sample.value
        for metric in metrics
        for sample in metric.samples
    }


def peer(loss: float, *, rate: int = 1_000, cap: int | None = None) -> PeerStats:
    way = LinkQuality(missed=0, retransmitted=0, keyframes_wanted=0, loss=loss, jitter=0.01, cap=cap, estimate=cap)
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


def survey(*looks: list[PeerStats]) -> Survey:
    """After so many looks at these people."""
    taken = Survey(lambda: links([]), lambda task, failure: None)
    for look in looks:
        taken.take(links(look))
    return taken


def test_each_look_counts_each_link_once() -> None:
    people = [peer(0.0), peer(0.015), peer(0.3)]
    figures = samples(list(between_links(survey(people, people))))
    counted = [figures[f"relay_link_loss_ratio_bucket[in][{bound}]"] for bound in ("0.0", "0.01", "0.02", "0.5")]
    assert counted == [2, 2, 4, 6]
    assert figures["relay_link_jitter_seconds_count[out]"] == 6
    assert figures["relay_link_round_trip_seconds_count"] == 0


def test_caps_are_counted_in_bytes_and_who_is_capped_now_is_told() -> None:
    capped = [peer(0, cap=cap) for cap in (100_000, 800_000)]
    figures = samples(list(between_links(survey(capped, capped[:1]))))
    assert figures["relay_link_cap_bytes_per_second_bucket[12500.0]"] == 2
    assert figures["relay_link_cap_bytes_per_second_sum"] == 2 * 12_500 + 100_000
    assert figures["relay_links_capped"] == 1


def test_who_only_waits_has_no_link_that_counts() -> None:
    figures = samples(list(between_links(survey([peer(0.5, rate=0)]))))
    assert figures["relay_link_loss_ratio_count[in]"] == 0


async def test_links_are_looked_at_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relay.figures.survey.INTERVAL", 0.0)
    enough = asyncio.Event()

    def look() -> Links:
        if taken.loss["in"].count == 2:
            enough.set()
        return links([peer(0.5)])

    taken = Survey(look, lambda task, failure: None)
    taken.start()
    await enough.wait()
    await taken.close()


async def test_links_are_not_looked_at_any_more_after_the_end() -> None:
    before = asyncio.all_tasks()
    taken = Survey(lambda: links([]), lambda task, failure: None)
    taken.start()
    (look,) = asyncio.all_tasks() - before
    await taken.close()
    assert look.done(), "it was waited for"


def test_each_medium_has_a_histogram_before_anybody_reported() -> None:
    reported = Reported()
    reported.first_seen(PartnerFirstSeen(medium="sound", seconds=0.3))
    figures = samples(list(by_browsers(reported)))
    assert figures["relay_client_first_frame_seconds_count[picture]"] == 0
    assert figures["relay_client_first_frame_seconds_bucket[0.3][sound]"] == 1
    assert figures["relay_client_first_frame_seconds_bucket[0.2][sound]"] == 0
