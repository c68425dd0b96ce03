"""Who was kept out, for what reason, and what the operator can do about it.

Each refusal is counted by its reason, kept for the console with what it last concerned, and logged once an hour for
each cause: so a visitor who can't get in is never without a trace, and a stranger never fills the disk.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from relay import clock
from relay.observe.happenings import Happening, KeptOut
from relay.observe.logs.logging import get_logger
from relay.observe.reasons import Reason

LOGGER = "refused"
AGAIN_AFTER = 3_600.0
"""Seconds after which the same cause is logged again."""
MOST_CAUSES = 20
"""Of one reason, that are logged within that time; strangers choose what most of them say."""
LONGEST_CAUSE = 100
"""Characters of what a stranger wrote."""

log = get_logger(LOGGER)


REMEDIES: dict[Reason, str] = {
    Reason.ORIGIN: "if you have a proxy, have it pass on Host and X-Forwarded-Proto as visitors sent them, or name the"
    " origin in RELAY_ALLOWED_ORIGINS; if not, a page elsewhere tried to open the WebSocket: leave it",
    Reason.HOST: "if it is yours, name it in RELAY_HOSTS; if a proxy asks, RELAY_TRUSTED_PROXIES makes it known",
    Reason.WEBSOCKET: "if it is your proxy, have it pass on the headers Upgrade and Connection, by HTTP/1.1",
    Reason.UNTRUSTED_PROXY: "if it is your proxy, put its address into RELAY_TRUSTED_PROXIES; until then its visitors"
    " count as one",
    Reason.SILENT_PROXY: "have your proxy send the header that RELAY_FORWARDED_HEADER names; until then its visitors"
    " count as one",
    Reason.BROKEN_PROXY_HEADER: "have your proxy send the PROXY protocol, version 1 or 2, or take its address out of"
    " RELAY_TRUSTED_PROXIES",
    Reason.CONNECTIONS: "if many share this address, raise RELAY_MAX_PER_ADDRESS; if it is your proxy, put it into"
    " RELAY_TRUSTED_PROXIES",
    Reason.ADDRESS_RATE: "if many share this address, raise RELAY_MAX_CPU_PER_ADDRESS and RELAY_RATE_ADDRESS_...; if"
    " it is your proxy, put it into RELAY_TRUSTED_PROXIES",
    Reason.FULL: "raise what is used up: `relay check` names what limits this server",
    Reason.DRAINING: "none: the server was told to end, and another one is to take its place",
    Reason.DESCRIPTORS: "raise the limit of open files (ulimit -n, LimitNOFILE)",
    Reason.OFFER: "a browser that WebRTC here can't serve; if it is a current one, report it with this line",
    Reason.NO_CHECK: "nothing from the browser reached the media port: open it for UDP and TCP, and see"
    " RELAY_PUBLIC_ADDRESS; networks that let neither through need TURN over TLS, of which `relay check` tells;"
    " `relay probe` tries it all from outside",
    Reason.NO_HANDSHAKE: "packets come, but the handshake does not end: look for a CPU that is used up",
    Reason.CROWDED_OUT: "one address has begun too many connections at once and ended none: nothing to do",
}


@dataclass(frozen=True, slots=True)
class Refused:
    """One reason. `at` is in seconds since 1970."""

    reason: Reason
    times: int
    at: float
    cause: str
    """What it last concerned. A stranger's words, and maybe an address."""
    remedy: str


@dataclass(slots=True)
class _Hour:
    """What was said of one reason since then."""

    since: float
    causes: set[str]


class Refusals:
    """One instance per process: a `Reader` of the journal. `now` is in seconds on a clock that never jumps."""

    def __init__(self, now: Callable[[], float] = clock.monotonic) -> None:
        self._now = now
        self._seen: dict[Reason, Refused] = {}
        self._said: dict[Reason, _Hour] = {}

    def reads(self, kind: type[Happening]) -> bool:
        return kind is KeptOut

    def note(self, happening: Happening) -> None:
        assert isinstance(happening, KeptOut)
        reason, cause = happening.reason, happening.cause[:LONGEST_CAUSE]
        before = self._seen.get(reason)
        times = 1 + (before.times if before else 0)
        remedy = happening.remedy or REMEDIES[reason]
        self._seen[reason] = Refused(reason, times, clock.unix(), cause, remedy)
        if self._is_news(reason, cause):
            log.warning(reason.value, **_shown(happening.fields), remedy=remedy, times=times)

    def times(self, reason: Reason) -> int:
        """Since start."""
        return self._seen[reason].times if reason in self._seen else 0

    def latest(self) -> list[Refused]:
        """Each reason that occurred, the latest first."""
        return sorted(self._seen.values(), key=lambda refused: refused.at, reverse=True)

    def _is_news(self, reason: Reason, cause: str) -> bool:
        now = self._now()
        hour = self._said.get(reason)
        if hour is None or now - hour.since >= AGAIN_AFTER:
            hour = self._said[reason] = _Hour(now, set())
        if cause in hour.causes or len(hour.causes) >= MOST_CAUSES:
            return False
        hour.causes.add(cause)
        return True


def _shown(fields: Mapping[str, object]) -> dict[str, object]:
    return {name: value[:LONGEST_CAUSE] if isinstance(value, str) else value for name, value in fields.items()}
