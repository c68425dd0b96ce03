"""The one place where an error becomes an HTTP status."""

import errno
import math

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from relay.errors import ErrorCode, RelayError, drop_trace
from relay.observe.logs.logging import get_logger

STATUSES: dict[ErrorCode, int] = {
    ErrorCode.INVALID_MESSAGE: 400,
    ErrorCode.OPERATOR_TOKEN_WRONG: 401,
    ErrorCode.SIGNED_OUT: 401,
    ErrorCode.OPERATOR_ONLY: 403,
    ErrorCode.ORIGIN_REFUSED: 403,
    ErrorCode.CONSENT_NEEDED: 403,
    ErrorCode.PASSKEY_REFUSED: 403,
    ErrorCode.SIGN_IN_AGAIN: 403,
    ErrorCode.SIGN_IN_FAILED: 403,
    ErrorCode.SIGN_IN_REFUSED: 403,
    ErrorCode.NOT_ALLOWED: 403,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.STORE_OFF: 404,
    ErrorCode.CONSENT_OUTDATED: 409,
    ErrorCode.NAME_TAKEN: 409,
    ErrorCode.LINK_SPENT: 410,
    ErrorCode.MESSAGE_TOO_LARGE: 413,
    ErrorCode.UNSUPPORTED_MEDIA_TYPE: 415,
    ErrorCode.HOST_REFUSED: 421,
    ErrorCode.RATE_LIMITED: 429,
    ErrorCode.INTERNAL: 500,
    ErrorCode.PROVIDER_AWAY: 502,
    ErrorCode.STORE_AWAY: 503,
    ErrorCode.STORE_UNAVAILABLE: 503,
}

LONGEST_PATH = 200
"""Characters of a path that are logged."""

log = get_logger("web")


@web.middleware
async def answer_failures(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refusals and failures as `{"code": ..., "message": ...}`, with nothing of their cause."""
    try:
        return await handler(request)
    except RelayError as error:
        return _response(error)
    except web.HTTPNotFound as error:
        _let_go(request, error)
        return _response(RelayError(ErrorCode.NOT_FOUND, "There is nothing here."))
    except web.HTTPException as error:
        _let_go(request, error)
        raise
    except ConnectionError:
        # Anyone who has left already is no failure of ours, and is past answering.
        raise
    except Exception as cause:
        if isinstance(cause, OSError) and cause.errno == errno.ENAMETOOLONG:
            # There can't be such a file, and anyone who made the name up is no trouble of the operator's.
            return _response(RelayError(ErrorCode.NOT_FOUND, "There is nothing here."))
        log.error("request_failed", path=request.path[:LONGEST_PATH], exc_info=cause)
        return _response(RelayError(ErrorCode.INTERNAL, "The server made a mistake."))


def _let_go(request: web.Request, error: web.HTTPException) -> None:
    """aiohttp keeps a refusal in the request that it is about, and a route that finds nothing in itself."""
    drop_trace(error)
    if (route := request.match_info.route).resource is None:
        del route._handler


def _response(error: RelayError) -> web.Response:
    body = msgspec.json.encode({"code": error.code, "message": error.sentence})
    headers = {"Cache-Control": "no-store"}
    if error.code is ErrorCode.OPERATOR_TOKEN_WRONG:
        headers["WWW-Authenticate"] = "Bearer"
    if error.retry_after is not None:
        headers["Retry-After"] = str(math.ceil(error.retry_after))
    return web.Response(body=body, status=STATUSES[error.code], content_type="application/json", headers=headers)
