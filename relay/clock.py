"""Where time is read. Cores never call these: they take `now` as an argument."""

import time

NTP_EPOCH_OFFSET = 2_208_988_800
"""Seconds between the NTP epoch (1900) and the Unix epoch (1970), RFC 5905 section 6."""


def monotonic() -> float:
    """Seconds on a clock that never jumps; only differences mean anything."""
    return time.monotonic()


def unix() -> float:
    """Seconds since 1970, for what another machine is to understand."""
    return time.time()


def cpu() -> float:
    """Seconds of CPU that this thread has used: what something costs, however busy the machine is."""
    return time.thread_time()
