"""Beginnings of keyframes in each codec's RTP payload, which claim any size; behind the header there is nothing."""

from collections.abc import Callable

GIANT = (16_384, 16_384)
"""268 million pixels, the most that VP9 and H264 can say."""


def _bits(*fields: tuple[int, int]) -> bytes:
    """Numbers of so many bits one behind another, and a one that ends them."""
    text = "".join(f"{number:0{length}b}" for number, length in fields) + "1"
    text += "0" * (-len(text) % 8)
    return bytes(int(text[at : at + 8], 2) for at in range(0, len(text), 8))


def _golomb(number: int) -> tuple[int, int]:
    return number + 1, 2 * (number + 1).bit_length() - 1


def _vp8(width: int, height: int) -> bytes:
    """RFC 7741 section 4.2, RFC 6386 section 9.1. Fourteen bits a side."""
    sides = b"".join(min(side, 0x3FFF).to_bytes(2, "little") for side in (width, height))
    return b"\x10\x10\x00\x00\x9d\x01\x2a" + sides


def _h264(width: int, height: int) -> bytes:
    """Sequence and picture parameters and an IDR picture in a STAP-A (RFC 6184 section 5.7.1)."""
    macroblocks = [_golomb(side // 16 - 1) for side in (width, height)]
    constrained_baseline = [(66, 8), (0xE0, 8), (31, 8), _golomb(0), _golomb(0), _golomb(2), _golomb(1), (0, 1)]
    sequence = b"\x67" + _bits(*constrained_baseline, *macroblocks, (1, 1), (1, 1), (0, 2))
    units = (sequence, b"\x68\xce\x38\x80", b"\x65\x88\x84\x00")
    return b"\x78" + b"".join(len(unit).to_bytes(2, "big") + unit for unit in units)


def _vp9(width: int, height: int) -> bytes:
    """RFC 9628 section 4.2, and a keyframe's uncompressed header that is shown, of profile 0."""
    flags = [(0b10_00_0_0_1_0, 8), (0x49_83_42, 24), (1, 3), (0, 1)]
    return b"\x8c\x01" + _bits(*flags, (width - 1, 16), (height - 1, 16))


def _av1(width: int, height: int) -> bytes:
    """A sequence header of sixteen bits a side, and the beginning of a frame."""
    plain = [(0, 3 + 2 + 2), (0, 5), (0, 12), (4, 5)]
    sequence = b"\x08" + _bits(*plain, (15, 4), (15, 4), (width - 1, 16), (height - 1, 16), (0, 16))
    return bytes([0x28, len(sequence)]) + sequence + b"\x30\x10\x00"


PICTURES: dict[str, Callable[[int, int], bytes]] = {"VP8": _vp8, "H264": _h264, "VP9": _vp9, "AV1": _av1}
"""By the codec's name in SDP: the payload of a packet whose picture has this width and height."""
