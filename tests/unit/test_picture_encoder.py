"""Pictures are encoded with right colours, whatever they come as, and within the bit rate."""

from fractions import Fraction

import av
import numpy as np
import pytest
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import ColorRange, Colorspace

from relay.media.frames.encoder import BITRATES, LARGEST_ENCODED, PictureEncoder, encoded_size

DECODERS = {"VP8": "libvpx", "H264": "h264"}
RED = (81, 90, 240)
"""Y, Cb, Cr of pure red: BT.601, limited range."""
SMPTE170M = 6


def picture(
    width: int, height: int, components: tuple[int, int, int] = RED, pixels: str = "yuv420p", **tags: int
) -> av.VideoFrame:
    frame = av.VideoFrame(width, height, pixels)
    for plane, value in zip(frame.planes, components, strict=True):
        plane.update(bytes([value]) * plane.buffer_size)
    for name, tag in tags.items():
        setattr(frame, name, tag)
    frame.pts, frame.time_base = 3_000, Fraction(1, 90_000)
    return frame


def decode(codec: str, packets: list[bytes]) -> tuple[av.VideoFrame, VideoCodecContext]:
    """The last picture."""
    decoder = av.CodecContext.create(DECODERS[codec], "r")
    assert isinstance(decoder, VideoCodecContext)
    frames = [frame for packet in packets for frame in decoder.decode(av.Packet(packet))]
    return frames[-1], decoder


def means(frame: av.VideoFrame) -> list[float]:
    planes = (np.frombuffer(bytes(plane), np.uint8).reshape(-1, plane.line_size) for plane in frame.planes)
    return [
        float(values[: plane.height, : plane.width].mean()) for values, plane in zip(planes, frame.planes, strict=True)
    ]


@pytest.mark.parametrize("codec", ["VP8", "H264"])
@pytest.mark.parametrize(
    "given",
    [
        picture(320, 240),
        picture(322, 242),
        picture(320, 240, (76, 85, 255), "yuvj420p"),
        picture(320, 240, (76, 85, 255), color_range=ColorRange.JPEG),
        picture(320, 240, (63, 102, 240), colorspace=Colorspace.ITU709, color_range=ColorRange.MPEG),
        picture(641, 361),
        picture(1_920, 1_080),
    ],
    ids=["plain", "padded rows", "full range", "full range by tag", "BT.709", "odd size", "large"],
)
def test_red_stays_red(codec: str, given: av.VideoFrame) -> None:
    encoder = PictureEncoder(codec)
    packets = [packet for _ in range(3) if (packet := encoder.encode(given, 1_500_000, keyframe=False)) is not None]
    shown, _ = decode(codec, [bytes(packet) for packet in packets])
    assert np.abs(np.subtract(means(shown), RED)).max() < 6
    assert (shown.width, shown.height) == encoded_size(given.width, given.height)


def test_h264_says_that_its_colours_are_of_bt601() -> None:
    packet = PictureEncoder("H264").encode(picture(320, 240), 500_000, keyframe=False)
    assert packet is not None
    _, decoder = decode("H264", [bytes(packet)])
    assert (decoder.colorspace, decoder.color_range) == (SMPTE170M, ColorRange.MPEG)


@pytest.mark.parametrize("size", [(1, 1), (641, 361), (1_920, 1_080), (1, 3_000_000), (1_920, 1_920)])
def test_sizes_are_even_and_bounded(size: tuple[int, int]) -> None:
    width, height = encoded_size(*size)
    assert width % 2 == height % 2 == 0
    assert 0 < width * height <= max(LARGEST_ENCODED, 2 * max(width, height))


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_a_keyframe_comes_when_asked_for_and_at_a_new_size(codec: str) -> None:
    encoder = PictureEncoder(codec)
    asked = [(320, False), (320, False), (320, True), (320, False), (480, False)]
    keyframes = []
    for width, keyframe in asked:
        packet = encoder.encode(picture(width, 240), 500_000, keyframe=keyframe)
        assert packet is not None
        assert (packet.pts, packet.time_base) == (3_000, Fraction(1, 90_000))
        data = bytes(packet)
        keyframes.append(data[0] & 1 == 0 if codec == "VP8" else b"\x00\x00\x01\x65" in data)
    assert keyframes == [True, False, True, False, True]


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_the_rate_follows_what_is_allowed_both_ways(codec: str) -> None:
    encoder, numbers = PictureEncoder(codec), np.random.default_rng(1)
    noise = [numbers.integers(16, 235, (360, 320), np.uint8) for _ in range(20)]
    rates = []
    for allowed in (1_200_000, 300_000, 1_200_000):
        sizes = []
        for number in range(120):
            # Detail that moves: as much as there may be bits for.
            frame = av.VideoFrame.from_ndarray(noise[number % 20] // 4 + 60, format="yuv420p")
            packet = encoder.encode(frame, allowed, keyframe=False)
            sizes.append(len(bytes(packet)) if packet is not None else 0)
        rates.append(sum(sizes[60:]) * 8 / 2)
    assert rates[1] < 0.6 * min(rates[0], rates[2])
    assert rates[1] < 500_000


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_a_rate_that_hardly_changes_costs_no_keyframe(codec: str) -> None:
    encoder, keyframes = PictureEncoder(codec), []
    for allowed in (500_000, 500_000, 490_000, 510_000):
        packet = encoder.encode(picture(320, 240), allowed, keyframe=False)
        assert packet is not None
        data = bytes(packet)
        keyframes.append(data[0] & 1 == 0 if codec == "VP8" else b"\x00\x00\x01\x65" in data)
    assert keyframes == [True, False, False, False]


def test_what_is_allowed_is_kept_within_bounds() -> None:
    for allowed in (0, 10**12):
        assert PictureEncoder("VP8").encode(picture(320, 240), allowed, keyframe=False) is not None
    assert BITRATES[0] < BITRATES[1]


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_a_picture_that_can_not_be_encoded_does_no_harm_to_the_next(codec: str) -> None:
    encoder = PictureEncoder(codec)
    with pytest.raises((av.FFmpegError, ValueError)):
        encoder.encode(picture(16_400, 16), 500_000, keyframe=False)
    assert encoder.encode(picture(320, 240), 500_000, keyframe=False) is not None
