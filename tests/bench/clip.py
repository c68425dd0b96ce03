"""Makes a small VP8 clip that decoders can show: a moving picture, in an IVF file."""

import sys
from pathlib import Path

import av
import numpy as np

WIDTH, HEIGHT, FPS = 640, 480, 30
SECONDS = 4
KEYFRAME_INTERVAL = 30


def write_clip(path: Path, bits_per_second: int = 1_000_000) -> None:
    """Encode a bar that moves over noise, which takes about `bits_per_second`."""
    noise = np.random.default_rng(seed=1)
    texture = noise.integers(60, 196, (HEIGHT, 2 * WIDTH), dtype=np.uint8)
    with av.open(str(path), "w", format="ivf") as container:
        stream = container.add_stream("libvpx", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.bit_rate = bits_per_second
        stream.gop_size = KEYFRAME_INTERVAL
        stream.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "auto-alt-ref": "0"}
        for number in range(SECONDS * FPS):
            frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
            luma = texture[:, 4 * number % WIDTH :][:, :WIDTH] // 4 + 90
            luma[:, number * WIDTH // (SECONDS * FPS) :][:, :40] = 235
            for plane, content in zip(frame.planes, (luma, None, None), strict=True):
                plane.update(content.astype(np.uint8).tobytes() if content is not None else b"\x80" * plane.buffer_size)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


if __name__ == "__main__":
    write_clip(Path(sys.argv[1]))
