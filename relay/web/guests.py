"""Connections that an HTTP server serves: who holds how many, who has to go for whom, and who is not waited for.

Owns them from the moment they are accepted until they end. Only so many come from one address, only so many are kept
altogether, and each has to ask for something soon, so that nobody holds connections for nothing.
"""

import asyncio
from dataclasses import dataclass

from aiohttp import web

from relay import clock
from relay.ledger.table import Table, Takes
from relay.observe.drops import Drop, Drops
from relay.observe.happenings import KeptOut
from relay.observe.journal import Journal
from relay.observe.reasons import Reason
from relay.tasks import Report, Tasks
from relay.web.metered import Metered

REQUEST_TIMEOUT = 15.0
"""Seconds until the first request must be there, with all its headers."""

WATCH_INTERVAL = 1.0
"""Seconds between looks at who has not asked."""


@dataclass(slots=True, eq=False)
class Guest:
    """One connection."""

    host: str
    """Whom it comes from: the visitor, or a trusted proxy."""
    metered: Metered
    protocol: web.RequestHandler
    transport: asyncio.Transport | None = None
    """The socket's own; None until it has one."""
    since: float = 0.0
    is_visit: bool = False
    """Whether it has become somebody's WebSocket."""

    @property
    def has_asked(self) -> bool:
        # aiohttp counts requests, and has no public way to tell: it has no deadline for headers either.
        return bool(getattr(self.protocol, "_request_count", 1))

    @property
    def rank(self) -> int:
        """How much it matters: a visit most, a connection that waits for its next request least."""
        return 1 if self.is_visit else 0

    def end(self) -> None:
        """Close at once."""
        if self.transport is not None:
            self.transport.abort()


class Guests:
    """All of them, until `close()`."""

    def __init__(self, *, most: int, most_per_address: int, drops: Drops, journal: Journal, report: Report) -> None:
        self._drops = drops
        self._journal = journal
        # The oldest goes, as browsers close connections themselves: the one that has been idle for longest.
        self._table: Table[Guest] = Table(most, Takes.OLDEST, most_each=most_per_address, rank=lambda guest: guest.rank)
        self._protocols: dict[web.RequestHandler, Guest] = {}
        self._tasks = Tasks("guests", report)
        self._watch: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._table)

    def enter(self, guest: Guest) -> bool:
        """Give a connection a place, if need be another's. False if there is none for it."""
        taken = self._table.enter(guest, guest.metered.payer.groups)
        if taken is not None:
            self._drops.count(Drop.TCP_CROWDED)
            self._journal.note(KeptOut(reason=Reason.CONNECTIONS, cause=taken.host, fields={"source": taken.host}))
            self.leave(taken)
            taken.end()
        if taken is guest:
            return False
        guest.since = clock.monotonic()
        self._protocols[guest.protocol] = guest
        if self._watch is None:
            self._watch = self._tasks.repeat("watch", WATCH_INTERVAL, self._look_for_silence)
        return True

    def leave(self, guest: Guest) -> None:
        """It has ended. Idempotent."""
        self._table.leave(guest)
        self._protocols.pop(guest.protocol, None)

    def find(self, request: web.BaseRequest) -> Guest | None:
        """The connection that a request came by."""
        return self._protocols.get(request.protocol)

    async def close(self) -> None:
        """Stop watching. What was let in stays with its server. Idempotent."""
        await self._tasks.close()

    def _look_for_silence(self) -> None:
        now = clock.monotonic()
        for guest in list(self._table):
            if now - guest.since > REQUEST_TIMEOUT and not guest.has_asked:
                self._drops.count(Drop.TCP_SILENT)
                guest.end()
