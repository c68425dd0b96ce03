import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import ErrorCode, RelayError
from relay.protocol.codec import decode, encode
from relay.protocol.limits import Limits
from relay.protocol.messages import ChatMessage, FindPartner, Role, WebrtcIceCandidate, WebrtcOffer

LIMITS = Limits(message_bytes=65_536, chat_characters=2_000, sdp_bytes=49_152, sdp_lines=1_200, candidates=64)


def refusal_of(frame: str | bytes) -> ErrorCode:
    with pytest.raises(RelayError) as caught:
        decode(frame, LIMITS)
    return caught.value.code


def test_an_event_without_fields_needs_no_data() -> None:
    assert decode('{"event": "find_partner"}', LIMITS) == FindPartner()


def test_fields_arrive_typed() -> None:
    frame = '{"event": "webrtc_offer", "data": {"sdp": "v=0", "lines": {"0": "camera"}}}'
    assert decode(frame, LIMITS) == WebrtcOffer(sdp="v=0", lines={"0": Role.CAMERA})


def test_what_is_encoded_decodes_to_itself() -> None:
    for message in (ChatMessage(id="1", text="hello \U0001f44b"), WebrtcIceCandidate(candidate="", sdp_mid="0")):
        assert decode(encode(message), LIMITS) == message


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("", ErrorCode.INVALID_MESSAGE),
        ("hello", ErrorCode.INVALID_MESSAGE),
        ("[]", ErrorCode.INVALID_MESSAGE),
        ('{"event": 1}', ErrorCode.INVALID_MESSAGE),
        ('{"data": {}}', ErrorCode.INVALID_MESSAGE),
        ('{"event": "chat_message"}', ErrorCode.INVALID_MESSAGE),
        ('{"event": "chat_message", "data": {"id": "1", "text": 1}}', ErrorCode.INVALID_MESSAGE),
        ('{"event": "chat_message", "data": {"id": "1", "text": " "}}', ErrorCode.INVALID_MESSAGE),
        ('{"event": "webrtc_offer", "data": {"sdp": "", "lines": {"0": "kitchen"}}}', ErrorCode.INVALID_MESSAGE),
        ('{"event": "chat_message", "data": {"text": "no id"}}', ErrorCode.INVALID_MESSAGE),
        ('{"event": "chat_message", "data": {"id": "", "text": "x"}}', ErrorCode.INVALID_MESSAGE),
        ('{"event": "chat_message", "data": {"id": "a b", "text": "x"}}', ErrorCode.INVALID_MESSAGE),
        ('{"event": "find_partner", "data": {"mode": "smell"}}', ErrorCode.INVALID_MESSAGE),
        ('{"event": "media_state", "data": {"microphone": "loud", "camera": true}}', ErrorCode.INVALID_MESSAGE),
        ("[" * 50_000, ErrorCode.INVALID_MESSAGE),
        ('{"event": "fly"}', ErrorCode.UNKNOWN_EVENT),
        ('{"event": "connected"}', ErrorCode.UNKNOWN_EVENT),
        ('{"event": "webrtc_answer", "data": {"sdp": ""}}', ErrorCode.RESERVED_EVENT),
        (encode(ChatMessage(id="1", text="x" * 2_001)), ErrorCode.MESSAGE_TOO_LARGE),
        (encode(WebrtcOffer(sdp="x" * 49_153, lines={})), ErrorCode.MESSAGE_TOO_LARGE),
        (encode(WebrtcOffer(sdp="\n" * 1_201, lines={})), ErrorCode.MESSAGE_TOO_LARGE),
        ('"' + "x" * 65_536 + '"', ErrorCode.MESSAGE_TOO_LARGE),
    ],
)
def test_each_fault_has_its_code(frame: str, code: ErrorCode) -> None:
    assert refusal_of(frame) is code


@pytest.mark.parametrize("text", [" ", "x" * 2_001])
def test_a_refused_chat_message_is_named(text: str) -> None:
    with pytest.raises(RelayError) as caught:
        decode(encode(ChatMessage(id="my-7", text=text)), LIMITS)
    assert (caught.value.about.event, caught.value.about.message_id) == ("chat_message", "my-7")


def test_the_longest_chat_message_is_taken() -> None:
    text = "\U0001f44b" * 2_000
    assert decode(encode(ChatMessage(id="1", text=text)), LIMITS) == ChatMessage(id="1", text=text)


@given(st.text() | st.binary() | st.recursive(st.none() | st.text(), st.lists).map(json.dumps))
def test_no_frame_raises_anything_but_a_relay_error(frame: str | bytes) -> None:
    with contextlib.suppress(RelayError):
        decode(frame, LIMITS)
