"""Writes log records, and of a flood of like ones only the first: a stranger must not fill the disk."""

import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TextIO

from relay import clock

BURST = 50
"""Like records within `WINDOW` that are written."""
WINDOW = 10.0
"""Seconds after which the rest is summed up in one line, as soon as anything is logged."""

Key = tuple[str, int, str]


@dataclass(slots=True)
class _Run:
    since: float
    seen: int = 0

    @property
    def folded(self) -> int:
        return max(0, self.seen - BURST)


class FoldingHandler(logging.StreamHandler[TextIO]):
    """Records are like when logger, level and event are, whatever their fields. `now` is in seconds."""

    def __init__(self, stream: TextIO = sys.stderr, now: Callable[[], float] = clock.monotonic) -> None:
        super().__init__(stream)
        self._now = now
        self._runs: dict[Key, _Run] = {}

    def emit(self, record: logging.LogRecord) -> None:
        now = self._now()
        self._sum_up(before=now - WINDOW)
        run = self._runs.setdefault((record.name, record.levelno, event_of(record)), _Run(now))
        run.seen += 1
        if not run.folded:
            super().emit(record)

    def close(self) -> None:
        """Say what is not said yet."""
        self.acquire()
        try:
            self._sum_up(before=float("inf"))
        finally:
            self.release()
        super().close()

    def _sum_up(self, before: float) -> None:
        for key, run in [(key, run) for key, run in self._runs.items() if run.since < before]:
            del self._runs[key]
            if run.folded:
                name, level, event = key
                text = f"{event} (repeated {run.folded} times)"
                super().emit(logging.LogRecord(name, level, "", 0, text, None, None))


def event_of(record: logging.LogRecord) -> str:
    """The event of one of our records, or the constant part of a library's."""
    return str(record.msg.get("event")) if isinstance(record.msg, dict) else str(record.msg)
