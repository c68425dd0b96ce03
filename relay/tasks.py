"""Owns every asyncio task: the only file that may start a bare one.

A task has a name and an owner. The owner keeps a `Tasks`, starts its tasks there and closes it in
its own `close()`: all are cancelled, then awaited, so nothing outlives its owner. A task that
fails is reported once, at once, and does not take its siblings with it.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

CLOSE_TIMEOUT = 5.0
"""Seconds that `close()` waits for cancelled tasks before it gives up on them."""

Report = Callable[[str, BaseException], None]


class Tasks:
    """The tasks of one owner.

    `report` is called with a task's name and its exception when one fails; it must not raise.
    """

    def __init__(self, owner: str, report: Report) -> None:
        self._owner = owner
        self._report = report
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closed = False

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, name: str, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run `work` until it ends or `close()` cancels it."""
        if self._closed:
            work.close()
            raise RuntimeError(f"{self._owner} is closed, so {name} can't be started")
        task = asyncio.get_running_loop().create_task(work, name=f"{self._owner}: {name}")
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def repeat(self, name: str, seconds: float, step: Callable[[], None]) -> asyncio.Task[Any]:
        """Take a step at intervals until `close()`. One that fails is reported, and does not keep the next from being
        taken."""
        return self.start(name, self._repeat(name, seconds, step))

    async def _repeat(self, name: str, seconds: float, step: Callable[[], None]) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                step()
            except Exception as failure:
                self._report(f"{self._owner}: {name}", failure)

    async def finish(self) -> None:
        """Start nothing more and let what runs end by itself, `CLOSE_TIMEOUT` seconds at most; then close."""
        self._closed = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSE_TIMEOUT)
        await self.close()

    async def close(self) -> None:
        """Cancel everything and wait for it to end, `CLOSE_TIMEOUT` seconds at most. Idempotent."""
        self._closed = True
        current = asyncio.current_task()
        pending = [task for task in self._tasks if task is not current]
        for task in pending:
            task.cancel()
        if pending:
            await asyncio.wait(pending, timeout=CLOSE_TIMEOUT)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (failure := task.exception()) is not None:
            self._report(task.get_name(), failure)
