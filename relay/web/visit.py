"""One visitor's WebSocket: reads frames for the session, writes what its outbox holds, and pings."""

import asyncio

from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

from relay import clock
from relay.errors import ErrorCode, RelayError
from relay.observe.logging import get_logger
from relay.session.sessions import Session, Sessions
from relay.tasks import Tasks

PING_INTERVAL = 20.0
"""Seconds of silence after which we ask whether somebody is there."""

UNANSWERED_PINGS = 2
"""A connection that leaves so many unanswered is closed."""

WRITE_TIMEOUT = 40.0
"""Seconds that the system may refuse to take more from us before the connection counts as dead."""

FLOOD_PATIENCE = 30.0
"""Seconds by which one visitor is held back in all, before they are sent away."""

SLOW_READER = 4000
"""Close code, from the range for applications (RFC 6455 section 7.4.2)."""

log = get_logger("visit")


class Visit:
    """Serves one visitor from the greeting to the close."""

    def __init__(
        self, request: web.Request, socket: web.WebSocketResponse, session: Session, sessions: Sessions, tasks: Tasks
    ) -> None:
        self._request = request
        self._socket = socket
        self._session = session
        self._sessions = sessions
        self._tasks = tasks
        self._unanswered = 0
        self._held_back = 0.0
        session.outbox.overflowed = self._overflowed

    async def serve(self) -> None:
        """Returns when the connection is closed, by whichever side."""
        writer = self._tasks.start("writer", self._write())
        try:
            while True:
                message = await self._socket.receive()
                if message.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR):
                    return
                self._unanswered = 0
                wait = await self._receive(message)
                if wait > 0 and not await self._hold_back(wait):
                    return
        finally:
            writer.cancel()

    async def close(self, code: int, reason: str) -> None:
        """Say goodbye if the visitor still reads, and let go in any case."""
        await self._socket.close(code=code, message=reason.encode(), drain=False)
        if self._request.transport is not None:
            self._request.transport.abort()

    async def _hold_back(self, wait: float) -> bool:
        """Read who sends too much more slowly: the rest waits at their end. False when they are to go."""
        self._held_back += wait
        if self._held_back > FLOOD_PATIENCE:
            log.info("flood", user=self._session.user)
            await self.close(WSCloseCode.POLICY_VIOLATION, ErrorCode.RATE_LIMITED)
            return False
        await asyncio.sleep(wait)
        # What was buffered would otherwise be read for minutes after they had gone.
        return self._request.transport is not None and not self._request.transport.is_closing()

    async def _receive(self, message: WSMessage) -> float:
        match message.type:
            case WSMsgType.TEXT:
                return self._sessions.receive(self._session, message.data)
            case WSMsgType.BINARY:
                binary = RelayError(ErrorCode.INVALID_MESSAGE, "Only text frames are understood.")
                return self._sessions.refuse(self._session, binary, clock.monotonic())
            case WSMsgType.PING:
                await self._socket.pong(message.data)
        return 0.0

    async def _write(self) -> None:
        try:
            while True:
                try:
                    async with asyncio.timeout(PING_INTERVAL):
                        frame = await self._session.outbox.get()
                except TimeoutError:
                    if self._unanswered >= UNANSWERED_PINGS:
                        log.info("unanswered_pings", user=self._session.user)
                        self._close_soon(WSCloseCode.GOING_AWAY, "unanswered_pings")
                        return
                    self._unanswered += 1
                    await self._socket.ping()
                else:
                    async with asyncio.timeout(WRITE_TIMEOUT):
                        await self._socket.send_str(frame)
        except (ConnectionError, TimeoutError):
            self._close_soon(SLOW_READER, ErrorCode.SLOW_READER)

    def _overflowed(self) -> None:
        log.info("slow_reader", user=self._session.user)
        self._close_soon(SLOW_READER, ErrorCode.SLOW_READER)

    def _close_soon(self, code: int, reason: str) -> None:
        self._tasks.start("close", self.close(code, reason))
