import pytest
from aioice import stun
from hypothesis import given
from hypothesis import strategies as st

from relay.front.first_bytes import LONGEST_HELLO, Judge, Kind, Opening
from relay.transport.framing import frame
from tests.kit.hellos import client_hello, hello_with, in_records_of


def judge(first: bytes) -> Opening | None:
    return Judge().look(first)


def framed_check() -> bytes:
    return frame(bytes(stun.Message(stun.Method.BINDING, stun.Class.REQUEST)))


def test_tls_is_known_with_the_name_that_is_wanted() -> None:
    assert judge(client_hello("Turn.Example.ORG")) == Opening(Kind.TLS, "turn.example.org")
    assert judge(client_hello(None)) == Opening(Kind.TLS, None)


@pytest.mark.parametrize(
    ("offers", "http", "named"),
    [
        (["h2", "http/1.1"], True, True),  # pages
        (["http/1.1"], False, True),  # WebSockets, and TURN of Firefox behind a proxy
        (["stun.turn"], False, True),
        (["h2"], True, False),
        (["h3", "http/1.1x", "c-webrtc"], False, False),
        ([], False, False),
    ],
)
@pytest.mark.parametrize("size", [1, 40, 20_000])
def test_what_may_follow_tls_is_known_if_its_client_says_so(
    offers: list[str], http: bool, named: bool, size: int
) -> None:
    hello = in_records_of(size, client_hello("chat.example", offers))
    assert judge(hello) == Opening(Kind.TLS, "chat.example", is_http=http, is_named=named)


NAME = (0, b"\0\x07\0\0\x04chat")
HTTP = (16, b"\0\x03\x02h2")


@pytest.mark.parametrize(
    ("extensions", "name", "http"),
    [
        ([NAME, HTTP], "chat", True),
        ([HTTP, NAME], "chat", True),
        ([HTTP], None, True),
        ([NAME, (16, b"\0\0")], "chat", False),  # nobody is named
        ([NAME, (16, b"\0\x04\x02h2")], "chat", False),  # shorter than it says
        ([NAME, (16, b"")], "chat", False),
        ([HTTP, (16, b"\0\x03\x02hx")], None, False),  # the second one, which TLS refuses
        ([(0, b"\0\x01"), HTTP], None, False),
        ([(0, b"\0\x05\x01\0\x02xx"), HTTP], None, True),  # a name of another kind
        ([(0xFF01, bytes(300)), HTTP], None, True),
    ],
)
def test_odd_extensions_cost_no_more_than_what_they_say(
    extensions: list[tuple[int, bytes]], name: str | None, http: bool
) -> None:
    assert judge(hello_with(*extensions)) == Opening(Kind.TLS, name, is_http=http)


@pytest.mark.parametrize("size", [1, 40, 200])
def test_a_hello_in_several_records_is_understood(size: int) -> None:
    assert judge(in_records_of(size, client_hello("turn.example.org"))) == Opening(Kind.TLS, "turn.example.org")


def test_a_hello_that_comes_byte_by_byte_is_looked_at_a_few_times_only() -> None:
    """Each look copies what has come, so one for each byte would cost the square of its length."""
    hello = in_records_of(1, client_hello("turn.example.org" * 4))
    judge, looks, verdict = Judge(), 0, None
    for length in range(1, len(hello) + 1):
        if length >= judge.wanted:
            looks += 1
            verdict = judge.look(hello[:length])
    assert verdict == Opening(Kind.TLS, "turn.example.org" * 4)
    assert looks < 60, f"{looks} looks at {len(hello)} bytes"


@given(st.lists(st.integers(1, 400), max_size=20), st.sampled_from([1, 7, 150]))
def test_however_it_is_cut_a_hello_is_judged_as_when_it_is_whole(cuts: list[int], size: int) -> None:
    hello = in_records_of(size, client_hello("turn.example.org"))
    judge, seen = Judge(), 0
    for cut in cuts:
        seen += cut
        if seen >= len(hello):
            break
        assert judge.look(hello[:seen]) is None
        assert seen < judge.wanted <= len(hello)
    assert judge.look(hello) == Opening(Kind.TLS, "turn.example.org")


def test_ice_is_known_by_the_framed_check() -> None:
    assert judge(framed_check()) == Opening(Kind.ICE)


@pytest.mark.parametrize("method", [stun.Method.ALLOCATE, stun.Method.REFRESH, stun.Method.CHANNEL_BIND])
def test_turn_is_known_by_a_message_without_a_frame(method: stun.Method) -> None:
    assert judge(bytes(stun.Message(method, stun.Class.REQUEST))) == Opening(Kind.TURN)
    assert judge(bytes(stun.Message(method, stun.Class.RESPONSE))) == Opening(Kind.UNKNOWN)


@given(st.binary(max_size=64).map(lambda body: body[: len(body) // 4 * 4]))
def test_no_message_is_taken_for_the_other_kind(body: bytes) -> None:
    rest = len(body).to_bytes(2) + b"\x21\x12\xa4\x42" + bytes(12) + body
    check, allocate = b"\0\x01" + rest, b"\0\x03" + rest
    assert (judge(frame(check)), judge(check)) == (Opening(Kind.ICE), Opening(Kind.UNKNOWN))
    assert (judge(allocate), judge(frame(allocate))) == (Opening(Kind.TURN), Opening(Kind.UNKNOWN))


@pytest.mark.parametrize("text", [b"G", b"GET / HTTP/1.1\r\n", b"POST /x", b"OPTIONS * HTTP/1.1"])
def test_http_is_known_by_its_method(text: bytes) -> None:
    assert judge(text) == Opening(Kind.HTTP)


@pytest.mark.parametrize(
    "opening",
    [
        client_hello("turn.example.org", ["h2"]),
        framed_check(),
        bytes(stun.Message(stun.Method.ALLOCATE, stun.Class.REQUEST)),
    ],
)
def test_every_beginning_either_waits_or_is_judged_rightly(opening: bytes) -> None:
    whole = judge(opening)
    verdicts = [judge(opening[:length]) for length in range(len(opening))]
    assert set(verdicts) <= {None, whole}
    assert verdicts[5] is None


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00\x14\x00\x03",  # not a Binding request
        b"\x00\x14\x00\x01\x00\x00\x21\x12\xa4\x43",  # not STUN's cookie
        b"\x05\xdd\x00\x01\x00\x00\x21\x12\xa4\x42",  # longer than any datagram
        b"\x00\x03\x00\x08\x21\x12\xa4\x43",  # the same of TURN
        b"\x00\x03\x00\x09",  # a length that STUN does not have
        b"\x00\x02\x00\x00",  # no request of TURN
        b"\x06",
        b"\xff",
        b"get /",
        b"{}",
    ],
)
def test_anything_else_is_unknown_at_once(garbage: bytes) -> None:
    assert judge(garbage) == Opening(Kind.UNKNOWN)


def test_an_endless_hello_is_not_waited_for() -> None:
    hello = b"\x16\x03\x01\xff\xff\x01\x00\xff\xff" + bytes(LONGEST_HELLO)
    assert judge(hello[: LONGEST_HELLO - 1]) is None
    assert judge(hello[:LONGEST_HELLO]) == Opening(Kind.TLS)


@given(st.binary(max_size=300) | st.binary(max_size=300).map(lambda tail: client_hello("a.example")[:50] + tail))
def test_nothing_makes_it_raise(first: bytes) -> None:
    judge(first)
