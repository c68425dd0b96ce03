"""How large a picture a stranger may make us decode: VP8 says so before its decoder allocates it."""

from av import VideoFrame
from av.frame import Frame

from relay.peer.aiortc_bridge import LARGEST_PICTURE

LONGEST_SIDE = 4_096
"""Pixels. Cameras end at 3840; what is decoded is encoded again for the partner, in the same size."""

_VP8_START_CODE = b"\x9d\x01\x2a"


def vp8_size(frame: bytes) -> tuple[int, int] | None:
    """Width and height in pixels if this is a VP8 keyframe (RFC 6386 section 9.1), else None."""
    if len(frame) < 10 or frame[0] & 1 or frame[3:6] != _VP8_START_CODE:
        return None
    return int.from_bytes(frame[6:8], "little") & 0x3FFF, int.from_bytes(frame[8:10], "little") & 0x3FFF


def is_too_large(codec: str, frame: bytes) -> bool:
    """Whether decoding the frame would take an unreasonable picture. H264 is limited by its decoder."""
    size = vp8_size(frame) if codec == "VP8" else None
    return size is not None and (size[0] * size[1] > LARGEST_PICTURE or max(size) > LONGEST_SIDE)


def is_too_long(frame: Frame) -> bool:
    """Whether a decoded picture, of few pixels, has a side that no camera has."""
    return isinstance(frame, VideoFrame) and max(frame.width, frame.height) > LONGEST_SIDE
