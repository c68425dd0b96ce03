"""Who asks, and what they may. The only place that compares tokens, and makes those wait who guess.

The right token is let in at once, whatever others at the same address did. So what holds against guessing is the
token's length and that it is random (of 64 bits and ten thousand guesses a second half are left after 29 million
years); the wait spares the log and tells people who mistype.
"""

import hashlib
import hmac
from collections import OrderedDict
from dataclasses import dataclass
from enum import StrEnum

from relay import clock
from relay.errors import ErrorCode, RelayError
from relay.ledger.addresses import subscriber
from relay.ledger.bucket import TokenBucket, full
from relay.observe.logs.logging import get_logger
from relay.observe.once import Once

BEARER = "bearer "

ATTEMPTS = 10
"""Wrong tokens from one address (IPv6: from one /64), after which it waits."""
ATTEMPTS_PER_MINUTE = 5
MOST_ADDRESSES = 10_000
"""That are remembered; then the one is forgotten that has not tried for longest: it could soon begin anew anyway."""

log = get_logger("operator")


class Scope(StrEnum):
    """What somebody may be allowed to do."""

    OPERATE = "operate"
    """See who talks, end rooms, drain the server."""
    READ_FIGURES = "read_figures"
    """Read the metrics."""


CLOSED = {
    Scope.OPERATE: "This is for the operator. Set RELAY_OPERATOR_TOKEN and send it as a bearer token.",
    Scope.READ_FIGURES: (
        "This is closed. Set RELAY_METRICS_TOKEN and send it as a bearer token, or set RELAY_METRICS_ALLOW."
    ),
}
"""What is said where no token opens a scope."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who showed who they are."""

    name: str
    scopes: frozenset[Scope]


OPERATOR = Principal("operator", frozenset(Scope))
METRICS = Principal("metrics", frozenset({Scope.READ_FIGURES}))


class Gate:
    """One per server: attempts on all endpoints count together. Tokens that are None open nothing."""

    def __init__(self, operator_token: str | None, metrics_token: str | None) -> None:
        given = ((operator_token, OPERATOR), (metrics_token, METRICS))
        self._known = tuple((_digest(token), principal) for token, principal in given if token is not None)
        self._admitted = Once()
        self._attempts: OrderedDict[str, TokenBucket] = OrderedDict()

    def admit(self, credentials: str, origin: str, scope: Scope) -> Principal:
        """Let through who shows a token that opens the scope. `credentials` is the value of the Authorization header,
        empty without one; `origin` is the address that asks.

        Raises:
            RelayError: OPERATOR_ONLY if no token opens the scope, OPERATOR_TOKEN_WRONG if none or another was shown,
                RATE_LIMITED after too many wrong ones.
        """
        if not any(scope in principal.scopes for _, principal in self._known):
            raise RelayError(ErrorCode.OPERATOR_ONLY, CLOSED[scope])
        wrong = RelayError(ErrorCode.OPERATOR_TOKEN_WRONG, "The token is missing or wrong.")
        shown = _shown(credentials)
        if shown is None:
            raise wrong
        principal = self._principal_of(shown)
        if principal is not None and scope in principal.scopes:
            if self._admitted.is_new(f"{principal.name} {origin}"):
                log.info("token_right", who=principal.name, source=origin)
            return principal
        wait = self._attempts_from(subscriber(origin)).take(clock.monotonic())
        if wait > 0:
            raise RelayError(
                ErrorCode.RATE_LIMITED, "There were too many wrong tokens. Wait a little.", retry_after=wait
            )
        log.warning("operator_token_wrong", source=origin)
        raise wrong

    def knows(self, credentials: str) -> bool:
        """Whether a right token of any kind is shown. Nobody learns it, so that nothing is counted."""
        shown = _shown(credentials)
        return shown is not None and self._principal_of(shown) is not None

    def _principal_of(self, shown: bytes) -> Principal | None:
        found = None
        # All are compared, so that the time tells nothing of which is near.
        for digest, principal in self._known:
            if hmac.compare_digest(shown, digest):
                found = principal
        return found

    def _attempts_from(self, key: str) -> TokenBucket:
        bucket = self._attempts.get(key)
        if bucket is None:
            if len(self._attempts) >= MOST_ADDRESSES:
                self._attempts.popitem(last=False)
            bucket = self._attempts[key] = full(ATTEMPTS_PER_MINUTE / 60, ATTEMPTS, clock.monotonic())
        self._attempts.move_to_end(key)
        return bucket


def _shown(credentials: str) -> bytes | None:
    """The digest of the bearer token; None if there is none."""
    return _digest(credentials[len(BEARER) :]) if credentials[: len(BEARER)].lower() == BEARER else None


def _digest(text: str) -> bytes:
    """Of one length whatever it is of: so comparing tells nothing of that either."""
    return hashlib.sha256(text.encode(errors="surrogateescape")).digest()
