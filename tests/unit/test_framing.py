import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.transport.framing import LARGEST_DATAGRAM, Deframer, FramingError, frame


@given(st.lists(st.binary(min_size=1, max_size=200), max_size=8), st.data())
def test_datagrams_come_out_whole_however_the_stream_is_cut(datagrams: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(map(frame, datagrams))
    deframer = Deframer()
    received = []
    while stream:
        cut = data.draw(st.integers(1, len(stream)))
        received += deframer.feed(stream[:cut])
        stream = stream[cut:]
    assert received == datagrams


def test_empty_datagrams_are_left_out() -> None:
    assert Deframer().feed(frame(b"") + frame(b"a") + frame(b"")) == [b"a"]


def test_a_length_beyond_any_datagram_ends_the_stream() -> None:
    assert Deframer().feed(frame(bytes(LARGEST_DATAGRAM))) == [bytes(LARGEST_DATAGRAM)]
    with pytest.raises(FramingError):
        Deframer().feed((LARGEST_DATAGRAM + 1).to_bytes(2))
