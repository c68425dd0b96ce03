"""The store's thread: opens the database, writes what waits, removes what is old, and tries again when it can't. It
answers who asks, beside that, and makes changes that somebody waits for before anything else.

It has an event loop and connections of its own: a loop that also writes is late by tens of milliseconds, and people
would feel it.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from typing import Any, Protocol, TypeVar

from sqlalchemy import URL
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from relay import clock
from relay.errors import ConfigurationError
from relay.store.database import changing, make_folder, migrate, open_engine
from relay.store.facts import Fact, new_key
from relay.store.writing import Keep, remove_old, write

BATCH = 500
"""Facts in one transaction."""
GATHERING = 0.25
"""Seconds in which a batch comes together."""
RETRY = (1.0, 30.0)
"""Seconds after which a database that was away is tried again: at first, and at last."""
CLEANING = 3_600.0
"""Seconds between two times that old rows are removed."""
BREATH = 0.05
"""Seconds between two steps of it, in which others get to write."""
DISMISSING = 1.0
"""Seconds that an end waits for those who ask, once it has told them that they get no answer."""

Answer = TypeVar("Answer")
Question = Callable[[AsyncConnection], Coroutine[Any, Any, Answer]]
"""Asked of the database in the thread."""
Change = Callable[[AsyncConnection], Coroutine[Any, Any, Answer]]
"""Made in the thread, in a transaction of its own. If it raises, nothing of it was done.

It may be made twice: who was not told that it is done tries again. So it gives what it adds a key that the second
time has too.
"""


class Listener(Protocol):
    """Told from the thread what becomes of the database."""

    def opened(self) -> None:
        """It has taken something, for the first time or again."""

    def went_away(self, cause: Exception) -> None:
        """It has not. It is tried again."""

    def unusable(self, cause: ConfigurationError) -> None:
        """It never will. The thread ends."""


class Writer:
    """Everything but what `__init__`, `wake`, `ask`, `make` and `stop` do happens in its thread, which calls `run`."""

    def __init__(self, *, url: URL, node: str, keep: Keep, waiting: "deque[Fact]", listener: Listener) -> None:
        """Takes facts out of `waiting` at its left."""
        self._url = url
        self._node = node
        self._keep = keep
        self._waiting = waiting
        self._listener = listener
        self._run = new_key()
        self.written = 0
        """Facts, so far."""
        self.refused = 0
        """Facts that the database will never take."""
        self._engine = open_engine(url)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._asking = asyncio.Lock()
        """One question at a time: there are two connections, and one of them is for writing."""
        self._writing = asyncio.Lock()
        """One transaction that writes at a time. Who has waited longest is next, so a batch of facts is the most that a
        change waits for, with the changes before it."""
        self._questions: set[asyncio.Task[Any]] = set()
        self._changes: set[Future[Any]] = set()
        """From when they are handed over: one that has not begun when the end comes is made, too."""
        self._wake = asyncio.Event()
        self._stopping = False
        self._is_away = True

    def wake(self) -> None:
        """There is something to write. From any thread."""
        loop = self._loop
        if loop is not None:
            loop.call_soon_threadsafe(self._wake.set)

    def ask(self, question: Question[Answer]) -> Future[Answer]:
        """Have it answered when those before it are. From any thread, while this one runs.

        Whoever wants no answer any more cancels it.
        """
        if self._loop is None:
            raise RuntimeError("nobody is there to answer")
        return asyncio.run_coroutine_threadsafe(self._answer(question), self._loop)

    def make(self, change: Change[Answer]) -> Future[Answer]:
        """Have it made when those before it are. From any thread, while this one runs.

        A caller that gives up waiting cancels it: then it is not made, unless it just was.
        """
        if self._loop is None:
            raise RuntimeError("nobody is there to write")
        made = asyncio.run_coroutine_threadsafe(self._make(change), self._loop)
        self._changes.add(made)
        made.add_done_callback(self._changes.discard)
        return made

    def stop(self) -> None:
        """Write what waits, and end; if the database is away, end. From any thread."""
        self._stopping = True
        self.wake()

    def run(self) -> None:
        """Until `stop`, or until the database turns out to be of no use."""
        asyncio.run(self._work())

    async def _work(self) -> None:
        self._loop = asyncio.get_running_loop()
        engine = self._engine
        try:
            await self._insist(lambda: self._open(engine))
            cleaned = -CLEANING
            while not self._stopping or self._waiting:
                if clock.monotonic() - cleaned >= CLEANING and not self._stopping:
                    cleaned = clock.monotonic()
                    await self._insist(lambda: self._clean(engine))
                # Looked at once: a fact may come at any moment.
                is_idle = not self._waiting
                await self._pause(CLEANING if is_idle else GATHERING, early=is_idle)
                await self._insist(lambda: self._write(engine))
                if self._is_away and self._stopping:
                    return
        except ConfigurationError as cause:
            self._listener.unusable(cause)
        finally:
            self._loop = None
            await self._dismiss()
            await engine.dispose()
            # A connection that was given up in the middle of something has a thread, which says here that it ends.
            await asyncio.sleep(BREATH)

    async def _insist(self, step: Callable[[], Awaitable[None]]) -> None:
        """Take a step until the database lets us, or it is time to stop."""
        delay, longest = RETRY
        while True:
            try:
                await step()
            except ConfigurationError:
                raise
            except Exception as cause:
                # Drivers, the system and SQLAlchemy each have their own errors for a database that is away. Whatever
                # it is, people go on talking.
                self._is_away = True
                self._listener.went_away(cause)
            else:
                if self._is_away:
                    self._is_away = False
                    self._listener.opened()
                return
            if self._stopping:
                return
            await self._pause(delay)
            delay = min(2 * delay, longest)

    async def _pause(self, seconds: float, *, early: bool = False) -> None:
        """Wait; less if it is time to stop, or, `early`, if there is something to write."""
        ends = clock.monotonic() + seconds
        while (left := ends - clock.monotonic()) > 0:
            self._wake.clear()
            if self._stopping or (early and self._waiting):
                return
            try:
                await asyncio.wait_for(self._wake.wait(), left)
            except TimeoutError:
                return

    async def _answer(self, question: Question[Answer]) -> Answer:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("this is no task")
        self._questions.add(task)
        try:
            async with self._asking, self._engine.connect() as connection:
                return await question(connection)
        finally:
            self._questions.discard(task)

    async def _make(self, change: Change[Answer]) -> Answer:
        async with self._writing, changing(self._engine) as connection:
            return await change(connection)

    async def _dismiss(self) -> None:
        """Those who ask get no answer any more. Changes are made still, if that takes no time."""
        questions = set(self._questions)
        for task in questions:
            task.cancel()
        changes = set(self._changes)
        if left := questions | {asyncio.wrap_future(made) for made in changes}:
            await asyncio.wait(left, timeout=DISMISSING)
        for made in changes:
            made.cancel()

    async def _open(self, engine: AsyncEngine) -> None:
        make_folder(self._url)
        await migrate(engine)

    async def _write(self, engine: AsyncEngine) -> None:
        """One batch. What could not be written waits again, before what has come since."""
        batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
        try:
            await self._commit(engine, batch)
        except (IntegrityError, DataError):
            await self._write_singly(engine, batch)
        except BaseException:
            self._waiting.extendleft(reversed(batch))
            raise
        else:
            self.written += len(batch)

    async def _write_singly(self, engine: AsyncEngine, batch: list[Fact]) -> None:
        """Something in it is not as the database wants it: that alone is given up."""
        while batch:
            fact = batch.pop(0)
            try:
                await self._commit(engine, [fact])
            except (IntegrityError, DataError):
                self.refused += 1
            except BaseException:
                self._waiting.extendleft(reversed([fact, *batch]))
                raise
            else:
                self.written += 1

    async def _commit(self, engine: AsyncEngine, batch: list[Fact]) -> None:
        async with self._writing, engine.begin() as connection:
            await write(connection, self._node, self._run, batch)

    async def _clean(self, engine: AsyncEngine) -> None:
        while not self._stopping:
            async with self._writing, engine.begin() as connection:
                removed = await remove_old(connection, int(clock.unix()), self._keep)
            if removed == 0:
                return
            await self._pause(BREATH)
