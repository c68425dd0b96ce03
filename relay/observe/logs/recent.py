"""The latest warnings and errors, for the operator's console: of each kind the last one, and how many there were."""

import logging
import time
from dataclasses import dataclass

from relay.observe.logs.folding import event_of
from relay.observe.logs.pseudonyms import Pseudonyms
from relay.observe.refusals import LOGGER as REFUSED

KINDS = 50
"""So many are kept; the one that has been quiet for longest goes first."""
LONGEST = 300
"""Characters of what is kept of one."""

HIDDEN = frozenset({"event", "level", "logger", "timestamp", "exc_info", "user", "room"})
"""Fields that are shown elsewhere, or are not for showing."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What went wrong. `at` is in seconds since 1970."""

    at: float
    level: str
    source: str
    event: str
    detail: str
    times: int


class Recent(logging.Handler):
    """Listens to all loggers from `listen()` to `stop()`."""

    def __init__(self, pseudonyms: Pseudonyms) -> None:
        super().__init__(logging.WARNING)
        self._pseudonyms = pseudonyms
        self._troubles: dict[tuple[str, str], Trouble] = {}

    def listen(self) -> None:
        logging.getLogger().addHandler(self)

    def stop(self) -> None:
        """Idempotent."""
        logging.getLogger().removeHandler(self)

    def troubles(self) -> list[Trouble]:
        """The latest first."""
        return list(reversed(self._troubles.values()))

    def emit(self, record: logging.LogRecord) -> None:
        if record.name == f"relay.{REFUSED}":
            return  # the console has a list of its own for them
        event = event_of(record)
        before = self._troubles.pop((record.name, event), None)
        self._troubles[record.name, event] = Trouble(
            at=time.time(),
            level=record.levelname.lower(),
            source=record.name.removeprefix("relay."),
            event=self._pseudonyms.hide(event)[:LONGEST],
            detail=self._pseudonyms.hide(_detail(record))[:LONGEST],
            times=1 + (before.times if before else 0),
        )
        while len(self._troubles) > KINDS:
            del self._troubles[next(iter(self._troubles))]


def _detail(record: logging.LogRecord) -> str:
    if isinstance(record.msg, dict):
        fields, failure = record.msg, record.msg.get("exc_info")
    else:
        fields, failure = {}, record.exc_info[1] if record.exc_info else None
    parts = [f"{name}={value}" for name, value in fields.items() if name not in HIDDEN and not name.startswith("_")]
    if isinstance(failure, BaseException):
        parts.append(f"{type(failure).__name__}: {failure}")
    elif not isinstance(record.msg, dict) and record.args:
        parts.append(record.getMessage())
    return " ".join(parts)
