"""Bytes to messages and back. Owns the limits' enforcement; past it there is no untyped dictionary.

Every way in which a frame can be wrong ends in one `RelayError` with a code of its own, and in no
other exception.
"""

import msgspec

from relay.errors import About, ErrorCode, RelayError
from relay.protocol.limits import Limits
from relay.protocol.messages import (
    RESERVED_EVENTS,
    ChatMessage,
    ClientMessage,
    Message,
    WebrtcOffer,
)
from relay.protocol.visible import is_visible


class _Envelope(msgspec.Struct, frozen=True):
    event: str
    data: msgspec.Raw = msgspec.Raw(b"{}")


_envelopes = msgspec.json.Decoder(_Envelope)
_encoder = msgspec.json.Encoder()
_decoders: dict[str, msgspec.json.Decoder[ClientMessage]] = {
    kind.event: msgspec.json.Decoder(kind) for kind in ClientMessage.__subclasses__()
}


def decode(frame: str | bytes, limits: Limits) -> ClientMessage:
    """Read one WebSocket text frame from a client.

    Raises:
        RelayError: MESSAGE_TOO_LARGE, INVALID_MESSAGE, UNKNOWN_EVENT or RESERVED_EVENT; `about` says
            what it concerns, as far as that is known.
    """
    size = len(frame.encode()) if isinstance(frame, str) else len(frame)
    if size > limits.message_bytes:
        raise RelayError(ErrorCode.MESSAGE_TOO_LARGE, "The message is too large.")
    try:
        envelope = _envelopes.decode(frame)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as cause:
        raise RelayError(ErrorCode.INVALID_MESSAGE, "The message is not a valid event.") from cause
    decoder = _decoders.get(envelope.event)
    if decoder is None:
        if envelope.event in RESERVED_EVENTS:
            raise RelayError(ErrorCode.RESERVED_EVENT, "Only the server sends this event.")
        raise RelayError(ErrorCode.UNKNOWN_EVENT, "The server does not know this event.")
    try:
        message = decoder.decode(envelope.data)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as cause:
        sentence = "The event's data does not fit the specification."
        raise RelayError(ErrorCode.INVALID_MESSAGE, sentence, about=About(envelope.event)) from cause
    _measure(message, limits)
    return message


def about(message: Message) -> About:
    """What an error about this message concerns."""
    return About(message.event, message.id if isinstance(message, ChatMessage) else None)


def encode(message: Message) -> str:
    """Write one message as a WebSocket text frame."""
    return _encoder.encode({"event": message.event, "data": message}).decode()


def _measure(message: Message, limits: Limits) -> None:
    match message:
        case ChatMessage(text=text):
            if len(text) > limits.chat_characters:
                sentence = f"A chat message has at most {limits.chat_characters} characters."
                raise RelayError(ErrorCode.MESSAGE_TOO_LARGE, sentence, about=about(message))
            if not is_visible(text):
                sentence = "A chat message needs something to be read."
                raise RelayError(ErrorCode.INVALID_MESSAGE, sentence, about=about(message))
        case WebrtcOffer(sdp=sdp):
            if len(sdp.encode()) > limits.sdp_bytes or sdp.count("\n") > limits.sdp_lines:
                raise RelayError(ErrorCode.MESSAGE_TOO_LARGE, "The offer is too large.", about=about(message))
        case _:
            pass
