"""One visitor's WebSocket: reads frames for the session, writes what its outbox holds, and pings."""

import asyncio
from contextlib import suppress

from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

from relay import clock
from relay.errors import ErrorCode, RelayError, drop_trace
from relay.ledger.accounts import Payer
from relay.ledger.turns import Turns
from relay.observe.browsers import browser_of
from relay.observe.happenings import ConnectionAbandoned, Flooded
from relay.observe.journal import Journal
from relay.protocol.codec import encode
from relay.session.directory import refusal
from relay.session.reception import Reception
from relay.session.session import Ending, Session
from relay.session.sessions import SLOW_READER, Sessions
from relay.tasks import Tasks

PING_INTERVAL = 20.0
"""Seconds of silence after which we ask whether somebody is there."""

UNANSWERED_PINGS = 2
"""A connection that leaves so many unanswered is lost."""

WRITE_TIMEOUT = 40.0
"""Seconds that the system may refuse to take more from us before the connection counts as dead."""

FLUSH_TIMEOUT = 2.0
"""Seconds that somebody who is sent away has to take what was sent before."""

FLUSH_INTERVAL = 0.05
"""Seconds between looks whether they have."""

FLOOD_PATIENCE = 30.0
"""Seconds by which one visitor is held back in all, before they are sent away."""

READING = 50e-6
"""Seconds of CPU that it takes to be woken for a frame and to read it."""

DELIBERATE = frozenset({WSCloseCode.OK, WSCloseCode.GOING_AWAY})
"""Close codes of visitors who go: a closed page, a closed tab."""


def forget_failure(socket: web.WebSocketResponse) -> None:
    """A socket keeps why it broke, and that keeps the socket: neither would be freed at once."""
    if (failure := socket.exception()) is not None:
        drop_trace(failure)


async def turn_away(socket: web.WebSocketResponse, error: RelayError) -> None:
    """Say why a visitor may not stay, and close."""
    with suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(FLUSH_TIMEOUT):
            await socket.send_str(encode(refusal(error)))
    await socket.close(code=WSCloseCode.TRY_AGAIN_LATER, message=error.code.encode())
    forget_failure(socket)


class Visit:
    """Serves one visitor from the greeting to the close. A `Socket` for the session layer."""

    def __init__(
        self,
        *,
        request: web.Request,
        socket: web.WebSocketResponse,
        sessions: Sessions,
        reception: Reception,
        payer: Payer,
        tls_host: str | None,
        has_agreed: bool,
        has_account: bool,
        turns: Turns,
        tasks: Tasks,
        journal: Journal,
    ) -> None:
        """Open a session for the visitor, whose browser reaches our own TLS at `tls_host`; `has_agreed` to the rules,
        and `has_account` where one is needed.

        Raises:
            RelayError: there is no place for them.
        """
        self._request = request
        self._socket = socket
        self._sessions = sessions
        self._reception = reception
        self._payer = payer
        self._turns = turns
        self._tasks = tasks
        self._journal = journal
        self._unanswered = 0
        self._is_writing = False
        self._since = 0.0
        """When it began to write, or had nothing left to write."""
        self._deadline: asyncio.TimerHandle | None = None
        self._held_back = 0.0
        self._ended = False
        browser = browser_of(request.headers.get("User-Agent", ""))
        self.session = sessions.open(self, payer, browser, tls_host, has_agreed=has_agreed, has_account=has_account)
        self._writer: asyncio.Task[None] | None = None
        self._start_writing(self.session)

    async def serve(self) -> None:
        """Returns when the connection is closed, by whichever side; the session knows then."""
        ending = Ending.CUT
        try:
            ending = await self._read()
        finally:
            self._stop_writing()
            self._sessions.disconnected(self.session, self, ending)

    def take_over(self, session: Session) -> None:
        self._stop_writing()
        self.session = session
        self._start_writing(session)

    def end(self, code: int, reason: str) -> None:
        # The session may go on elsewhere: its outbox is not ours to empty any more.
        self._stop_writing()
        self._tasks.start("close", self.close(code, reason))

    def turn_away(self, error: RelayError) -> None:
        self._stop_writing()
        self._ended = True
        self._tasks.start("close", turn_away(self._socket, error))

    async def close(self, code: int, reason: str) -> None:
        """Say goodbye if the visitor still reads, and let go in any case."""
        self._ended = True
        await self._socket.close(code=code, message=reason.encode(), drain=False)
        forget_failure(self._socket)
        transport = self._request.transport
        if transport is None:
            return
        with suppress(TimeoutError, AttributeError):
            # The reason is behind what a slow reader has not taken yet. A TLS transport that was closed twice has no
            # buffer any more (AttributeError).
            async with asyncio.timeout(FLUSH_TIMEOUT):
                while transport.get_write_buffer_size() > 0:  # noqa: ASYNC110 - asyncio tells nobody
                    await asyncio.sleep(FLUSH_INTERVAL)
        transport.abort()

    async def _read(self) -> Ending:
        """Read until the end."""
        while True:
            message = await self._socket.receive()
            match message.type:
                case WSMsgType.CLOSE if message.data in DELIBERATE and not self._ended:
                    return Ending.CLOSED
                case WSMsgType.CLOSE | WSMsgType.CLOSING | WSMsgType.CLOSED | WSMsgType.ERROR:
                    return self._without_a_word()
            self._unanswered = 0
            await self._turns.wait(self._payer)
            if (wait := await self._charged(message)) > 0 and not await self._hold_back(wait):
                return self._without_a_word()

    def _without_a_word(self) -> Ending:
        return Ending.CUT if self._ended else Ending.LOST

    async def _charged(self, message: WSMessage) -> float:
        began = clock.cpu()
        wait = await self._receive(message)
        self._payer.charge(clock.monotonic(), READING + clock.cpu() - began)
        return wait

    async def _hold_back(self, wait: float) -> bool:
        """Read who sends too much more slowly: the rest waits at their end. False when they are to go."""
        self._held_back += wait
        if self._held_back > FLOOD_PATIENCE:
            self._journal.note(Flooded(user=self.session.user))
            await self.close(WSCloseCode.POLICY_VIOLATION, ErrorCode.RATE_LIMITED)
            return False
        await asyncio.sleep(wait)
        # What was buffered would otherwise be read for minutes after they had gone.
        return self._request.transport is not None and not self._request.transport.is_closing()

    async def _receive(self, message: WSMessage) -> float:
        match message.type:
            case WSMsgType.TEXT:
                return self._reception.receive(self.session, message.data)
            case WSMsgType.BINARY:
                binary = RelayError(ErrorCode.INVALID_MESSAGE, "Only text frames are understood.")
                return self._reception.refuse(self.session, binary, clock.monotonic())
            case WSMsgType.PING:
                with suppress(ConnectionError):  # they have gone; the next read says so
                    await self._socket.pong(message.data)
        return self._reception.tolerate(self.session)

    def _start_writing(self, session: Session) -> None:
        self._is_writing, self._since = False, clock.monotonic()
        self._writer = self._tasks.start("writer", self._write(session))
        self._look_in(PING_INTERVAL)

    def _stop_writing(self) -> None:
        # A task that was cancelled keeps where it was, and so this visit: we do not keep it.
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.cancel()
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    async def _write(self, session: Session) -> None:
        try:
            while True:
                frame = await session.outbox.get()
                self._is_writing, self._since = True, clock.monotonic()
                await self._socket.send_str(frame)
                self._is_writing, self._since = False, clock.monotonic()
        except ConnectionError:
            self.abandon()

    def _look_in(self, seconds: float) -> None:
        self._deadline = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        """Look for how long it has been writing, or has had nothing to write.

        The deadline moves with each message and the timer does not: one for each message costs as much as to write it.
        """
        patience = WRITE_TIMEOUT if self._is_writing else PING_INTERVAL
        left = self._since + patience - clock.monotonic()
        if left > 0:
            self._look_in(min(left, PING_INTERVAL))
        elif self._is_writing:
            self.end(SLOW_READER, ErrorCode.SLOW_READER)
        elif self._unanswered >= UNANSWERED_PINGS:
            self._stop_writing()
            self.abandon()
        else:
            self._unanswered += 1
            self._since = clock.monotonic()
            self._tasks.start("ping", self._ping())
            self._look_in(PING_INTERVAL)

    async def _ping(self) -> None:
        try:
            await self._socket.ping()
        except ConnectionError:
            self.abandon()

    def abandon(self) -> None:
        # The reading side sees the end of the connection, as if it had broken by itself.
        self._journal.note(ConnectionAbandoned(user=self.session.user))
        if self._request.transport is not None:
            self._request.transport.abort()
