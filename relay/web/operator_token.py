"""Who is the operator: whoever shows the token. The only place that compares it, and makes those wait who guess.

The right token is let in at once, whatever others at the same address did. So what holds against guessing is the
token's length and that it is random (of 64 bits and ten thousand guesses a second half are left after 29 million
years); the wait spares the log and tells people who mistype.
"""

import hashlib
import hmac
from collections import OrderedDict

from aiohttp import web

from relay import clock
from relay.config import Settings
from relay.errors import ErrorCode, RelayError
from relay.ledger.addresses import subscriber
from relay.ledger.bucket import TokenBucket, full
from relay.observe.logging import get_logger
from relay.observe.once import Once
from relay.web.visitor_address import VisitorAddresses

BEARER = "bearer "

ATTEMPTS = 10
"""Wrong tokens from one address (IPv6: from one /64), after which it waits."""
ATTEMPTS_PER_MINUTE = 5
MOST_ADDRESSES = 10_000
"""That are remembered; then the one is forgotten that has not tried for longest: it could soon begin anew anyway."""

log = get_logger("operator")


class OperatorGate:
    """One per server: attempts on all endpoints count together."""

    def __init__(self, settings: Settings, addresses: VisitorAddresses) -> None:
        self._operator = _digests(settings.operator_token)
        self._readers = self._operator + _digests(settings.metrics_token)
        self._addresses = addresses
        self._admitted = Once()
        self._attempts: OrderedDict[str, TokenBucket] = OrderedDict()

    def admit(self, request: web.Request) -> None:
        """Let through who shows the operator's token.

        Raises:
            RelayError: OPERATOR_ONLY if there is no token, OPERATOR_TOKEN_WRONG, RATE_LIMITED after too many of those.
        """
        if not self._operator:
            sentence = "This is for the operator. Set RELAY_OPERATOR_TOKEN and send it as a bearer token."
            raise RelayError(ErrorCode.OPERATOR_ONLY, sentence)
        self._compare(request, self._operator)

    def admit_reader(self, request: web.Request) -> None:
        """Let through who may read figures: with their own token, or with the operator's.

        Raises:
            RelayError: as `admit`.
        """
        if not self._readers:
            sentence = (
                "This is closed. Set RELAY_METRICS_TOKEN and send it as a bearer token, or set RELAY_METRICS_ALLOW."
            )
            raise RelayError(ErrorCode.OPERATOR_ONLY, sentence)
        self._compare(request, self._readers)

    def knows(self, request: web.Request) -> bool:
        """Whether it is the operator who asks, or Prometheus. Nobody learns it, so that nothing is counted."""
        shown = _shown(request)
        return shown is not None and _is_one_of(shown, self._readers)

    def _compare(self, request: web.Request, allowed: tuple[bytes, ...]) -> None:
        wrong = RelayError(ErrorCode.OPERATOR_TOKEN_WRONG, "The token is missing or wrong.")
        shown = _shown(request)
        if shown is None:
            raise wrong
        origin = self._addresses.of(request)
        if _is_one_of(shown, allowed):
            who = "operator" if _is_one_of(shown, self._operator) else "metrics"
            if self._admitted.is_new(f"{who} {origin}"):
                log.info("token_right", who=who, source=origin)
            return
        wait = self._attempts_from(subscriber(origin)).take(clock.monotonic())
        if wait > 0:
            raise RelayError(
                ErrorCode.RATE_LIMITED, "There were too many wrong tokens. Wait a little.", retry_after=wait
            )
        log.warning("operator_token_wrong", source=origin)
        raise wrong

    def _attempts_from(self, key: str) -> TokenBucket:
        bucket = self._attempts.get(key)
        if bucket is None:
            if len(self._attempts) >= MOST_ADDRESSES:
                self._attempts.popitem(last=False)
            bucket = self._attempts[key] = full(ATTEMPTS_PER_MINUTE / 60, ATTEMPTS, clock.monotonic())
        self._attempts.move_to_end(key)
        return bucket


def _shown(request: web.Request) -> bytes | None:
    """The digest of the bearer token; None if there is none."""
    given = request.headers.get("Authorization", "")
    return _digest(given[len(BEARER) :]) if given[: len(BEARER)].lower() == BEARER else None


def _is_one_of(shown: bytes, allowed: tuple[bytes, ...]) -> bool:
    # All are compared, so that the time tells nothing of which is near.
    return sum(hmac.compare_digest(shown, digest) for digest in allowed) > 0


def _digests(token: str | None) -> tuple[bytes, ...]:
    return () if token is None else (_digest(token),)


def _digest(text: str) -> bytes:
    """Of one length whatever it is of: so comparing tells nothing of that either."""
    return hashlib.sha256(text.encode(errors="surrogateescape")).digest()
