from fractions import Fraction

import pytest
from aiortc.codecs.vpx import Vp8Encoder
from av import VideoFrame

from relay.media.frames.picture import is_too_large, is_too_long, vp8_size
from relay.peer.aiortc_bridge import LARGEST_PICTURE


def keyframe(width: int, height: int) -> bytes:
    """The ten bytes with which a VP8 keyframe of this size begins."""
    return b"\x10\x00\x00\x9d\x01\x2a" + width.to_bytes(2, "little") + height.to_bytes(2, "little") + bytes(40)


def test_the_size_of_a_real_keyframe_is_read() -> None:
    frame = VideoFrame(320, 240, "yuv420p")
    frame.pts, frame.time_base = 0, Fraction(1, 90_000)
    payloads, _ = Vp8Encoder().encode(frame, force_keyframe=True)
    assert vp8_size(payloads[0][4:]) == (320, 240)


def test_scaling_bits_are_not_part_of_the_size() -> None:
    assert vp8_size(keyframe(640 | 0xC000, 480 | 0x4000)) == (640, 480)


def test_ten_bytes_are_enough() -> None:
    assert vp8_size(keyframe(640, 480)[:10]) == (640, 480)


@pytest.mark.parametrize("frame", [b"", b"\x10", keyframe(640, 480)[:9], b"\x11" + keyframe(640, 480)[1:], bytes(50)])
def test_anything_else_has_no_size(frame: bytes) -> None:
    assert vp8_size(frame) is None
    assert not is_too_large("VP8", frame)


def test_full_hd_is_taken_in_both_orientations_and_the_largest_possible_is_not() -> None:
    assert not is_too_large("VP8", keyframe(1_920, 1_080))
    assert not is_too_large("VP8", keyframe(1_080, 1_920))
    assert is_too_large("VP8", keyframe(16_383, 16_383))
    # Few pixels, in one long row.
    assert is_too_large("VP8", keyframe(16_383, 64))
    assert is_too_long(VideoFrame(64, 4_098, "yuv420p"))
    assert not is_too_long(VideoFrame(1_920, 1_080, "yuv420p"))
    assert LARGEST_PICTURE > 1_920 * 1_080
