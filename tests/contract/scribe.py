"""Writes visits and conversations as fast as a database takes them, until it is killed. For `test_store.py`."""

import asyncio
import sys

from relay import clock
from relay.store import writer
from relay.store.facts import new_key
from tests.kit.stores import room, storing, visit

AHEAD = 2 * writer.BATCH
"""Facts that wait, so that there is always another batch."""


async def main(database: str) -> None:
    """Says so on standard output when the first batch is written."""
    writer.GATHERING = 0
    now = int(clock.unix())
    async with storing(database) as store:
        is_told = False
        while True:
            while store.figures.waiting < AHEAD:
                ann, bob = new_key(), new_key()
                for fact in (visit(ann, now), visit(bob, now), room(ann, bob, ended_at=now)):
                    store.note(fact)
            if store.figures.written and not is_told:
                is_told = True
                print("it writes", flush=True)
            await asyncio.sleep(0)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
