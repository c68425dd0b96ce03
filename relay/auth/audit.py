"""Who of the staff did what: each deed is an entry of the audit log, and who does it waits until it is there. What
can't be noted is not done.

Without a database the log of the server alone has it.
"""

import asyncio
from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from relay import clock
from relay.auth.keys import Keys
from relay.errors import RelayError
from relay.ledger.addresses import subscriber
from relay.observe.happenings import Audited
from relay.observe.journal import Journal
from relay.observe.logs.logging import get_logger
from relay.store import audit
from relay.store.chain import Deed, Entry
from relay.store.records import Records
from relay.store.writer import Answer, Change
from relay.tasks import Report, Tasks

EXPIRING = 3_600.0
"""Seconds between two times that old entries are removed."""

LONGEST_NAME = 64
"""Characters of who, and of what."""
LONGEST_SUBJECT = 128
PLACE = 12
"""Digits of what an address is called."""
LONGEST_DETAIL = 4_096
"""Bytes of JSON."""

Detail = Mapping[str, str | int | float | bool | None]

log = get_logger("audit")


class Audit:
    """One per server. Its methods belong to the server's event loop."""

    def __init__(self, *, records: Records, keys: Keys, keep: int, journal: Journal, report: Report) -> None:
        """Entries go after `keep` seconds."""
        self._records = records
        self._keys = keys
        self._keep = keep
        self._journal = journal
        self._tasks = Tasks("audit", report)

    def start(self) -> None:
        """Remove what is old, now and from time to time."""
        if self._records.is_kept:
            self._tasks.start("expire", self._expire())

    async def close(self) -> None:
        """Idempotent."""
        await self._tasks.close()

    def place(self, address: str) -> str:
        """What an address is called here: always the same, and it leads nobody there."""
        return self._keys.pseudonym("address", subscriber(address).encode()).hex()[:PLACE]

    async def note(self, who: str, what: str, subject: str = "", detail: Detail | None = None) -> None:
        """Note a deed, before it is done. `who` is what the gate calls somebody, `what` a word such as `room_ended`,
        `subject` whom or what it is done to. None of them is an address or anything that a visitor wrote.

        Raises:
            RelayError: STORE_UNAVAILABLE: it was not noted, so it is not to be done.
        """

        async def nothing(connection: AsyncConnection) -> None:
            """There is no more to do in the database."""

        deed = deed_of(who, what, subject, detail)
        if self._records.is_kept:
            await self._do(nothing, deed)
        else:
            self._tell(deed, None)

    async def do(
        self, change: Change[Answer], *, who: str, what: str, subject: str = "", detail: Detail | None = None
    ) -> Answer:
        """Make a change in the database and note it: both, or neither.

        Raises:
            RelayError: it was not made; errors of our own that the change raises.
        """
        return await self._do(change, deed_of(who, what, subject, detail))

    async def latest(self, *, before: int | None, most: int) -> Sequence[Entry]:
        """The latest first; `before` is a number.

        Raises:
            RelayError: nothing is kept, or the database does not answer.
        """
        return await self._records.ask(lambda connection: audit.before(connection, before, most))

    async def _do(self, change: Change[Answer], deed: Deed) -> Answer:
        async def both(connection: AsyncConnection) -> tuple[Answer, Entry]:
            # In this order: the chain is locked for as short as can be.
            answer = await change(connection)
            return answer, await audit.append(connection, deed, at=int(clock.unix()), sign=self._sign)

        answer, entry = await self._records.write(both)
        self._tell(deed, entry)
        return answer

    def _tell(self, deed: Deed, entry: Entry | None) -> None:
        n, hashed = (None, None) if entry is None else (entry.n, entry.hash.hex())
        self._journal.note(Audited(number=n, who=deed.who, what=deed.what, subject=deed.subject, hash=hashed))

    def _sign(self, hashed: bytes) -> bytes:
        return self._keys.audit_key.sign(hashed)

    async def expire(self) -> int:
        """Remove a step of what is old. Gives how many entries there were.

        Raises:
            RelayError: they are still there.
        """
        now = int(clock.unix())

        async def step(connection: AsyncConnection) -> int:
            return await audit.expire(connection, before=now - self._keep, at=now, sign=self._sign)

        return await self._records.write(step)

    async def _expire(self) -> None:
        while True:
            try:
                while removed := await self.expire():
                    log.info("audit_expired", entries=removed)
            except RelayError as error:
                # In an hour the database is there again, and nothing is lost until then.
                log.info("audit_kept_longer", cause=error.sentence)
            await asyncio.sleep(EXPIRING)


def deed_of(who: str, what: str, subject: str = "", detail: Detail | None = None) -> Deed:
    """As the chain takes it.

    Raises:
        ValueError: something is longer than its column.
    """
    written = msgspec.json.encode(dict(detail or {}), order="sorted").decode()
    if max(len(who), len(what)) > LONGEST_NAME or len(subject) > LONGEST_SUBJECT or len(written) > LONGEST_DETAIL:
        raise ValueError(f"{what} is too long to be noted")
    return Deed(who=who, what=what, subject=subject, detail=written)
