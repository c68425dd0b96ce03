"""Media tracks: one that is fed by pushing frames, bounded, dropping the oldest; and one that encodes another."""

import asyncio
from collections import deque
from concurrent.futures import Executor

import av
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av.frame import Frame

from relay.media.frames.encoder import FIRST_BITRATE, Encoded, PictureEncoder
from relay.observe.drops import Drop, Drops


class PushedTrack(MediaStreamTrack):
    """Holds at most `capacity` frames; when its reader is slow the oldest go, and are counted."""

    def __init__(self, kind: str, capacity: int, drops: Drops) -> None:
        super().__init__()
        self.kind = kind
        self._frames: deque[Frame] = deque()
        self._capacity = capacity
        self._drops = drops
        self._changed = asyncio.Event()

    def push(self, frame: Frame) -> None:
        if len(self._frames) >= self._capacity:
            self._frames.popleft()
            self._drops.count(Drop.SLOT_BACKLOG)
        self._frames.append(frame)
        self._changed.set()

    def clear(self) -> None:
        """Forget what has not been read yet."""
        self._frames.clear()

    async def recv(self) -> Frame:
        while self.readyState == "live" and not self._frames:
            self._changed.clear()
            await self._changed.wait()
        if self.readyState != "live":
            raise MediaStreamError
        return self._frames.popleft()

    def stop(self) -> None:
        super().stop()
        self._changed.set()


class EncodedTrack(MediaStreamTrack):
    """The pictures of another track, encoded when they are asked for. A picture that can't be is dropped."""

    kind = "video"

    def __init__(self, pictures: PushedTrack, codec: str, workers: Executor | None, drops: Drops) -> None:
        """`codec` is VP8 or H264; it encodes on `workers`."""
        super().__init__()
        self.encoded = 0
        """Pictures so far."""
        self.bitrate = FIRST_BITRATE
        """Bits per second that are not to be exceeded."""
        self._pictures = pictures
        self._encoder = PictureEncoder(codec)
        self._workers = workers
        self._drops = drops
        self._wants_keyframe = True

    def request_keyframe(self) -> None:
        """Make the next picture a keyframe."""
        self._wants_keyframe = True

    async def recv(self) -> Encoded:
        loop = asyncio.get_running_loop()
        while True:
            frame = await self._pictures.recv()
            if not isinstance(frame, av.VideoFrame):
                continue
            keyframe, self._wants_keyframe = self._wants_keyframe, False
            try:
                packet = await loop.run_in_executor(self._workers, self._encode, frame, keyframe)
            except (av.FFmpegError, ValueError):
                self._drops.count(Drop.UNENCODABLE)
                self._wants_keyframe |= keyframe
                continue
            if packet is not None:
                self.encoded += 1
                return packet
            self._wants_keyframe |= keyframe

    def stop(self) -> None:
        super().stop()
        self._pictures.stop()

    def _encode(self, frame: av.VideoFrame, keyframe: bool) -> Encoded | None:
        return self._encoder.encode(frame, self.bitrate, keyframe=keyframe)
