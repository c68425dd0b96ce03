"""The one error tree: a stable code, a sentence that is safe to show, a private cause.

Codes go over the wire, into metrics and into logs, so they are never renamed. The sentence may be
shown to a person and therefore never repeats what a stranger sent. What really happened is the
`cause`, which is chained (`raise ... from cause`) and stays on the server.
"""

from dataclasses import dataclass
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
    NO_COMMON_CODEC = "no_common_codec"
    RESUME_FAILED = "resume_failed"
    CONSENT_NEEDED = "consent_needed"
    CONSENT_OUTDATED = "consent_outdated"
    RATE_LIMITED = "rate_limited"
    TOO_MANY_CONNECTIONS = "too_many_connections"
    SERVER_FULL = "server_full"
    SERVER_DRAINING = "server_draining"
    SLOW_READER = "slow_reader"
    OPERATOR_ONLY = "operator_only"
    OPERATOR_TOKEN_WRONG = "operator_token_wrong"  # noqa: S105 - a code, not a token
    HOST_REFUSED = "host_refused"
    ORIGIN_REFUSED = "origin_refused"
    NOT_FOUND = "not_found"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    STORE_OFF = "store_off"
    STORE_AWAY = "store_away"
    ACCOUNT_NEEDED = "account_needed"
    SIGN_IN_REFUSED = "sign_in_refused"
    SIGN_IN_FAILED = "sign_in_failed"
    PROVIDER_AWAY = "provider_away"
    STORE_UNAVAILABLE = "store_unavailable"
    PASSKEY_REFUSED = "passkey_refused"
    SIGNED_OUT = "signed_out"
    SIGN_IN_AGAIN = "sign_in_again"
    NOT_ALLOWED = "not_allowed"
    LINK_SPENT = "link_spent"
    NAME_TAKEN = "name_taken"
    INTERNAL = "internal"


AT_THE_DOOR = frozenset({ErrorCode.HOST_REFUSED, ErrorCode.ORIGIN_REFUSED})
"""Why a page is not served or a WebSocket not opened, by HTTP."""

HTTP_ONLY = AT_THE_DOOR | {
    ErrorCode.CONSENT_OUTDATED,
    ErrorCode.OPERATOR_ONLY,
    ErrorCode.OPERATOR_TOKEN_WRONG,
    ErrorCode.NOT_FOUND,
    ErrorCode.UNSUPPORTED_MEDIA_TYPE,
    ErrorCode.STORE_OFF,
    ErrorCode.STORE_AWAY,
    ErrorCode.SIGN_IN_REFUSED,
    ErrorCode.SIGN_IN_FAILED,
    ErrorCode.PROVIDER_AWAY,
    ErrorCode.STORE_UNAVAILABLE,
    ErrorCode.PASSKEY_REFUSED,
    ErrorCode.SIGNED_OUT,
    ErrorCode.SIGN_IN_AGAIN,
    ErrorCode.NOT_ALLOWED,
    ErrorCode.LINK_SPENT,
    ErrorCode.NAME_TAKEN,
}
"""Codes of HTTP answers; no visitor is told one over the WebSocket."""


@dataclass(frozen=True, slots=True)
class About:
    """What was refused: the event, and the id of the chat message if it was one."""

    event: str | None = None
    message_id: str | None = None


class RelayError(Exception):
    """A refusal with a stable code and a sentence that is safe to show to a person.

    `retry_after` is in seconds.
    """

    def __init__(
        self, code: ErrorCode, sentence: str, *, retry_after: float | None = None, about: About | None = None
    ) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.retry_after = retry_after
        self.about = about or About()


class FatalError(Exception):
    """A part of the server has died, and it is of no use without: the process ends, for another to be started."""


class ConfigurationError(Exception):
    """A setting that stops start-up; the message names it and says what would be right."""


def drop_trace(error: BaseException) -> None:
    """Have an error that is kept hold nothing but itself. It has the frames that it came through, and so all that was
    in hand there; where one of that keeps the error, only the garbage collector would free them."""
    error.__traceback__ = error.__context__ = error.__cause__ = None
