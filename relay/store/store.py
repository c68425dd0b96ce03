"""What lasts, as the rest of the server sees it: facts are noted, and nobody waits until they are written. Who asks the
database waits for a few seconds at most. What must not be lost is written while the caller waits, and is on the
disk when they go on.

What waits is bounded; what finds no room is dropped and counted. While the database is away facts wait and it is
tried again (`writer.py`): calls, pairing and chat know nothing of it.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import URL

from relay.errors import ConfigurationError, ErrorCode, RelayError
from relay.observe.happenings import Happening, StoreAway, StoreOpened
from relay.observe.logs.logging import get_logger
from relay.store.database import in_words
from relay.store.facts import Fact
from relay.store.writer import Answer, Change, Question, Writer
from relay.store.writing import Keep

MOST_WAITING = 20_000
"""Facts: what a few thousand people do in some minutes."""
OPENING = 10.0
"""Seconds that a start waits for the database. After that the server takes people without it."""
STOPPING = 3.0
"""Seconds that an end waits until everything is written."""
ANSWERING = 5.0
"""Seconds that the database has for an answer, with the questions before it."""
CONFIRMING = 2.0
"""Seconds that the database has for a change, with what is written before it."""
MOST_CHANGES = 200
"""That wait at a time. A person waits for each."""

log = get_logger("store")


class StoreState(StrEnum):
    """How the database is."""

    OFF = "off"
    """There is to be none."""
    OPEN = "open"
    AWAY = "away"
    """It was not opened yet, or it did not take the latest batch."""


@dataclass(frozen=True, slots=True)
class StoreFigures:
    """Since start, but for `state` and `waiting`."""

    state: StoreState = StoreState.OFF
    waiting: int = 0
    """Facts that are not written yet."""
    written: int = 0
    dropped: int = 0
    """Facts that are never written: they found no room, or the database takes no such thing."""
    confirmed: int = 0
    """Changes that were made while somebody waited."""
    refused: int = 0
    """Those that were not, and the caller was told."""


class Store:
    """One instance per process. Its methods belong to the server's event loop."""

    def __init__(self, *, url: URL, node: str, keep: Keep, tell: Callable[[Happening], None]) -> None:
        """`tell` is called on the server's event loop when the database goes away or comes back."""
        self._tell = tell
        self._waiting: deque[Fact] = deque()
        self._writer = Writer(url=url, node=node, keep=keep, waiting=self._waiting, listener=self)
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._settled: asyncio.Future[None] | None = None
        """Done when the database was tried for the first time."""
        self._state = StoreState.AWAY
        self._dropped = 0
        self._changes = 0
        """That somebody waits for now."""
        self._confirmed = 0
        self._refused = 0

    @property
    def figures(self) -> StoreFigures:
        dropped = self._dropped + self._writer.refused
        return StoreFigures(
            state=self._state,
            waiting=len(self._waiting),
            written=self._writer.written,
            dropped=dropped,
            confirmed=self._confirmed,
            refused=self._refused,
        )

    async def start(self) -> None:
        """Open the database and bring its tables to this version. If it is away it is tried again later.

        Raises:
            ConfigurationError: a newer version wrote it.
        """
        self._loop = asyncio.get_running_loop()
        self._settled = self._loop.create_future()
        self._thread = threading.Thread(target=self._writer.run, name="store", daemon=True)
        self._thread.start()
        done, _ = await asyncio.wait([self._settled], timeout=OPENING)
        if done:
            self._settled.result()
        else:
            self._change(StoreState.AWAY, f"it has not answered for {OPENING:.0f} s")

    def note(self, fact: Fact) -> None:
        """Have it written soon."""
        if len(self._waiting) >= MOST_WAITING:
            self._dropped += 1
            return
        self._waiting.append(fact)
        if len(self._waiting) == 1:
            self._writer.wake()

    async def ask(self, question: Question[Answer]) -> Answer:
        """Have the database answer. The event loop does other things meanwhile.

        Raises:
            RelayError: it is away, or does not answer in `ANSWERING` seconds.
        """
        if self._thread is None or self._state is not StoreState.OPEN:
            raise RelayError(ErrorCode.STORE_AWAY, "The database is away. The log says why.")
        answer = asyncio.wrap_future(self._writer.ask(question))
        try:
            await asyncio.wait([answer], timeout=ANSWERING)
        finally:
            answer.cancel()
        if answer.cancelled():
            log.warning("store_silent", seconds=ANSWERING)
            raise RelayError(ErrorCode.STORE_AWAY, "The database did not answer in time.")
        failure = answer.exception()
        if isinstance(failure, Exception):
            log.warning("store_answered_nothing", cause=in_words(failure))
            raise RelayError(ErrorCode.STORE_AWAY, "The database did not answer. The log says why.") from failure
        return answer.result()

    async def write(self, change: Change[Answer]) -> Answer:
        """Have a change made, before the facts that wait, and go on when it is on the disk. Errors of our own that it
        raises come through, and nothing of it was done.

        Raises:
            RelayError: STORE_UNAVAILABLE: it was not made in `CONFIRMING` seconds, or nobody knows whether it was.
        """
        if self._thread is None or self._state is not StoreState.OPEN:
            raise self._unwritten("The database is away: nothing was kept of this. Try again in a moment.")
        if self._changes >= MOST_CHANGES:
            raise self._unwritten("Too many wait for the database: nothing was kept of this. Try again in a moment.")
        self._changes += 1
        made = asyncio.wrap_future(self._writer.make(change))
        # Of who is called off meanwhile it is made all the same: half of the way there is nothing to be gained.
        made.add_done_callback(_pass_over)
        try:
            await asyncio.wait([made], timeout=CONFIRMING)
        finally:
            self._changes -= 1
        if not made.done():
            made.cancel()
        if made.cancelled():
            log.warning("store_silent", seconds=CONFIRMING)
            raise self._unwritten("The database did not say in time that this is kept. Try again in a moment.")
        failure = made.exception()
        if isinstance(failure, RelayError):
            raise failure
        if isinstance(failure, Exception):
            log.warning("store_wrote_nothing", cause=in_words(failure))
            raise self._unwritten("The database did not keep this. Try again in a moment.") from failure
        self._confirmed += 1
        return made.result()

    def _unwritten(self, sentence: str) -> RelayError:
        self._refused += 1
        return RelayError(ErrorCode.STORE_UNAVAILABLE, sentence, retry_after=CONFIRMING)

    async def stop(self) -> None:
        """Write what waits, if that can be done in `STOPPING` seconds. Idempotent."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._writer.stop()
        await asyncio.to_thread(thread.join, STOPPING)
        self._loop = None
        self._dropped += len(self._waiting)

    # What the writer tells, from its thread.

    def opened(self) -> None:
        self._hand_over(lambda: self._change(StoreState.OPEN, ""))

    def went_away(self, cause: Exception) -> None:
        self._hand_over(lambda: self._change(StoreState.AWAY, in_words(cause)))

    def unusable(self, cause: ConfigurationError) -> None:
        self._hand_over(lambda: self._give_up(cause))

    def _hand_over(self, step: Callable[[], None]) -> None:
        loop = self._loop
        if loop is not None:
            loop.call_soon_threadsafe(step)

    def _change(self, state: StoreState, cause: str) -> None:
        was_settled = self._settle(None)
        if state is self._state and was_settled:
            return
        self._state = state
        self._tell(StoreOpened() if state is StoreState.OPEN else StoreAway(cause=cause))

    def _give_up(self, cause: ConfigurationError) -> None:
        if self._settle(cause):
            # It was away at the start; nobody waits for the answer any more.
            self._state = StoreState.AWAY
            self._tell(StoreAway(cause=str(cause)))

    def _settle(self, failure: ConfigurationError | None) -> bool:
        """Whether that had been done."""
        settled = self._settled
        if settled is None or settled.done():
            return True
        if failure is None:
            settled.set_result(None)
        else:
            settled.set_exception(failure)
        return False


def _pass_over(made: "asyncio.Future[Any]") -> None:
    """Nobody may be there any more to hear of a failure."""
    if not made.cancelled():
        made.exception()
