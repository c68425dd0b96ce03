"""Somebody who notes what staff did, on a database of the test's own."""

import datetime
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import select

from relay.auth import inspection, keys
from relay.auth.audit import Audit
from relay.config.settings import Settings
from relay.observe.journal import Journal
from relay.observe.tally import Tally
from relay.store.records import DAY, Records
from relay.store.tables import audit as entries

ALL = select(entries.c.n, entries.c.who, entries.c.what, entries.c.subject, entries.c.detail).order_by(entries.c.n)


class Noting:
    """A server's part that notes, on a database of the test's."""

    def __init__(self, database: str, folder: Path) -> None:
        self.settings = Settings.of(database=database, state_dir=str(folder))
        self.tally = Tally()
        self.records = Records(self.settings.state, lambda happening: None, _fail)
        self.keys = keys.kept(folder, datetime.date(2026, 1, 1))
        self.audit = Audit(
            records=self.records,
            keys=self.keys,
            keep=self.settings.state.keep_audit * DAY,
            journal=Journal(self.tally),
            report=_fail,
        )

    def verify(self) -> inspection.Verdict:
        return inspection.verify(self.settings, file=None, key=None)


def _fail(task: str, failure: BaseException) -> None:
    raise AssertionError(task) from failure


@asynccontextmanager
async def noting(database: str, folder: Path) -> AsyncIterator[Noting]:
    one = Noting(database, folder)
    await one.records.start()
    try:
        yield one
    finally:
        await one.audit.close()
        await one.records.stop()
