"""Messages on their way to one visitor: bounded, in order."""

import asyncio

from relay.protocol.codec import encode
from relay.protocol.messages import ServerMessage

CAPACITY = 256
"""Messages. A reader that is this far behind is gone, or hostile."""


class Outbox:
    """Filled by whoever has something to say, emptied by the visitor's one writer.

    When it is full, `overflowed` is set and nothing is accepted any more: the connection is to be closed.
    """

    def __init__(self) -> None:
        self.overflowed = asyncio.Event()
        self._frames: asyncio.Queue[str] = asyncio.Queue(CAPACITY)

    def put(self, message: ServerMessage) -> None:
        """Queue a message. Never waits, so nobody is slowed down by a slow reader."""
        if self.overflowed.is_set():
            return
        if self._frames.full():
            self.overflowed.set()
        else:
            self._frames.put_nowait(encode(message))

    async def get(self) -> str:
        """The next text frame to send."""
        return await self._frames.get()
