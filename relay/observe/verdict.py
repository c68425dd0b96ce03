"""What becomes of what a browser reports."""

from enum import StrEnum


class Verdict(StrEnum):
    """What became of a report."""

    TAKEN = "taken"
    STALE = "stale"
    """Of a conversation that is over: it crossed with the news."""
    IMPLAUSIBLE = "implausible"
    """It tells of more time than has passed, or twice of what happens once."""
