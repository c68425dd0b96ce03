"""Joins a TCP connection with one to another server, such as coturn, and passes bytes both ways untouched.

Owns both connections. Reads no further than the other side takes, and no faster than the address can pay for, so a
slow reader slows the sender and nothing piles up here. Only so many are joined, of one address and altogether.
"""

import asyncio
import contextlib
import socket

from relay import clock
from relay.front.mux import Arrival
from relay.ledger.accounts import Payer
from relay.ledger.table import Table, Takes
from relay.ledger.turns import Turns
from relay.observe.drops import Drop, Drops
from relay.observe.logs.logging import get_logger
from relay.tasks import Report, Tasks

CONNECT_TIMEOUT = 5.0
"""Seconds that the other server has to answer."""

PIECE = 64 * 1024
"""Bytes read at once."""

PASSING = 60e-6
"""Seconds of CPU that it takes to pass a piece on."""

IDLE_TIMEOUT = 900.0
"""Seconds without a byte either way: a TURN client refreshes every ten minutes (RFC 8656 section 3.1)."""

SPLICES_PER_PERSON = 4
"""A browser opens one connection to each TURN server that it was told of, and new ones at an ICE restart."""

log = get_logger("splice")


class Splice:
    """Joins connections with `host`:`port`, until `close()`."""

    def __init__(
        self,
        *,
        server_name: str,
        host: str,
        port: int,
        most: int,
        most_per_address: int,
        turns: Turns,
        drops: Drops,
        report: Report,
    ) -> None:
        """For connections that ask for this name (RFC 6066 section 3). `most` are joined at the same time, and of each
        address so many."""
        self.server_name = server_name
        self._host = host
        self._port = port
        # The newest goes: what has been joined for long carries a call.
        self._table: Table[Arrival] = Table(most, Takes.NEWEST, most_each=most_per_address)
        self._joins: dict[Arrival, asyncio.Task[None]] = {}
        self._turns = turns
        self._drops = drops
        self._tasks = Tasks("splice", report)

    def join(self, arrival: Arrival) -> None:
        """Take over a connection."""
        crowded_out = self._table.enter(arrival, arrival.payer.groups)
        if crowded_out is not None:
            self._drops.count(Drop.TCP_CROWDED)
        if crowded_out is arrival:
            arrival.connection.close()
            return
        if crowded_out is not None:
            self._joins[crowded_out].cancel()
        self._joins[arrival] = self._tasks.start("join", self._join(arrival.connection, arrival.payer))
        self._joins[arrival].add_done_callback(lambda _: self._forget(arrival))

    async def close(self) -> None:
        """End all. Idempotent."""
        await self._tasks.close()

    def _forget(self, arrival: Arrival) -> None:
        self._table.leave(arrival)
        del self._joins[arrival]
        arrival.connection.close()

    async def _join(self, connection: socket.socket, payer: Payer) -> None:
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                there = await asyncio.open_connection(self._host, self._port)
        except (OSError, TimeoutError) as cause:
            log.warning("splice_failed", host=self._host, port=self._port, cause=str(cause))
            connection.close()
            return
        except BaseException:
            connection.close()
            raise
        with contextlib.ExitStack() as ends:
            ends.callback(there[1].transport.abort)
            here = await asyncio.open_connection(sock=connection)
            ends.callback(here[1].transport.abort)
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(IDLE_TIMEOUT) as deadline:
                    # The end of one way ends both: the other one is cut off here.
                    await asyncio.gather(
                        self._pass(here[0], there[1], deadline, payer), self._pass(there[0], here[1], deadline, payer)
                    )

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, deadline: asyncio.Timeout, payer: Payer
    ) -> None:
        loop = asyncio.get_running_loop()
        while piece := await reader.read(PIECE):
            deadline.reschedule(loop.time() + IDLE_TIMEOUT)
            writer.write(piece)
            await writer.drain()
            payer.charge(clock.monotonic(), PASSING)
            if payer.wait(clock.monotonic()) > 0:
                await self._turns.wait(payer)
        # Neither TLS nor TURN goes on with half a connection.
        raise ConnectionResetError
