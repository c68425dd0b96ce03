"""Who is the operator: whoever shows the token. The only place that compares it, and limits how often one may try."""

import hmac

from aiohttp import web

from relay import clock
from relay.config import Settings
from relay.errors import ErrorCode, RelayError
from relay.ledger.addresses import subscriber
from relay.ledger.bucket import TokenBucket
from relay.observe.logging import get_logger
from relay.web.visitor_address import VisitorAddresses

BEARER = "Bearer "

ATTEMPTS = 10
"""Wrong tokens from one address (IPv6: from one /64), after which it waits."""
ATTEMPTS_PER_MINUTE = 5
MOST_ADDRESSES = 10_000
"""That are remembered; then all are forgotten, which is no worse than an attacker with so many addresses."""

log = get_logger("operator")


class OperatorGate:
    """One per server: attempts on all endpoints count together."""

    def __init__(self, settings: Settings) -> None:
        self._token = settings.operator_token
        self._addresses = VisitorAddresses(settings.trusted_proxies, 0)
        self._attempts: dict[str, TokenBucket] = {}

    def admit(self, request: web.Request) -> None:
        """Let through who shows the token, compared in constant time.

        Raises:
            RelayError: OPERATOR_ONLY if there is no token, OPERATOR_TOKEN_WRONG, RATE_LIMITED after too many of those,
                whatever is shown then.
        """
        if self._token is None:
            sentence = "This is for the operator. Set RELAY_OPERATOR_TOKEN and send it as a bearer token."
            raise RelayError(ErrorCode.OPERATOR_ONLY, sentence)
        wrong = RelayError(ErrorCode.OPERATOR_TOKEN_WRONG, "The operator's token is missing or wrong.")
        given = request.headers.get("Authorization", "")
        if not given.startswith(BEARER):
            raise wrong
        now = clock.monotonic()
        attempts = self._attempts_from(request, now)
        wait = attempts.take(now)
        if wait > 0:
            raise RelayError(
                ErrorCode.RATE_LIMITED, "There were too many wrong tokens. Wait a little.", retry_after=wait
            )
        shown = given.removeprefix(BEARER)
        if not hmac.compare_digest(shown.encode(errors="replace"), self._token.encode()):
            log.warning("operator_token_wrong", source=self._addresses.origin(request))
            raise wrong
        attempts.tokens += 1  # only wrong ones are used up

    def _attempts_from(self, request: web.Request, now: float) -> TokenBucket:
        origin = self._addresses.origin(request)
        key = subscriber(origin) if origin else ""
        if key not in self._attempts and len(self._attempts) >= MOST_ADDRESSES:
            self._attempts.clear()
        return self._attempts.setdefault(key, TokenBucket(ATTEMPTS_PER_MINUTE / 60, ATTEMPTS, ATTEMPTS, now))
