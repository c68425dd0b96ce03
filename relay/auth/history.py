"""The archive of chats that two people keep: encrypted, and for the two of them alone."""

from collections.abc import Callable, Sequence

from relay import clock
from relay.auth.keys import Keys
from relay.auth.sealing import Sealing
from relay.errors import RelayError
from relay.store import chats
from relay.store.chats import Chat, Line, place
from relay.store.facts import new_key
from relay.store.holding import Row
from relay.store.records import DAY, Records
from relay.store.writer import Change
from relay.tasks import Report, Tasks


class History:
    """One per server: an `Archive` of `relay.session.keeping`."""

    def __init__(self, *, records: Records, keys: Keys, days: int, report: Report) -> None:
        """Chats go after so many days; 0: none is kept any more, and those that were go in their time."""
        self._records = records
        self._sealing = Sealing(keys)
        self._days = days
        self._tasks = Tasks("history", report)

    @property
    def days(self) -> int:
        return self._days

    async def close(self) -> None:
        """Wait for what is being written. Idempotent."""
        await self._tasks.finish()

    def begin(self, one: str, other: str, done: Callable[[str, int], None], failed: Callable[[], None]) -> None:
        now = int(clock.unix())
        chat = Chat(id=new_key(), one=one, other=other, began_at=now, until=now + self._days * DAY)
        self._do(lambda connection: chats.begin(connection, chat), lambda: done(chat.id, chat.until), failed)

    def add(self, chat: str, n: int, writer: int, text: str, failed: Callable[[], None]) -> None:
        sealed = self._sealing.seal(text.encode(), place(chat, n, writer))
        line = Line(chat=chat, n=n, at=int(clock.unix()), writer=writer, sealed=sealed)
        self._do(lambda connection: chats.add(connection, line), lambda: None, failed)

    def erase(self, chat: str, failed: Callable[[], None]) -> None:
        self._do(lambda connection: chats.erase(connection, chat), lambda: None, failed)

    async def of(self, code: str) -> Sequence[Row]:
        """What a visitor keeps, the latest first.

        Raises:
            RelayError: the database does not answer.
        """
        if not self._records.is_kept:
            return ()
        return await self._records.ask(lambda connection: chats.export(connection, code, self._sealing.unseal))

    async def erase_one(self, code: str, chat: str) -> bool:
        """Erase a chat of a visitor's for both. False: they have none of that name.

        Raises:
            RelayError: it is still there.
        """
        return await self._records.write(lambda connection: chats.erase(connection, chat, code)) > 0

    def _do(self, change: Change[object], done: Callable[[], None], failed: Callable[[], None]) -> None:
        # Tasks begin in the order in which they are started, and the store makes changes in the order in which they
        # come.
        self._tasks.start("write", self._write(change, done, failed))

    async def _write(self, change: Change[object], done: Callable[[], None], failed: Callable[[], None]) -> None:
        try:
            await self._records.write(change)
        except RelayError:
            failed()
        else:
            done()
