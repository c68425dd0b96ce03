"""Who asks, and what they may. The only place that compares tokens, and makes those wait who guess.

The right token is let in at once, whatever others at the same address did. So what holds against guessing is the
token's length and that it is random (of 64 bits and ten thousand guesses a second half are left after 29 million
years); the wait spares the log and tells people who mistype.
"""

import hashlib
import hmac

from relay.auth.attempts import Attempts
from relay.auth.scopes import METRICS, OPERATOR, Principal, Scope
from relay.errors import ErrorCode, RelayError
from relay.observe.logs.logging import get_logger
from relay.observe.once import Once

BEARER = "bearer "

log = get_logger("operator")


CLOSED = "This is for staff. Sign in, or set RELAY_OPERATOR_TOKEN and send it as a bearer token."
CLOSED_FIGURES = "This is closed. Set RELAY_METRICS_TOKEN and send it as a bearer token, or set RELAY_METRICS_ALLOW."
"""What is said where no token opens a scope."""


class Gate:
    """One per server. Tokens that are None open nothing."""

    def __init__(self, operator_token: str | None, metrics_token: str | None, attempts: Attempts) -> None:
        given = ((operator_token, OPERATOR), (metrics_token, METRICS))
        self._known = tuple((_digest(token), principal) for token, principal in given if token is not None)
        self._admitted = Once()
        self._attempts = attempts

    def admit(self, credentials: str, origin: str, scope: Scope) -> Principal:
        """Let through who shows a token that opens the scope. `credentials` is the value of the Authorization header,
        empty without one; `origin` is the address that asks.

        Raises:
            RelayError: OPERATOR_ONLY if no token opens the scope, OPERATOR_TOKEN_WRONG if none or another was shown,
                RATE_LIMITED after too many wrong ones.
        """
        if not any(scope in principal.scopes for _, principal in self._known):
            sentence = CLOSED_FIGURES if scope is Scope.READ_FIGURES else CLOSED
            raise RelayError(ErrorCode.OPERATOR_ONLY, sentence)
        wrong = RelayError(ErrorCode.OPERATOR_TOKEN_WRONG, "The token is missing or wrong.")
        shown = _shown(credentials)
        if shown is None:
            raise wrong
        principal = self._principal_of(shown)
        if principal is not None and scope in principal.scopes:
            if self._admitted.is_new(f"{principal.name} {origin}"):
                log.info("token_right", who=principal.name, source=origin)
            return principal
        self._attempts.note_wrong(origin)
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


def _shown(credentials: str) -> bytes | None:
    """The digest of the bearer token; None if there is none."""
    return _digest(credentials[len(BEARER) :]) if credentials[: len(BEARER)].lower() == BEARER else None


def _digest(text: str) -> bytes:
    """Of one length whatever it is of: so comparing tells nothing of that either."""
    return hashlib.sha256(text.encode(errors="surrogateescape")).digest()
