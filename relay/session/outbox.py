"""Messages on their way to one visitor: bounded, in order, newest state only."""

import asyncio
from collections import deque
from collections.abc import Callable

from relay.protocol.codec import encode
from relay.protocol.messages import MediaState, ServerMessage, Typing

CAPACITY = 256
"""Messages. A reader that is this far behind is gone, or hostile."""

COALESCED = (Typing, MediaState)
"""States: a newer one makes an older one that still waits pointless."""


class Outbox:
    """Filled by whoever has something to say, emptied by the visitor's one writer.

    `overflowed` is called once, when even dropping `typing` makes no room; from then on nothing is taken.
    """

    def __init__(self, overflowed: Callable[[], None] = lambda: None) -> None:
        self.overflowed = overflowed
        self._waiting: deque[ServerMessage] = deque()
        self._changed = asyncio.Event()
        self._closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, message: ServerMessage) -> None:
        """Queue a message. Never waits, so nobody is slowed down by a slow reader."""
        if self._closed:
            return
        if isinstance(message, COALESCED):
            self._remove(type(message))
        if len(self._waiting) >= CAPACITY:
            if isinstance(message, Typing):
                return
            self._remove(Typing)
        if len(self._waiting) >= CAPACITY:
            self._closed = True
            self.overflowed()
            return
        self._waiting.append(message)
        self._changed.set()

    async def get(self) -> str:
        """The next text frame to send."""
        while not self._waiting:
            self._changed.clear()
            await self._changed.wait()
        return encode(self._waiting.popleft())

    def _remove(self, kind: type[ServerMessage]) -> None:
        for message in self._waiting:
            if isinstance(message, kind):
                self._waiting.remove(message)
                return
