"""The WebSocket at /ws: frames in and out, nothing about their meaning."""

import asyncio

from aiohttp import WSCloseCode, WSMsgType, web

from relay.errors import ErrorCode, RelayError
from relay.observe.logging import get_logger
from relay.protocol.codec import encode
from relay.protocol.limits import Limits
from relay.protocol.messages import PartingReason
from relay.session.sessions import Session, Sessions, refusal
from relay.tasks import Report, Tasks

PING_INTERVAL = 20.0
"""Seconds between pings; a connection that leaves one unanswered for half of that is closed."""

CLOSE_TIMEOUT = 2.0
"""Seconds that a browser has to answer a close."""

SLOW_READER_CLOSE_CODE = 4000
LARGEST_FRAME_FACTOR = 4
"""Frames up to this many times the limit are read and answered by an error; longer ones end the connection."""

log = get_logger("gateway")


class Gateway:
    """Serves visitors until `close()`."""

    def __init__(self, sessions: Sessions, limits: Limits, report: Report) -> None:
        self._sessions = sessions
        self._limits = limits
        self._tasks = Tasks("gateway", report)
        self._open: set[web.WebSocketResponse] = set()
        self._stopping = False

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """One visitor, from the handshake to the end."""
        socket = web.WebSocketResponse(
            heartbeat=PING_INTERVAL,
            max_msg_size=LARGEST_FRAME_FACTOR * self._limits.message_bytes,
            compress=False,
            timeout=CLOSE_TIMEOUT,
        )
        await socket.prepare(request)
        try:
            session = self._sessions.open()
        except RelayError as error:
            await socket.send_str(encode(refusal(error)))
            await socket.close(code=WSCloseCode.TRY_AGAIN_LATER, message=error.code.encode())
            return socket
        self._open.add(socket)
        writer = self._tasks.start("writer", self._write(socket, session))
        try:
            await self._read(socket, session)
        finally:
            self._open.discard(socket)
            writer.cancel()
            reason = PartingReason.SERVER_STOPPING if self._stopping else PartingReason.DISCONNECTED
            self._sessions.close(session, reason)
        return socket

    async def close(self) -> None:
        """Send everybody away, in `CLOSE_TIMEOUT` seconds. Idempotent."""
        self._stopping = True
        await asyncio.gather(
            *(socket.close(code=WSCloseCode.GOING_AWAY, message=b"server_stopping") for socket in list(self._open))
        )
        await self._tasks.close()

    async def _read(self, socket: web.WebSocketResponse, session: Session) -> None:
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                self._sessions.receive(session, message.data)
            elif message.type is WSMsgType.BINARY:
                binary = RelayError(ErrorCode.INVALID_MESSAGE, "Only text frames are understood.")
                session.outbox.put(refusal(binary))

    async def _write(self, socket: web.WebSocketResponse, session: Session) -> None:
        sending = asyncio.current_task()
        watch = self._tasks.start("overflow", self._end_on_overflow(socket, session, sending))
        try:
            while True:
                await socket.send_str(await session.outbox.get())
        except ConnectionError:
            pass  # the reading side learns of it, too
        finally:
            watch.cancel()

    async def _end_on_overflow(
        self, socket: web.WebSocketResponse, session: Session, sending: asyncio.Task[None] | None
    ) -> None:
        await session.outbox.overflowed.wait()
        log.info("slow_reader", user=session.user)
        await socket.close(code=SLOW_READER_CLOSE_CODE, message=ErrorCode.SLOW_READER.encode(), drain=False)
