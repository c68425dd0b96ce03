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


@pytest.mark.parametrize(
    "text",
    [
        *("", " \t\n", "\u200b" * 3, "\u2060\ufeff", "\u3164", "\u2800 \u2800", "\u115f\u1160\uffa0", "\u034f"),
        *("\u0301\u0301", "\ufe0f\u20e3", "\x00\x07", "\u202e\u2066", "\u00ad", "\U0001d159", "\U000e0041"),
    ],
    ids=ascii,
)
def test_a_message_of_nothing_visible_is_refused(text: str) -> None:
    assert refusal_of(encode(ChatMessage(id="1", text=text))) is ErrorCode.INVALID_MESSAGE


@pytest.mark.parametrize(
    "text",
    [
        *(".", "0", "\u200bx", "\u0301x", "e\u0301", "\u0e19\u0e49\u0e33", "\u0645", "\u05e9\u05c1", "\ufffd"),
        *("\u2764\ufe0f", "1\ufe0f\u20e3", "\U0001f468\u200d\U0001f469", "\U0001faea", "\ue000"),
    ],
    ids=ascii,
)
def test_whatever_shows_something_is_taken(text: str) -> None:
    message = ChatMessage(id="1", text=text)
    assert decode(encode(message), LIMITS) == message


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
