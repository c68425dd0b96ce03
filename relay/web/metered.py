"""Reads a connection in small pieces, for as long as its address can pay for them.

Sits between the socket and whatever reads from it, TLS or HTTP. What each piece costs is measured, in CPU: so a byte
that makes work (an empty frame, a record of one byte) is dear, whatever protocol it belongs to, and nothing has to be
known of that. Where the account has nothing left, the rest stays with the sender.
"""

import asyncio
from collections.abc import Callable

from relay import clock
from relay.ledger.accounts import Payer
from relay.ledger.turns import Turn, Turns

PIECE = 8 * 1024
"""Bytes read before others get their turn: of the dearest, about a millisecond."""

WAKING = 20e-6
"""Seconds of CPU that it takes to be told that there is something to read."""

_buffer = memoryview(bytearray(PIECE))
"""One for all: what is read is passed on before anything else is."""


def forget_itself(transport: asyncio.Transport) -> None:
    """asyncio's own keeps a bound method of itself, and so would be left to the garbage collector when it has been
    closed."""
    if hasattr(transport, "_read_ready_cb"):
        transport._read_ready_cb = None


def _nobody() -> None:
    """Wants to know."""


class Metered(asyncio.BufferedProtocol):
    """Passes everything on to `inner`, which may pause the transport as if it were alone."""

    def __init__(self, inner: asyncio.Protocol | asyncio.BufferedProtocol, payer: Payer, turns: Turns) -> None:
        self.payer = payer
        """Who pays. A request may tell that a trusted proxy's connection is somebody's alone."""
        self.ended: Callable[[], None] = _nobody
        """Called when the connection is closed."""
        self._inner = inner
        self._turns = turns
        self._turn: Turn | None = None
        self._kept = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._inner.connection_made(transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        return _buffer

    def buffer_updated(self, nbytes: int) -> None:
        piece = bytes(_buffer[:nbytes])
        if self._turn is None and self._turns.goes_on(self.payer):
            self._pass_on(piece)
            return
        # `inner` may resume the transport meanwhile: then it is one piece more.
        self._kept += piece
        self._transport.pause_reading()
        if self._turn is None:
            self._turn = self._turns.ask(self.payer, self._go_on)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None
        self._kept = b""
        self._inner.connection_lost(exc)
        ended, self.ended = self.ended, _nobody
        ended()
        forget_itself(self._transport)

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()

    def _go_on(self) -> None:
        self._turn = None
        if self._transport.is_closing():
            return
        self._transport.resume_reading()
        if kept := self._kept:
            self._kept = b""
            self._pass_on(kept)

    def _pass_on(self, piece: bytes) -> None:
        began = clock.cpu()
        if isinstance(self._inner, asyncio.BufferedProtocol):
            rest = memoryview(piece)
            while rest:
                room = memoryview(self._inner.get_buffer(len(rest)))
                taken = min(len(room), len(rest))
                room[:taken] = rest[:taken]
                self._inner.buffer_updated(taken)
                rest = rest[taken:]
        else:
            self._inner.data_received(piece)
        self.payer.charge(clock.monotonic(), WAKING + clock.cpu() - began)
