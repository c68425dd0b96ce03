"""What Prometheus scrapes. Figures are read from their owners when it asks: nothing here is counted per packet.

No label ever holds a person, a room, an address or anything else that a stranger chose.
"""

import asyncio
import platform
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from relay.errors import AT_THE_DOOR, HTTP_ONLY, ErrorCode
from relay.figures.figures import Figures
from relay.figures.quality import between_links, by_browsers, loss_recovery
from relay.figures.survey import Survey
from relay.machine import process
from relay.machine.collection import Collection
from relay.machine.pulse import Pulse
from relay.media.engine import EngineStats
from relay.observe.browsers import FAMILIES
from relay.observe.drops import Drop
from relay.observe.histogram import Histogram
from relay.observe.ignored import LineKind, Why
from relay.observe.reasons import Reason
from relay.observe.refusals import Refusals
from relay.observe.tally import Tally
from relay.store.store import StoreFigures, StoreState

FIRST_PATHS = ("udp", "tcp", "turn", "turn_udp", "turn_tcp", "turn_tls")
"""What can be seen of a path before the browser tells of it: all of TURN inside the port, and nothing but that it is
TURN of a server outside."""
SETUP_FAILURES = (("no_check", "none"), *(("dtls_failed", path) for path in FIRST_PATHS))
PATHS = ("udp", "tcp", "turn_udp", "turn_tcp", "turn_tls")
OUTCOMES = ("succeeded", "failed")
PARTINGS = ("next", "left", "disconnected", "operator", "server_stopping")
SECTIONS = ("microphone", "camera", "screen", "partner_microphone", "partner_camera", "partner_screen")
LOSSES = ("consent_expired", "closed_by_browser")
"""Reasons that are shown from the start, with 0: a rate misses the first event of a counter that did not exist."""

AnyMetric = TypeVar("AnyMetric", CounterMetricFamily, GaugeMetricFamily)


class Metrics(Collector):
    """`render()` is the page. One instance per server; nothing is registered globally."""

    def __init__(
        self,
        *,
        read: Callable[[], Figures],
        survey: Survey,
        tally: Tally,
        refusals: Refusals,
        pulse: Pulse,
        collection: Collection,
    ) -> None:
        self._read = read
        self._survey = survey
        self._tally = tally
        self._refusals = refusals
        self._pulse = pulse
        self._collection = collection
        self._registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        self._registry.register(self)

    def render(self) -> bytes:
        """The text format, version 0.0.4."""
        return generate_latest(self._registry)

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        figures = self._read()
        yield from _now(figures)
        yield from _media(figures.media)
        yield from loss_recovery(figures.media)
        yield from between_links(self._survey)
        yield from _visits(self._tally)
        yield from _setups(figures, self._tally)
        yield from by_browsers(self._tally.reported)
        yield from _troubles(self._tally, self._refusals)
        yield from _store(figures.store)
        yield from _loop(self._pulse)
        yield from _collections(self._collection)
        yield from _system()
        yield _requests(self._tally)


def _now(figures: Figures) -> Iterator[Metric]:
    yield InfoMetricFamily(
        "relay_build",
        "What runs.",
        {"version": figures.version, "engine": figures.engine, "python": platform.python_version()},
    )
    yield GaugeMetricFamily("relay_ready", "1 while the server takes people.", float(figures.ready))
    states = {
        "idle": figures.people - figures.waiting - figures.talking,
        "waiting": figures.waiting,
        "talking": figures.talking,
    }
    yield _by(GaugeMetricFamily("relay_people", "Connected visitors.", labels=["state"]), states)
    yield GaugeMetricFamily("relay_people_capacity", "Visitors that are let in at most.", figures.capacity)
    if figures.certificate_ends is not None:
        ends = "When the certificate ends, in seconds since 1970."
        yield GaugeMetricFamily("relay_certificate_expiry_timestamp_seconds", ends, figures.certificate_ends)
    yield GaugeMetricFamily(
        "relay_capacity_used_ratio", "Of what the server can carry; newcomers are refused at 1.", figures.used
    )
    family = GaugeMetricFamily(
        "relay_capacity_share_ratio", "What is used of what the server can carry, by resource.", labels=["resource"]
    )
    yield _by(family, figures.shares)
    yield GaugeMetricFamily("relay_rooms", "Conversations.", figures.rooms)
    yield GaugeMetricFamily("relay_media_connections", "WebRTC connections.", figures.media_connections)
    web = "TCP connections that HTTP is served on, WebSockets among them."
    yield GaugeMetricFamily("relay_web_connections", web, figures.web_connections)
    held_back = "Connections and requests that wait because their address has spent what it may have."
    yield GaugeMetricFamily("relay_held_back", held_back, figures.held_back)


def _media(media: EngineStats) -> Iterator[Metric]:
    packets = {"in": media.packets_received, "out": media.packets_sent}
    family = CounterMetricFamily("relay_media_packets", "SRTP and SRTCP datagrams.", labels=["direction"])
    yield _by(family, packets)
    sizes = {"in": media.bytes_received, "out": media.bytes_sent}
    family = CounterMetricFamily(
        "relay_media_bytes", "Bytes of SRTP and SRTCP datagrams, without IP and UDP headers.", labels=["direction"]
    )
    yield _by(family, sizes)
    allocations = "Allocations of TURN inside the media port: browsers make one for each URL, needed or not."
    yield GaugeMetricFamily("relay_turn_allocations", allocations, media.turn_allocations)
    waited = "Seconds for which media threads waited for each other, all together."
    yield CounterMetricFamily("relay_media_waited_seconds", waited, media.waited)
    transcoders = "Pictures that are converted now, for pairs without a video codec in common."
    yield GaugeMetricFamily("relay_transcoders", transcoders, media.transcoders)
    refused = "Pictures that were left dark, since too many are converted or no codec is known."
    yield CounterMetricFamily("relay_transcoders_refused", refused, media.transcoders_refused)
    frames = {"converted": media.pictures_converted, "dropped": media.pictures_lost}
    family = CounterMetricFamily("relay_transcoder_frames", "Frames that came to be converted.", labels=["outcome"])
    yield _by(family, frames)
    family = CounterMetricFamily(
        "relay_drops", "Datagrams, packets and frames that went no further.", labels=["reason"]
    )
    yield _by(family, dict.fromkeys(map(str, Drop), 0) | media.drops)


def _visits(tally: Tally) -> Iterator[Metric]:
    yield CounterMetricFamily("relay_sessions_opened", "Visitors who were let in.", tally.connections)
    family = CounterMetricFamily("relay_browser_sessions_opened", "Visitors who were let in.", labels=["browser"])
    yield _by(family, dict.fromkeys(FAMILIES, 0) | tally.browsers)
    meaning = "Visitors who agreed to the rules (new), and those who came back on a later day, once a day (returned)."
    family = CounterMetricFamily("relay_visitors", meaning, labels=["kind"])
    yield _by(family, {"new": 0, "returned": 0} | tally.visitors)
    family = CounterMetricFamily(
        "relay_account_sign_ins", "Attempts to sign in to an account.", labels=["by", "result"]
    )
    for (by, result), count in sorted(tally.sign_ins.items()):
        family.add_metric([by, result], count)
    yield family
    yield CounterMetricFamily("relay_sessions_resumed", "Sessions that went on after a lost connection.", tally.resumes)
    family = CounterMetricFamily("relay_sessions_closed", "Visits that ended.", labels=["reason"])
    yield _by(family, dict.fromkeys(PARTINGS, 0) | tally.departures)
    yield CounterMetricFamily("relay_matches", "Pairs that were brought together.", tally.matches)
    yield _histogram("relay_wait_seconds", "Waiting for a partner, of people who found one.", tally.wait_seconds)
    family = CounterMetricFamily("relay_rooms_ended", "Conversations that ended.", labels=["reason"])
    yield _by(family, dict.fromkeys(PARTINGS, 0) | tally.rooms_ended)
    yield _histogram("relay_call_seconds", "How long conversations lasted.", tally.call_seconds)
    family = CounterMetricFamily(
        "relay_messages_received", "What visitors sent over their WebSocket.", labels=["event"]
    )
    yield _by(family, tally.messages)


def _setups(figures: Figures, tally: Tally) -> Iterator[Metric]:
    meaning = "Media connections that came about, by what carried them first."
    succeeded = CounterMetricFamily("relay_setups_succeeded", meaning, labels=["path"])
    yield _by(succeeded, dict.fromkeys(FIRST_PATHS, 0) | tally.setups_succeeded)
    yield _histogram("relay_setup_seconds", "From the answer to an offer until media may flow.", tally.setup_seconds)
    meaning = "Media connections that did not come about, by what carried their checks."
    failed = CounterMetricFamily("relay_setups_failed", meaning, labels=["reason", "path"])
    for (reason, path), amount in (dict.fromkeys(SETUP_FAILURES, 0) | tally.setups_failed).items():
        failed.add_metric([reason, path], amount)
    yield failed
    meaning = "Media connections that came about or did not, by browser."
    of_browsers = CounterMetricFamily("relay_browser_setups", meaning, labels=["browser", "outcome"])
    for browser in FAMILIES:
        for outcome in OUTCOMES:
            of_browsers.add_metric([browser, outcome], tally.browser_setups[browser, outcome])
    yield of_browsers
    yield from _offers(tally)
    family = CounterMetricFamily("relay_connections_lost", "Media connections that broke.", labels=["reason"])
    yield _by(family, dict.fromkeys(LOSSES, 0) | tally.connections_lost)
    # No counter: a connection that changes its path is taken from one and given to another.
    meaning = "Media connections since start, by what carries or last carried them."
    paths = GaugeMetricFamily("relay_media_paths", meaning, labels=["path"])
    yield _by(paths, dict.fromkeys(PATHS, 0) | figures.paths)


def _offers(tally: Tally) -> Iterator[Metric]:
    meaning = "Lines of SDP offers that had no effect: malformed, unusable, or about something that is not used here."
    ignored = CounterMetricFamily("relay_offer_lines_ignored", meaning, labels=["kind", "reason"])
    for kind in LineKind:
        for why in Why:
            ignored.add_metric([kind, why], tally.ignored_lines[kind, why])
    yield ignored
    meaning = "Sections of SDP offers that were refused, while the rest of the offer was answered."
    refused = CounterMetricFamily("relay_offer_sections_refused", meaning, labels=["role"])
    yield _by(refused, dict.fromkeys(SECTIONS, 0) | tally.refused_sections)


def _troubles(tally: Tally, refusals: Refusals) -> Iterator[Metric]:
    codes = {code.value: tally.refusals[code] for code in ErrorCode if code not in HTTP_ONLY - AT_THE_DOOR}
    yield _by(CounterMetricFamily("relay_errors", "Errors that visitors were told.", labels=["code"]), codes)
    meaning = "Visitors and connections that were kept out, and proxies that are not understood."
    refused = {reason.value: refusals.times(reason) for reason in Reason}
    yield _by(CounterMetricFamily("relay_refusals", meaning, labels=["reason"]), refused)
    family = CounterMetricFamily("relay_limit_hits", "Events that came more often than allowed.", labels=["limit"])
    yield _by(family, tally.limit_hits)
    chats = CounterMetricFamily("relay_chats_kept", "Chats that two people keep, or no more.", labels=["outcome"])
    yield _by(chats, dict.fromkeys(("begun", "withdrawn", "failed"), 0) | tally.chats_kept)
    yield _by(CounterMetricFamily("relay_audited", "What staff did.", labels=["what"]), tally.audited)
    yield CounterMetricFamily("relay_task_failures", "The server's own mistakes.", tally.task_failures)


def _store(store: StoreFigures) -> Iterator[Metric]:
    if store.state is StoreState.OFF:
        return
    is_open = float(store.state is StoreState.OPEN)
    yield GaugeMetricFamily("relay_store_open", "1 while the database takes what is to last.", is_open)
    waiting = "Visits, conversations and sums that are not written yet."
    yield GaugeMetricFamily("relay_store_waiting", waiting, store.waiting)
    yield CounterMetricFamily("relay_store_written", "Visits, conversations and sums that were written.", store.written)
    dropped = "Visits, conversations and sums that were never written, because the database was away for too long."
    yield CounterMetricFamily("relay_store_dropped", dropped, store.dropped)
    confirmed = "Changes that somebody waited for, and that are on the disk."
    yield CounterMetricFamily("relay_store_confirmed", confirmed, store.confirmed)
    refused = "Changes that the database did not confirm in time, which the people who waited were told."
    yield CounterMetricFamily("relay_store_refused", refused, store.refused)


def _loop(pulse: Pulse) -> Iterator[Metric]:
    yield GaugeMetricFamily("relay_tasks", "Tasks of the event loop.", len(asyncio.all_tasks()) if _runs() else 0)
    yield _histogram("relay_event_loop_lag_seconds", "How late the event loop wakes.", pulse.lag)
    worst = "The most that the event loop woke late within the last minute."
    yield GaugeMetricFamily("relay_event_loop_lag_worst_seconds", worst, pulse.worst)


def _collections(collection: Collection) -> Iterator[Metric]:
    meaning = "How long the garbage collector stopped the event loop each time."
    yield _histogram("relay_collection_pause_seconds", meaning, collection.pauses)
    worst = "The longest that the garbage collector stopped the event loop within the last minute."
    yield GaugeMetricFamily("relay_collection_pause_worst_seconds", worst, collection.worst)


def _runs() -> bool:
    """Whether there is an event loop to be asked."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _system() -> Iterator[Metric]:
    times = process.threads()
    family = CounterMetricFamily("relay_thread_cpu_seconds", "CPU that threads used.", labels=["thread"])
    yield _by(family, {name: of.cpu for name, of in times.items()})
    delayed = "Time in which threads could have run and had no CPU."
    family = CounterMetricFamily("relay_thread_run_delay_seconds", delayed, labels=["thread"])
    yield _by(family, {name: of.delayed for name, of in times.items()})
    yield GaugeMetricFamily("relay_cpu_limit_cores", "Cores that the server may use.", process.cpu_limit())
    yield GaugeMetricFamily("relay_memory_limit_bytes", "Memory that the server may use.", process.memory_limit())


def _requests(tally: Tally) -> Metric:
    labels = ["method", "route", "status"]
    family = HistogramMetricFamily("relay_http_request_seconds", "How long HTTP answers took.", labels=labels)
    for (method, route, status), times in list(tally.requests.items()):
        family.add_metric([method, route, str(status)], times.buckets(), times.sum)
    return family


def _by(family: AnyMetric, values: Mapping[str, float]) -> AnyMetric:
    for name, value in values.items():
        family.add_metric([name], value)
    return family


def _histogram(name: str, meaning: str, times: Histogram) -> Metric:
    return HistogramMetricFamily(name, meaning, buckets=times.buckets(), sum_value=times.sum)
