"""The last hour in samples, for the operator's console. All but the loop that takes them is arithmetic.

Bounded: an old sample goes when a new one comes. Prometheus keeps more.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from relay.figures.figures import Figures
from relay.machine import process
from relay.machine.pulse import Pulse
from relay.media.engine import LossRecovery
from relay.observe.drops import Drop
from relay.observe.tally import Tally
from relay.tasks import Report, Tasks

INTERVAL = 5.0
"""Seconds between samples."""
KEPT = 720
"""Samples: an hour."""

LOST_HERE = (Drop.SOCKET_OVERFLOW, Drop.SEND_FAILED, Drop.TOO_LATE, Drop.DECODER_BACKLOG, Drop.SLOT_BACKLOG)
"""Reasons for which the server, not the network or a stranger, lets go of what somebody should have seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the counters say at one moment. `at` is in seconds since 1970, `cpu` and `media_cpu` in seconds."""

    at: float
    figures: Figures
    arrivals: int
    matches: int
    failures: int
    setups: int
    setup_seconds: float
    reported_seconds: float
    frozen_seconds: float
    cpu: float
    media_cpu: dict[str, float]
    cores: float
    lag: float
    memory: int


class Sample(NamedTuple):
    """Of one interval, which ends at `at`. The console draws these by name."""

    at: float
    people: int
    waiting: int
    talking: int
    arrivals: float
    """A minute."""
    matches: float
    """A minute."""
    received: float
    """Bits per second."""
    sent: float
    """Bits per second."""
    cpu: float
    """Of the cores that the server may use, 0 to 1."""
    media_cpu: float
    """Of the core that its busiest media thread has, 0 to 1."""
    lag: float
    """The event loop's longest, in seconds."""
    memory: int
    """Bytes."""
    failures: float
    """Set-ups that failed and connections that broke, a minute."""
    lost: float
    """Packets that the server let go for lack of time, a second."""
    setup: float | None
    """Mean seconds of the set-ups in this interval; None if there were none."""
    loss_in: float | None
    """Of the packets from people that came due, those that were lost at first, 0 to 1; None if there were none."""
    loss_out: float | None
    """Likewise to people."""
    frozen: float | None
    """Of the time that people's browsers reported, 0 to 1; None if there were no reports."""


def between(before: Reading, after: Reading) -> Sample:
    """What happened from one reading to the next."""
    seconds = max(after.at - before.at, 0.001)
    figures, earlier = after.figures, before.figures
    setups = after.setups - before.setups
    lost = sum(figures.media.drops.get(reason, 0) - earlier.media.drops.get(reason, 0) for reason in LOST_HERE)
    media = [after.media_cpu[name] - before.media_cpu.get(name, 0.0) for name in after.media_cpu]
    return Sample(
        at=round(after.at, 3),
        people=figures.people,
        waiting=figures.waiting,
        talking=figures.talking,
        arrivals=round((after.arrivals - before.arrivals) * 60 / seconds, 2),
        matches=round((after.matches - before.matches) * 60 / seconds, 2),
        received=round((figures.media.bytes_received - earlier.media.bytes_received) * 8 / seconds),
        sent=round((figures.media.bytes_sent - earlier.media.bytes_sent) * 8 / seconds),
        cpu=round((after.cpu - before.cpu) / seconds / after.cores, 4),
        media_cpu=round(max(media, default=0.0) / seconds, 4),
        lag=round(after.lag, 4),
        memory=after.memory,
        failures=round((after.failures - before.failures) * 60 / seconds, 2),
        lost=round(lost / seconds, 2),
        setup=round((after.setup_seconds - before.setup_seconds) / setups, 3) if setups > 0 else None,
        loss_in=_loss(earlier.media.from_peers, figures.media.from_peers),
        loss_out=_loss(earlier.media.to_peers, figures.media.to_peers),
        frozen=_share(after.frozen_seconds - before.frozen_seconds, after.reported_seconds - before.reported_seconds),
    )


def _loss(before: LossRecovery, after: LossRecovery) -> float | None:
    return _share(after.lost - before.lost, after.expected - before.expected)


def _share(part: float, whole: float) -> float | None:
    return round(min(1.0, max(0.0, part / whole)), 4) if whole > 0 else None


class History:
    """Samples from `start()` to `close()`."""

    def __init__(self, *, figures: Callable[[], Figures], tally: Tally, pulse: Pulse, report: Report) -> None:
        self._figures = figures
        self._tally = tally
        self._pulse = pulse
        self._samples: deque[Sample] = deque(maxlen=KEPT)
        self._last: Reading | None = None
        self._tasks = Tasks("history", report)

    def since(self, at: float) -> list[Sample]:
        """Samples that are later, the oldest first."""
        return [sample for sample in self._samples if sample.at > at]

    @property
    def latest(self) -> Sample | None:
        return self._samples[-1] if self._samples else None

    def take(self, reading: Reading) -> None:
        """One more reading. A clock that was set back starts anew."""
        if self._last is not None and reading.at > self._last.at:
            self._samples.append(between(self._last, reading))
        elif self._last is not None:
            self._samples.clear()
        self._last = reading

    def start(self) -> None:
        self._tasks.start("sample", self._sample())

    async def close(self) -> None:
        """Idempotent."""
        await self._tasks.close()

    async def _sample(self) -> None:
        while True:
            self.take(self._read())
            await asyncio.sleep(INTERVAL)

    def _read(self) -> Reading:
        tally = self._tally
        threads = process.threads()
        return Reading(
            at=time.time(),
            figures=self._figures(),
            arrivals=tally.connections,
            matches=tally.matches,
            failures=tally.setups_failed.total() + tally.connections_lost["consent_expired"],
            setups=tally.setup_seconds.count,
            setup_seconds=tally.setup_seconds.sum,
            reported_seconds=tally.reported.seconds,
            frozen_seconds=tally.reported.frozen_seconds,
            cpu=process.cpu_seconds(),
            media_cpu={name: times.cpu for name, times in threads.items() if name.startswith("media-")},
            cores=process.cpu_limit(),
            lag=self._pulse.worst_within(INTERVAL),
            memory=process.resident_bytes(),
        )
