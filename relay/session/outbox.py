"""Messages on their way to one visitor: bounded, in order, newest state only.

It outlives the visitor's connection: what could not be sent waits for the next one, and chat that
may have been lost with the old one is sent again.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from relay.protocol.codec import encode
from relay.protocol.messages import ChatMessage, PartnerFound, Resumed, ServerMessage
from relay.session.delivery import DELIVERIES

CAPACITY = 256
"""Messages. A reader that is this far behind is gone, or hostile."""

REMEMBERED = 64
"""Chat messages that are kept after they were sent, because a lost connection may have taken them along."""


def _nobody() -> None:
    """Is told."""


class Outbox:
    """Filled by anyone who has something to say, emptied by the visitor's one writer.

    `overflowed` is called once, when even dropping what goes first makes no room; from then on nothing is taken.
    """

    def __init__(self, overflowed: Callable[[], None] = _nobody) -> None:
        self.overflowed = overflowed
        self._waiting: deque[ServerMessage] = deque()
        self._sent: deque[ChatMessage] = deque(maxlen=REMEMBERED)
        self._changed = asyncio.Event()
        self._closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, message: ServerMessage) -> None:
        """Queue a message. Never waits, so nobody is slowed down by a slow reader."""
        if self._closed:
            return
        delivery = DELIVERIES[type(message)]
        if delivery.newest_only:
            self._remove(lambda waiting: type(waiting) is delivery.kind)
        if len(self._waiting) >= CAPACITY:
            if delivery.first_to_go:
                return
            self._remove(lambda waiting: DELIVERIES[type(waiting)].first_to_go)
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
        return encode(self.take())

    def close(self) -> None:
        """Take nothing any more, and call nobody. Idempotent."""
        self._closed, self.overflowed = True, _nobody

    def take(self) -> ServerMessage:
        """The next message; there has to be one."""
        message = self._waiting.popleft()
        if isinstance(message, ChatMessage):
            self._sent.append(message)
        elif isinstance(message, PartnerFound):
            self._sent.clear()  # of a conversation that is over
        return message

    def resume(self, greeting: Resumed, last_message: str | None) -> None:
        """Begin anew on another connection: the greeting, chat after `last_message`, then what waits."""
        sent, waiting = list(self._sent), list[ServerMessage]()
        for message in self._waiting:
            if isinstance(message, PartnerFound):
                # What was said before belongs to a conversation that is over.
                sent, waiting = [], [kept for kept in waiting if not isinstance(kept, ChatMessage)]
            elif DELIVERIES[type(message)].kept:
                waiting.append(message)
        arrived = next((at + 1 for at, chat in enumerate(sent) if chat.id == last_message), 0)
        self._sent = deque(sent[:arrived], REMEMBERED)
        self._waiting = deque([greeting, *sent[arrived:], *waiting])
        self._changed.set()

    def _remove(self, is_pointless: Callable[[ServerMessage], bool]) -> None:
        """Drop the first such message that waits."""
        for message in self._waiting:
            if is_pointless(message):
                self._waiting.remove(message)
                return
