"""Counts what happened to people since start: the figures behind `/videochat/stats`."""

from collections import Counter
from dataclasses import dataclass, field

from relay.errors import ErrorCode


@dataclass(slots=True)
class Tally:
    """One instance per process; whoever makes something happen counts it here."""

    connections: int = 0
    """WebSockets that were let in."""
    resumes: int = 0
    """Sessions that went on after their connection was lost."""
    matches: int = 0
    waits: int = 0
    """People who were matched after they had waited in the queue."""
    waited_seconds: float = 0.0
    """By those people together."""
    setups_succeeded: int = 0
    """Media connections that got as far as keys."""
    setups_failed: Counter[str] = field(default_factory=Counter)
    """The others, by reason."""
    connections_lost: Counter[str] = field(default_factory=Counter)
    """Media connections that ended although nobody hung up, by reason."""
    refusals: Counter[ErrorCode] = field(default_factory=Counter)
    """Errors that visitors were told, by code."""
