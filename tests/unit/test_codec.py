import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import ErrorCode, RelayError
from relay.protocol.codec import decode, encode
from relay.protocol.limits import DEFAULT_LIMITS, Limits
from relay.protocol.messages import ChatMessage, FindPartner, Role, WebrtcIceCandidate, WebrtcOffer


def refusal_of(frame: str | bytes, limits: Limits = DEFAULT_LIMITS) -> ErrorCode:
    with pytest.raises(RelayError) as caught:
        decode(frame, limits)
    return caught.value.code


def test_an_event_without_fields_needs_no_data() -> None:
    assert decode('{"event": "find_partner"}', DEFAULT_LIMITS) == FindPartner()


def test_fields_arrive_typed() -> None:
    frame = '{"event": "webrtc_offer", "data": {"sdp": "v=0", "lines": {"0": "camera"}}}'
    assert decode(frame, DEFAULT_LIMITS) == WebrtcOffer(sdp="v=0", lines={"0": Role.CAMERA})


def test_what_is_encoded_decodes_to_itself() -> None:
    for message in (ChatMessage(text="hello \U0001f44b"), WebrtcIceCandidate(candidate="", sdp_mid="0")):
        assert decode(encode(message), DEFAULT_LIMITS) == message


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("", ErrorCode.INVALID_MESSAGE),
        ("hello", ErrorCode.INVALID_MESSAGE),
        ("[]", ErrorCode.INVALID_MESSAGE),
        ('{"event": 1}', ErrorCode.INVALID_MESSAGE),
        ('{"data": {}}', ErrorCode.INVALID_MESSAGE),
        ('{"event": "chat_message"}', ErrorCode.INVALID_MESSAGE),
        ('{"event": "chat_message", "data": {"text": 1}}', ErrorCode.INVALID_MESSAGE),
        ('{"event": "chat_message", "data": {"text": " "}}', ErrorCode.INVALID_MESSAGE),
        ('{"event": "webrtc_offer", "data": {"sdp": "", "lines": {"0": "kitchen"}}}', ErrorCode.INVALID_MESSAGE),
        ("[" * 50_000, ErrorCode.INVALID_MESSAGE),
        ('{"event": "fly"}', ErrorCode.UNKNOWN_EVENT),
        ('{"event": "connected"}', ErrorCode.UNKNOWN_EVENT),
        ('{"event": "webrtc_answer", "data": {"sdp": ""}}', ErrorCode.RESERVED_EVENT),
        (encode(ChatMessage(text="x" * 2_001)), ErrorCode.MESSAGE_TOO_LARGE),
        (encode(WebrtcOffer(sdp="x" * 49_153, lines={})), ErrorCode.MESSAGE_TOO_LARGE),
        (encode(WebrtcOffer(sdp="\n" * 1_201, lines={})), ErrorCode.MESSAGE_TOO_LARGE),
        ('"' + "x" * 65_536 + '"', ErrorCode.MESSAGE_TOO_LARGE),
    ],
)
def test_each_fault_has_its_code(frame: str, code: ErrorCode) -> None:
    assert refusal_of(frame) is code


def test_the_longest_chat_message_is_taken() -> None:
    text = "\U0001f44b" * 2_000
    assert decode(encode(ChatMessage(text=text)), DEFAULT_LIMITS) == ChatMessage(text=text)


@given(st.text() | st.binary() | st.recursive(st.none() | st.text(), st.lists).map(json.dumps))
def test_no_frame_raises_anything_but_a_relay_error(frame: str | bytes) -> None:
    with contextlib.suppress(RelayError):
        decode(frame, DEFAULT_LIMITS)
