"""Pictures as a sender encodes them."""

from fractions import Fraction

import numpy as np
from aiortc.codecs.vpx import Vp8Encoder
from av import VideoFrame
from av.video.frame import PictureType


def encoded_pictures(amount: int) -> list[list[bytes]]:
    """VP8 payloads of grey pictures, the first a keyframe."""
    encoder, pictures = Vp8Encoder(), []
    for number in range(amount):
        frame = VideoFrame.from_ndarray(np.full((96, 64), 128, np.uint8), format="yuv420p")
        frame.pts, frame.time_base = number * 3_000, Fraction(1, 90_000)
        frame.pict_type = PictureType.NONE
        pictures.append(encoder.encode(frame, force_keyframe=number == 0)[0])
    return pictures
