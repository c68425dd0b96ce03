"""Where a visitor stands. It follows from lobby and rooms, which own it; what may be said when is in `events.py`."""

from enum import Enum


class VisitorState(Enum):
    """As in the specification (`protocol/README.md`)."""

    IDLE = "idle"
    WAITING = "waiting"
    TALKING = "talking"
