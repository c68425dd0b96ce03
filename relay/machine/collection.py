"""When the garbage collector looks at everything, and how long it stops the event loop.

Owns the collector of the process: what it need not look at, its thresholds, and every full collection. A full one looks
at all that there is, for a tenth of a millisecond a person, and nothing else happens meanwhile. A visit that ends
leaves nothing for it (`tests/scenario/test_endings.py`), so there is none by itself. New objects are looked at all the
time, in small portions, and everything on purpose: while few are there, when everybody has left, and when memory runs
short. Decision 21 has the numbers.
"""

import ctypes
import gc
from collections import deque
from collections.abc import Callable

from relay import clock
from relay.machine import process
from relay.observe.histogram import LAGS, Histogram
from relay.observe.logs.logging import get_logger
from relay.tasks import Report, Tasks

INTERVAL = 1.0
"""Seconds between looks."""
RECENT = 60
"""Looks over which `worst` looks back."""

YOUNG, MIDDLE = 350, 1
"""New objects, less those freed meanwhile, after which new ones are looked at; and looks after which those that have
survived one are, too. Python's own are 700 and 10: where people come and go as many objects are freed as are new, and
so 20,000 survive ten looks. Looking at those takes 35 ms."""
NEVER = 2**31 - 1
"""Times after which Python would look at everything by itself."""

FEW = 100
"""People with whom a full collection takes 2 to 12 ms, all of them in calls."""
FEW_INTERVAL = 60.0
"""Seconds between full collections while so few are there."""
SHORT = 0.8
"""Of the memory that the process may have. At 0.85 newcomers are refused, at 1 everybody is cut off: rather a pause."""
SHORT_INTERVAL = 600.0
"""Seconds between full collections while memory is short: what one did not free the next does not, either."""
QUIET = 5
"""Looks at which nobody was there, before memory is returned: someone who comes and goes all the time costs little."""

log = get_logger("memory")


def leave_what_stays() -> None:
    """Modules, classes and the server itself stay until the end: nobody need look at them again."""
    gc.collect()
    gc.freeze()


class Collection:
    """Sees to it from `start()` to `close()`."""

    def __init__(self, people: Callable[[], int], report: Report) -> None:
        self.pauses = Histogram(LAGS)
        """Of the event loop, in seconds, of all collections."""
        self._people = people
        self._tasks = Tasks("collection", report)
        self._python: tuple[int, int, int] | None = None
        """Thresholds as they were."""
        self._limit = process.memory_limit()
        self._began = 0.0
        self._longest = 0.0
        """Since the last look."""
        self._recent: deque[float] = deque(maxlen=RECENT)
        self._quiet = QUIET
        self._collected_at = clock.monotonic()

    @property
    def worst(self) -> float:
        """The longest pause of the last minute, in seconds."""
        return max(self._longest, *self._recent, 0.0)

    def start(self) -> None:
        self._python = gc.get_threshold()
        gc.set_threshold(YOUNG, MIDDLE, NEVER)
        gc.callbacks.append(self._note)
        self._tasks.repeat("look", INTERVAL, self._look)

    async def close(self) -> None:
        """Leave the collector as it was. Idempotent."""
        if self._python is not None:
            gc.set_threshold(*self._python)
            gc.callbacks.remove(self._note)
            self._python = None
        await self._tasks.close()

    def is_due(self, people: int, used: float, now: float) -> bool:
        """Whether to look at everything, with so many people and this part of the memory used."""
        since = now - self._collected_at
        return (people <= FEW and since >= FEW_INTERVAL) or (used >= SHORT and since >= SHORT_INTERVAL)

    def have_all_left(self, people: int) -> bool:
        """Whether this is when nobody has been there for a while; once each time that they have left."""
        if people:
            self._quiet = 0
            return False
        self._quiet = min(self._quiet + 1, QUIET + 1)
        return self._quiet == QUIET

    def _look(self) -> None:
        self._recent.append(self._longest)
        self._longest = 0.0
        people, resident, now = self._people(), process.resident_bytes(), clock.monotonic()
        left = self.have_all_left(people)
        if not left and not self.is_due(people, resident / self._limit, now):
            return
        found = gc.collect()
        self._collected_at = now
        if left:
            give_back()
        elif resident / self._limit >= SHORT:
            log.warning("memory_short", resident=resident, limit=self._limit, collected=found)

    def _note(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._began = clock.monotonic()
            return
        pause = clock.monotonic() - self._began
        self.pauses.observe(pause)
        self._longest = max(self._longest, pause)


def give_back() -> None:
    """Return free pages to the system where the C library can: glibc, not musl or macOS. What a crowd leaves behind is
    free, but in pieces between what stays, and the allocator keeps it for the next crowd. It stops the event loop for
    about a tenth of a second."""
    if (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:
        trim(0)
