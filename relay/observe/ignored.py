"""What of an offer was passed over, by kind of line and by why. No label holds what a stranger wrote."""

from collections import Counter
from enum import StrEnum


class LineKind(StrEnum):
    """What a line of SDP is about."""

    GROUP = "group"
    FINGERPRINT = "fingerprint"
    CANDIDATE = "candidate"
    EXTENSION = "extension"
    CODEC = "codec"
    FMTP = "fmtp"
    FEEDBACK = "feedback"
    SSRC = "ssrc"


class Why(StrEnum):
    """Why such a line has no effect."""

    UNKNOWN = "unknown"
    """Well-formed, and about something that the relay does not use."""
    MALFORMED = "malformed"
    """It can't be read."""
    UNUSABLE = "unusable"
    """It can be read, but contradicts another line, or names a number that can't be used."""


class Ignored(Counter[tuple[LineKind, Why]]):
    """How many lines."""
