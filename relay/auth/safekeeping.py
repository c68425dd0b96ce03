"""Where this server's keys come from, and that they take turns while it runs."""

import asyncio
import datetime
from pathlib import Path

from relay.auth import keys
from relay.auth.keys import Keys
from relay.config.settings import Settings
from relay.errors import ConfigurationError
from relay.observe.logs.logging import get_logger
from relay.observe.once import Once
from relay.store.database import OFF
from relay.tasks import Report, Tasks

LOOK_INTERVAL = 60.0
"""Seconds between two looks at the file."""

REMEDY = "let the server write in RELAY_STATE_DIR, or set RELAY_KEYS_FILE; until then a restart asks everybody to agree"

log = get_logger("keys")


class Safekeeping:
    """Owns the keys of one server."""

    def __init__(self, settings: Settings, report: Report) -> None:
        """
        Raises:
            ConfigurationError: the keys can't be read or made.
        """
        self.keys = _find(settings)
        self._tasks = Tasks("safekeeping", report)
        self._told = Once()

    def start(self) -> None:
        """Look at the file now and from time to time."""
        self._tasks.start("keys", self._look_after())

    async def close(self) -> None:
        """Idempotent."""
        await self._tasks.close()

    async def _look_after(self) -> None:
        while True:
            try:
                # It is read and written in a thread: the disk may take its time.
                await asyncio.to_thread(self.keys.look_again, today())
            except (ConfigurationError, OSError) as cause:
                if self._told.is_new(str(cause)):
                    log.warning("keys_not_kept", cause=str(cause), remedy=REMEDY)
            await asyncio.sleep(LOOK_INTERVAL)


def _find(settings: Settings) -> Keys:
    if settings.consent.keys_file is not None:
        return keys.given(Path(settings.consent.keys_file))
    if settings.consent.is_required or settings.state.database != OFF:
        folder = settings.state.folder
        try:
            return keys.kept(folder, today())
        except OSError as cause:
            # People meet all the same. `look_again` keeps them as soon as that is possible.
            log.warning("keys_not_kept", cause=str(cause), remedy=REMEDY)
            return Keys.temporary(folder / keys.FILE, today())
    # Nothing that lasts is signed or named here.
    return Keys.temporary()


def today() -> datetime.date:
    """By which keys take turns, in UTC."""
    return datetime.datetime.now(datetime.UTC).date()
