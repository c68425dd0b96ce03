"""What a stranger may send: sizes that the decoder enforces, in one place beside it."""

from typing import Self

import msgspec

from relay.config.settings import LimitsSettings


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

    @classmethod
    def configured(cls, limits: LimitsSettings) -> Self:
        return cls(
            message_bytes=limits.max_message_bytes,
            chat_characters=limits.max_chat_characters,
            sdp_bytes=limits.max_sdp_bytes,
            sdp_lines=limits.max_sdp_lines,
            candidates=limits.max_candidates,
        )
