"""What lasts, as the rest of the server sees it: a reader of the journal, figures of how it goes, and what the operator
asks of it.

`RELAY_DATABASE=off` is a `Records` that reads nothing.
"""

import platform
from collections.abc import Callable

from relay import clock
from relay.config.settings import StateSettings
from relay.errors import ErrorCode, RelayError
from relay.observe.happenings import Happening
from relay.store.analytics import Analytics, Step, window
from relay.store.chronicle import Chronicle
from relay.store.database import OFF, locate
from relay.store.reading import read_analytics
from relay.store.store import Store, StoreFigures
from relay.store.writer import Answer, Change, Question
from relay.store.writing import Keep
from relay.tasks import Report, Tasks

DAY = 86_400
SUMMING = 60.0
"""Seconds between two times that the sums of the hour are written."""
LONGEST_NODE = 64
"""Characters of this host's name that are kept."""


class Records:
    """One instance per process: a `Reader` of the journal."""

    def __init__(self, settings: StateSettings, tell: Callable[[Happening], None], report: Report) -> None:
        """`tell` notes in the journal how the database is.

        Raises:
            ConfigurationError: `database` is not right.
        """
        self._tasks = Tasks("records", report)
        self._store: Store | None = None
        if settings.database != OFF:
            self._store = Store(
                url=locate(settings.database, settings.folder),
                node=platform.node()[:LONGEST_NODE],
                keep=Keep(visits=settings.keep_visits * DAY, sums=settings.keep_sums * DAY),
                tell=tell,
            )
            self._chronicle = Chronicle(self._store.note, clock.unix)

    @property
    def is_kept(self) -> bool:
        """Whether there is to be a database."""
        return self._store is not None

    @property
    def figures(self) -> StoreFigures:
        return StoreFigures() if self._store is None else self._store.figures

    def reads(self, kind: type[Happening]) -> bool:
        return self._store is not None and self._chronicle.reads(kind)

    def note(self, happening: Happening) -> None:
        self._chronicle.note(happening)

    async def analytics(self, days: int, step: Step) -> Analytics:
        """Of the latest so many days, with today.

        Raises:
            RelayError: nothing is kept, or the database does not answer.
        """
        shown = window(days, step, clock.unix())
        return await self.ask(lambda connection: read_analytics(connection, shown))

    async def ask(self, question: Question[Answer]) -> Answer:
        """Have the database answer.

        Raises:
            RelayError: STORE_OFF, STORE_AWAY: there is none, or it does not answer.
        """
        return await self._opened.ask(question)

    async def write(self, change: Change[Answer]) -> Answer:
        """Have a change made that must not be lost, and go on when it is on the disk.

        Raises:
            RelayError: STORE_OFF, STORE_UNAVAILABLE: there is no database, or it has not confirmed it; errors of our
                own that the change raises.
        """
        return await self._opened.write(change)

    @property
    def _opened(self) -> Store:
        if self._store is None:
            raise RelayError(ErrorCode.STORE_OFF, "Nothing is kept: RELAY_DATABASE is off.")
        return self._store

    async def start(self) -> None:
        """Open the database, or go on without it for now.

        Raises:
            ConfigurationError: a newer version of the server wrote it.
        """
        if self._store is not None:
            await self._store.start()
            self._tasks.repeat("sums", SUMMING, self._chronicle.sum_up)

    async def stop(self) -> None:
        """Write what waits, in a few seconds. Idempotent."""
        await self._tasks.close()
        if self._store is not None:
            self._chronicle.sum_up()
            await self._store.stop()
