"""How late the event loop is: asks to be woken at fixed times, and measures by how much it is not."""

import asyncio
from collections import deque

from relay.observe.histogram import LAGS, Histogram
from relay.tasks import Report, Tasks

INTERVAL = 0.1
"""Seconds between beats."""
RECENT = 60.0
"""Seconds over which `worst` looks."""


class Pulse:
    """Beats from `start()` to `close()`."""

    def __init__(self, report: Report) -> None:
        self.lag = Histogram(LAGS)
        self._recent: deque[float] = deque(maxlen=round(RECENT / INTERVAL))
        self._tasks = Tasks("pulse", report)

    @property
    def worst(self) -> float:
        """The longest lag of the last minute, in seconds."""
        return max(self._recent, default=0.0)

    def worst_within(self, seconds: float) -> float:
        """The longest lag of so many seconds, `RECENT` at most."""
        return max(list(self._recent)[-round(seconds / INTERVAL) :], default=0.0)

    def median_within(self, seconds: float) -> float:
        """The middle lag of so many seconds, `RECENT` at most: how late the loop is as a rule."""
        recent = sorted(list(self._recent)[-round(seconds / INTERVAL) :])
        return recent[len(recent) // 2] if recent else 0.0

    def beat(self, lag: float) -> None:
        """The loop came to this beat so many seconds late."""
        self.lag.observe(lag)
        self._recent.append(lag)

    def start(self) -> None:
        self._tasks.start("beat", self._beat())

    async def close(self) -> None:
        """Idempotent."""
        await self._tasks.close()

    async def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + INTERVAL
            await asyncio.sleep(INTERVAL)
            self.beat(max(0.0, loop.time() - due))
