"""Who is the operator: whoever shows the token. The only place that compares it."""

import hmac

from aiohttp import web

from relay.config import Settings
from relay.errors import ErrorCode, RelayError

BEARER = "Bearer "


def admit_operator(request: web.Request, settings: Settings) -> None:
    """Let through who shows the token, compared in constant time.

    Raises:
        RelayError: OPERATOR_ONLY if there is no token, OPERATOR_TOKEN_WRONG.
    """
    if settings.operator_token is None:
        sentence = "This is for the operator. Set RELAY_OPERATOR_TOKEN and send it as a bearer token."
        raise RelayError(ErrorCode.OPERATOR_ONLY, sentence)
    given = request.headers.get("Authorization", "")
    shown = given.removeprefix(BEARER) if given.startswith(BEARER) else ""
    if not hmac.compare_digest(shown.encode(errors="replace"), settings.operator_token.encode()):
        raise RelayError(ErrorCode.OPERATOR_TOKEN_WRONG, "The operator's token is missing or wrong.")
