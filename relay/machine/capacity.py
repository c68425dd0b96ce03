"""How full the server is: one figure, 0 to 1, which admission, metrics, statistics, alerts and the console all read.

It is the largest share of anything that could run out. What moves by itself is measured every second and
smoothed over a few, so that a burst refuses nobody; people are counted when it is asked for.
"""

import os
import resource
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from relay import clock
from relay.config.settings import CapacitySettings, MediaSettings
from relay.machine import process
from relay.machine.pulse import Pulse
from relay.tasks import Report, Tasks

INTERVAL = 1.0
"""Seconds between measurements."""
CORES_INTERVAL = 10.0
"""Seconds between looks at how many cores there are: a dozen files to read, for what hardly ever changes."""
WEIGHT = 0.3
"""Of the latest measurement: what it shows, three seconds have shown."""
LAG_WINDOW = 5.0
"""Seconds in whose median the event loop's lag counts: it is late all the time, or it does not matter."""

PEOPLE_PER_CORE = 350
"""Of 1 Mbit/s and 160 packets a second each way, at 70 % of a core (docker/README.md)."""
BYTES_PER_PERSON = 1024 * 1024
"""Of memory, with what is kept of packets."""
DESCRIPTORS_PER_PERSON = 4
"""WebSocket, ICE over TCP, and two for TURN through our port."""
BUFFER_PER_PERSON = 1_250
"""Bytes of a socket's buffer: what one sends in the 10 ms for which a media thread may be busy with others."""
PACKETS_PER_THREAD = 100_000
"""Received a second by one media thread: 7 us for each."""
MOST_THREADS = 64
"""For media."""
CACHE_OF_MEMORY = 0.25
CACHE_FILLED = 0.9
"""Of what may be kept for retransmission: at more, nobody else is taken, and those inside go on as they were."""
MEMORY_USED = 0.85
"""Of the memory that the process may have: at more, nobody else is taken."""
CONNECTIONS_PER_PERSON = 6
"""That a browser opens to one server; a WebSocket is one of them, once open."""
BYTES_PER_CONNECTION = 96 * 1024
"""Of memory, for an idle one over TLS."""
CONNECTIONS_OF_MEMORY = 0.25


class Bound(StrEnum):
    """What keeps a server from taking more people."""

    SETTING = "RELAY_MAX_PEOPLE"
    THREADS = "media threads"
    CORES = "cores"
    MEMORY = "memory"
    RECEIVE_BUFFER = "receive buffer"
    SEND_BUFFER = "send buffer"
    DESCRIPTORS = "descriptors"


_NETWORK = Path("/proc/sys/net/core")
_BUFFERS = {Bound.RECEIVE_BUFFER: _NETWORK / "rmem_max", Bound.SEND_BUFFER: _NETWORK / "wmem_max"}


class Limits(NamedTuple):
    """What may not be exceeded; the fields are named like those of `Load`."""

    people: int
    packets: float
    cpu: float
    lag: float
    cache: int
    memory: int


class Load(NamedTuple):
    """What is used."""

    people: int
    """Connected visitors, and those who may come back."""
    packets: float
    """From browsers, a second."""
    cpu: float
    """Of the core that the busiest media thread has, or of all that the server may use, whichever is more; 0 to 1."""
    lag: float
    """The event loop's, in seconds."""
    cache: int
    """Bytes of packets that are kept for retransmission."""
    memory: int = 0
    """Bytes that the process holds."""


@dataclass(frozen=True, slots=True)
class Counters:
    """What the engine says."""

    packets: int
    cache: int


def threads_of(media: MediaSettings) -> int:
    """Media threads: as many as are set, or as there are cores, less one for Python."""
    if media.media_threads != "auto":
        return media.media_threads
    return max(1, min(MOST_THREADS, int(process.cpu_limit()) - 1))


def limits_of(capacity: CapacitySettings, media_threads: int) -> Limits:
    """Those of the settings; where they leave it to the machine, what that can carry."""
    memory = process.memory_limit()
    return Limits(
        people=capacity.max_people or most_people(media_threads),
        packets=capacity.max_packets or PACKETS_PER_THREAD * media_threads,
        cpu=capacity.max_cpu,
        lag=capacity.max_lag,
        cache=int(most_cache(capacity) * CACHE_FILLED),
        memory=int(memory * MEMORY_USED),
    )


def most_cache(capacity: CapacitySettings) -> int:
    """Bytes that may be kept for retransmission."""
    return capacity.max_cache or int(process.memory_limit() * CACHE_OF_MEMORY)


def most_people(media_threads: int) -> int:
    """How many this machine can carry."""
    return max(2, min(carried(media_threads).values()))


def carried(media_threads: int) -> dict[Bound, int]:
    """How many people each of its resources can carry."""
    _, descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)
    cores = process.cpu_limit()
    found = {
        Bound.CORES if cores < media_threads else Bound.THREADS: PEOPLE_PER_CORE * min(cores, media_threads),
        Bound.MEMORY: process.memory_limit() / 2 / BYTES_PER_PERSON,
    }
    for bound, file in _BUFFERS.items():
        if file.is_file() and not _may_exceed():
            found[bound] = int(file.read_text()) / BUFFER_PER_PERSON
    if descriptors != resource.RLIM_INFINITY:
        found[Bound.DESCRIPTORS] = descriptors / DESCRIPTORS_PER_PERSON
    return {bound: int(people) for bound, people in found.items()}


def bound_of(capacity: CapacitySettings, media_threads: int) -> Bound:
    """What limits the number of people."""
    if capacity.max_people:
        return Bound.SETTING
    of = carried(media_threads)
    return min(of, key=lambda bound: of[bound])


def most_connections() -> int:
    """For pages and WebSockets, that this machine can hold: by memory and descriptors."""
    _, descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)
    by_memory = int(process.memory_limit() * CONNECTIONS_OF_MEMORY / BYTES_PER_CONNECTION)
    return by_memory if descriptors == resource.RLIM_INFINITY else min(by_memory, descriptors // 2)


def shares(load: Load, limits: Limits) -> dict[str, float]:
    """Of each resource, the part that is used; 1 and more: all of it."""
    return {name: used / limit for name, used, limit in zip(Load._fields, load, limits, strict=True)}


class Capacity:
    """Measures from `start()` to `close()`."""

    def __init__(
        self,
        *,
        limits: Limits,
        present: Callable[[], int],
        counters: Callable[[], Counters],
        pulse: Pulse,
        report: Report,
    ) -> None:
        self.limits = limits
        self._people = present
        self._counters = counters
        self._pulse = pulse
        self._tasks = Tasks("capacity", report)
        self._measured = Load(0, 0.0, 0.0, 0.0, 0, 0)
        self._measured_share = 0.0
        """Of the resource of which most is used, people aside: everybody who comes is weighed by it."""
        self._last: tuple[float, int, dict[str, float]] | None = None
        self._cores = (process.cpu_limit(), clock.monotonic())

    @property
    def used(self) -> float:
        """0 to 1, and more where more is used than should be."""
        return max(self._people() / self.limits.people, self._measured_share)

    @property
    def fullest(self) -> str:
        """The resource of which most is used."""
        shares = self.shares()
        return max(shares, key=lambda name: shares[name])

    @property
    def is_full(self) -> bool:
        """Whether one more would be at the expense of those inside."""
        return self.used >= 1

    def shares(self) -> dict[str, float]:
        """By resource."""
        return shares(self._measured._replace(people=self._people()), self.limits)

    def start(self) -> None:
        self._measure()
        self._tasks.repeat("measure", INTERVAL, self._measure)

    async def close(self) -> None:
        """Idempotent."""
        await self._tasks.close()

    def _measure(self) -> None:
        now, counters, times = clock.monotonic(), self._counters(), process.threads()
        if now - self._cores[1] >= CORES_INTERVAL:
            self._cores = process.cpu_limit(), now
        cpu = {name: of.cpu for name, of in times.items()}
        if self._last is not None and now > (since := self._last[0]):
            seconds = now - since
            spent = {name: (used - self._last[2].get(name, used)) / seconds for name, used in cpu.items()}
            media = max((share for name, share in spent.items() if name.startswith("media-")), default=0.0)
            self.take(
                Load(
                    people=0,
                    packets=(counters.packets - self._last[1]) / seconds,
                    cpu=max(media, sum(spent.values()) / self._cores[0]),
                    lag=self._pulse.median_within(LAG_WINDOW),
                    cache=counters.cache,
                    memory=process.resident_bytes(),
                )
            )
        self._last = now, counters.packets, cpu

    def take(self, load: Load) -> None:
        """One measurement. Lag comes smoothed, and the cache is what it is."""
        before = self._measured
        self._measured = load._replace(
            packets=before.packets + WEIGHT * (load.packets - before.packets),
            cpu=before.cpu + WEIGHT * (load.cpu - before.cpu),
        )
        self._measured_share = max(shares(self._measured, self.limits).values())


def _may_exceed() -> bool:
    """Root may take larger buffers than the system allows others (SO_RCVBUFFORCE, socket(7))."""
    return os.geteuid() == 0
