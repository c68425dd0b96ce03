"""Gives memory back to the system once everybody has left.

What a crowd leaves behind is free, but in pieces between what stays, and the allocator keeps it for the next crowd.
Collecting what refers to itself and returning free pages stops the event loop for about a tenth of a second, so it is
done while nobody would notice.
"""

import asyncio
import ctypes
import gc
from collections.abc import Callable

from relay.tasks import Report, Tasks

INTERVAL = 1.0
"""Seconds between looks."""
QUIET = 5
"""Looks at which nobody was there, before anything is done: someone who comes and goes all the time costs little."""


class Memory:
    """Watches who is there from `start()` to `close()`."""

    def __init__(self, people: Callable[[], int], report: Report) -> None:
        self._people = people
        self._tasks = Tasks("memory", report)
        self._quiet = QUIET

    def start(self) -> None:
        self._tasks.start("watch", self._watch())

    async def close(self) -> None:
        """Idempotent."""
        await self._tasks.close()

    def is_time(self, people: int) -> bool:
        """Whether to give back now, when so many are there: once each time that they have left."""
        if people:
            self._quiet = 0
            return False
        self._quiet = min(self._quiet + 1, QUIET + 1)
        return self._quiet == QUIET

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL)
            if self.is_time(self._people()):
                give_back()


def give_back() -> None:
    """Free what refers to itself, and return free pages where the C library can: glibc, not musl or macOS."""
    gc.collect()
    if (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:
        trim(0)
