"""A relay with a mistake: one of its tasks raises a while after the start. For `fire.py`."""

import asyncio
import sys

from relay import app, cli


class MistakeError(Exception):
    """On purpose."""


async def fail() -> None:
    await asyncio.sleep(10)
    raise MistakeError


class FaultyRelay(app.Relay):
    async def start(self) -> None:
        await super().start()
        self._pulse._tasks.start("mistake", fail())


if __name__ == "__main__":
    app.Relay = FaultyRelay  # type: ignore[misc]
    sys.exit(cli.main())
