import pytest
from aioice import stun
from hypothesis import given
from hypothesis import strategies as st

from relay.front.first_bytes import LONGEST_HELLO, Judge, Kind, Opening
from relay.transport.framing import frame
from tests.kit.hellos import client_hello, in_records_of


def judge(first: bytes) -> Opening | None:
    return Judge().look(first)


def framed_check() -> bytes:
    return frame(bytes(stun.Message(stun.Method.BINDING, stun.Class.REQUEST)))


def test_tls_is_known_with_the_name_that_is_wanted() -> None:
    assert judge(client_hello("Turn.Example.ORG")) == Opening(Kind.TLS, "turn.example.org")
    assert judge(client_hello(None)) == Opening(Kind.TLS, None)


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


@pytest.mark.parametrize("text", [b"G", b"GET / HTTP/1.1\r\n", b"POST /x", b"OPTIONS * HTTP/1.1"])
def test_http_is_known_by_its_method(text: bytes) -> None:
    assert judge(text) == Opening(Kind.HTTP)


@pytest.mark.parametrize("opening", [client_hello("turn.example.org"), framed_check()])
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
