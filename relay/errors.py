"""The one error tree: a stable code, a sentence that is safe to show, a private cause.

Codes go over the wire, into metrics and into logs, so they are never renamed. The sentence may be
shown to a person and therefore never repeats what a stranger sent. What really happened is the
`cause`, which is chained (`raise ... from cause`) and stays on the server.
"""

from enum import StrEnum


class ErrorCode(StrEnum):
    """Why something was refused. The specification (`protocol/README.md`) lists who sees which."""

    INVALID_MESSAGE = "invalid_message"
    MESSAGE_TOO_LARGE = "message_too_large"
    UNKNOWN_EVENT = "unknown_event"
    RESERVED_EVENT = "reserved_event"
    OUT_OF_TURN = "out_of_turn"
    INVALID_OFFER = "invalid_offer"
    TOO_MANY_CANDIDATES = "too_many_candidates"
    CONNECTION_FAILED = "connection_failed"
    SERVER_FULL = "server_full"
    SLOW_READER = "slow_reader"
    INTERNAL = "internal"


class RelayError(Exception):
    """A refusal with a stable code and a sentence that is safe to show to a person."""

    def __init__(self, code: ErrorCode, sentence: str, *, retry_after: float | None = None) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.retry_after = retry_after


class ConfigurationError(Exception):
    """A setting that stops start-up; the message names it and says what would be right."""
