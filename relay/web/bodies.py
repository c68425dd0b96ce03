"""What pages of ours send in a request: JSON of a known shape, and nothing long."""

from typing import TypeVar

import msgspec
from aiohttp import web

from relay.errors import ErrorCode, RelayError

LARGEST = 8 * 1024
"""Bytes of a body, unless it is said otherwise."""

JSON = "application/json"

Shape = TypeVar("Shape")


async def read_json(request: web.Request, shape: type[Shape], largest: int = LARGEST) -> Shape:
    """The body of a request.

    A form on somebody else's page can't send this type, and a script there has to ask first (Fetch standard, section
    3.3.3).

    Raises:
        RelayError: UNSUPPORTED_MEDIA_TYPE, MESSAGE_TOO_LARGE, or INVALID_MESSAGE if it is not of this shape.
    """
    if request.content_type != JSON:
        raise RelayError(ErrorCode.UNSUPPORTED_MEDIA_TYPE, f"Send it as {JSON}.")
    if (request.content_length or 0) > largest:
        raise _too_large(largest)
    content = bytearray()
    async for piece in request.content.iter_any():
        content += piece
        if len(content) > largest:
            raise _too_large(largest)
    try:
        return msgspec.json.decode(content, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as cause:
        raise RelayError(ErrorCode.INVALID_MESSAGE, "That is not what is understood here.") from cause


def _too_large(largest: int) -> RelayError:
    return RelayError(ErrorCode.MESSAGE_TOO_LARGE, f"At most {largest} bytes are taken here.")
