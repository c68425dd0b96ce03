"""What a stranger may send: sizes that the decoder enforces, in one place beside it."""

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes of what one client may send. Told to the client in `connected`."""

    message_bytes: int
    """One WebSocket message, UTF-8 bytes."""

    chat_characters: int
    """One chat message, Unicode code points."""

    sdp_bytes: int
    """One offer, UTF-8 bytes."""

    sdp_lines: int
    """Lines in one offer."""

    candidates: int
    """ICE candidates of one connection."""
