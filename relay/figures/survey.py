"""How the links of those who talk differ: every few seconds each link counts once in distributions, without its name.

A figure of one moment can't be added up over servers and misses what happened between two scrapes; distributions that
only grow can, and don't.
"""

import asyncio
from collections.abc import Callable, Iterable

from relay.media.engine import Links
from relay.observe.histogram import BYTE_RATES, JITTERS, ROUND_TRIPS, SHARES, Histogram
from relay.tasks import Report, Tasks

INTERVAL = 5.0
"""Seconds between looks: browsers report about once a second, Prometheus reads every 5 s."""


class Survey:
    """Looks at all links from `start()` to `close()`."""

    def __init__(self, links: Callable[[], Links], report: Report) -> None:
        self._links = links
        self.loss = {"in": Histogram(SHARES), "out": Histogram(SHARES)}
        self.jitter = {"in": Histogram(JITTERS), "out": Histogram(JITTERS)}
        """Seconds."""
        self.round_trip = Histogram(ROUND_TRIPS)
        """Seconds there and back."""
        self.estimate = Histogram(BYTE_RATES)
        """Bytes per second that receivers estimate they can have."""
        self.cap = Histogram(BYTE_RATES)
        """Bytes per second that senders were told, because their partner's link takes no more."""
        self.capped = 0
        """Senders that were capped at the latest look."""
        self._tasks = Tasks("survey", report)

    def take(self, links: Links) -> None:
        """Count each link once."""
        for values, distribution in (
            (links.loss_in, self.loss["in"]),
            (links.loss_out, self.loss["out"]),
            (links.jitter_in, self.jitter["in"]),
            (links.jitter_out, self.jitter["out"]),
            (links.round_trips, self.round_trip),
            (_bytes(links.estimates), self.estimate),
            (_bytes(links.caps), self.cap),
        ):
            for value in values:
                distribution.observe(value)
        self.capped = len(links.caps)

    def start(self) -> None:
        self._tasks.start("look", self._look())

    async def close(self) -> None:
        """Idempotent."""
        await self._tasks.close()

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL)
            self.take(self._links())


def _bytes(bits: Iterable[float]) -> Iterable[float]:
    return (rate / 8 for rate in bits)
