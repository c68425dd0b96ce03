"""Encodes pictures so that every browser shows their colours right: BT.601, limited range, and said so.

aiortc's own encoders are used to packetize only. Theirs of H264 says nothing about colours, which Chromium takes
for BT.709; it fails for good at a picture of odd size, and both begin anew with every change of the bit rate
(`docs/decisions/0012-transcoders.md`).
"""

from fractions import Fraction
from typing import TYPE_CHECKING, TypeAlias, cast

import av
from av import VideoStream
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, VideoReformatter

LARGEST_ENCODED = 1_280 * 720
"""Pixels. Larger pictures are made smaller: what one stranger sends must not cost a core."""

BITRATES = (100_000, 1_500_000)
"""Bits per second: at least, for a picture that can be recognised, and at most."""
FIRST_BITRATE = 800_000

TIGHTENED, LOOSENED = 0.1, 0.3
"""Parts of the bit rate by which a new one has to be lower or higher to be worth a new encoder and its keyframe: by
way of FFmpeg, neither library changes its rate as it goes."""

FRAME_RATE = 30
"""That the encoders budget for. Timestamps are the frames' own."""

if TYPE_CHECKING:
    Encoded: TypeAlias = av.Packet[VideoStream]
    """Generic in its stubs alone."""
else:
    Encoded = av.Packet

_LIBRARIES = {"VP8": "libvpx", "H264": "libx264"}
_UNSPECIFIED, _SMPTE170M = 2, 6
"""Matrices by their numbers in ITU-T H.273 table 4; 5 and 6 are both BT.601."""
_AS_BT601 = frozenset({_UNSPECIFIED, Colorspace.ITU601.value, _SMPTE170M})
"""What browsers say nothing about is what cameras deliver."""


class PictureEncoder:
    """One stream in one codec. Calls must not overlap; they may come from any thread."""

    def __init__(self, codec: str) -> None:
        """`codec` is VP8 or H264."""
        self._codec = codec
        self._context: VideoCodecContext | None = None
        self._reformatter = VideoReformatter()
        self._frames = 0

    def encode(self, frame: av.VideoFrame, bitrate: int, *, keyframe: bool) -> Encoded | None:
        """The encoded picture with the frame's timestamp; None if the encoder keeps it back.

        Args:
            frame: of any format and size.
            bitrate: to stay below, in bits per second; outside of `BITRATES` it is moved there.

        Raises:
            av.FFmpegError: what was given can't be encoded.
        """
        picture = self._normal(frame)
        context = self._ready(picture, min(max(bitrate, BITRATES[0]), BITRATES[1]))
        picture.pict_type = PictureType.I if keyframe else PictureType.NONE
        frame_pts, time_base = frame.pts, frame.time_base
        # Its own clock, since the stream's may jump, at which encoders lose their measure.
        picture.pts, picture.time_base = self._frames, Fraction(1, FRAME_RATE)
        self._frames += 1
        encoded = b"".join(bytes(packet) for packet in context.encode(picture))
        if not encoded:
            return None
        packet = cast("Encoded", av.Packet(encoded))
        packet.pts = frame_pts
        if time_base is not None:
            packet.time_base = time_base
        return packet

    def _normal(self, frame: av.VideoFrame) -> av.VideoFrame:
        """As the encoders want it: planar 4:2:0, even, not too large, BT.601 of limited range."""
        width, height = encoded_size(frame.width, frame.height)
        is_full = frame.format.name.startswith("yuvj") or frame.color_range == ColorRange.JPEG
        if (
            (width, height, frame.format.name) == (frame.width, frame.height, "yuv420p")
            and not is_full
            and frame.colorspace in _AS_BT601
        ):
            return frame
        return self._reformatter.reformat(
            frame,
            width,
            height,
            "yuv420p",
            src_colorspace=Colorspace.ITU601 if frame.colorspace in _AS_BT601 else frame.colorspace,
            dst_colorspace=Colorspace.ITU601,
            src_color_range=ColorRange.JPEG if is_full else ColorRange.MPEG,
            dst_color_range=ColorRange.MPEG,
        )

    def _ready(self, picture: av.VideoFrame, bitrate: int) -> VideoCodecContext:
        context = self._context
        size = picture.width, picture.height
        if context is None or (context.width, context.height) != size or not _fits(context, bitrate):
            context = self._context = self._open(picture, bitrate)
        return context

    def _open(self, picture: av.VideoFrame, bitrate: int) -> VideoCodecContext:
        context = cast("VideoCodecContext", av.CodecContext.create(_LIBRARIES[self._codec], "w"))
        context.width, context.height, context.pix_fmt = picture.width, picture.height, "yuv420p"
        context.bit_rate = bitrate
        context.framerate, context.time_base = Fraction(FRAME_RATE), Fraction(1, FRAME_RATE)
        context.colorspace, context.color_range = _SMPTE170M, ColorRange.MPEG
        context.color_primaries, context.color_trc = ColorPrimaries.SMPTE170M, ColorTrc.SMPTE170M
        context.thread_count = 1
        context.gop_size = 3_000  # keyframes are for those who ask
        if self._codec == "H264":
            # Level 3.1, as in the profile-level-id 42e01f that was negotiated. The buffer is of half a second.
            context.profile = "Baseline"
            context.options = {
                "preset": "superfast",
                "tune": "zerolatency",
                "level": "31",
                "maxrate": str(bitrate),
                "bufsize": str(bitrate // 2),
            }
        else:
            context.qmin, context.qmax = 2, 56
            context.options = {
                "deadline": "realtime",
                "cpu-used": "-6",
                "lag-in-frames": "0",
                "minrate": str(bitrate),
                "maxrate": str(bitrate),
                "bufsize": str(bitrate),
                "overshoot-pct": "15",
                "undershoot-pct": "100",
                "static-thresh": "1",
            }
        return context


def _fits(context: VideoCodecContext, bitrate: int) -> bool:
    return 1 - TIGHTENED <= bitrate / (context.bit_rate or 1) <= 1 + LOOSENED


def encoded_size(width: int, height: int) -> tuple[int, int]:
    """Even, of the same shape as nearly as that allows, and of no more than `LARGEST_ENCODED` pixels."""
    shrink = min(1.0, (LARGEST_ENCODED / (width * height)) ** 0.5)
    return max(2, int(width * shrink) & ~1), max(2, int(height * shrink) & ~1)
