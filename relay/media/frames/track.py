"""A media track that is fed by pushing frames: bounded, dropping the oldest."""

import asyncio
from collections import deque

from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av.frame import Frame

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
