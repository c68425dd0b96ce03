"""What a stranger may send: the sizes that the decoder enforces, in one place beside it."""

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes of what one client may send. Told to the client in `connected`."""

    message_bytes: int = 64 * 1024
    """One WebSocket message, UTF-8 bytes. A six-section Chromium offer is about 20 KB."""

    chat_characters: int = 2_000
    """One chat message, Unicode code points."""

    sdp_bytes: int = 48 * 1024
    """One offer, UTF-8 bytes."""

    sdp_lines: int = 1_200
    """Lines in one offer. Chromium sends about 600, Firefox about 200."""

    candidates: int = 64
    """ICE candidates from one peer, per set of credentials."""


DEFAULT_LIMITS = Limits()
