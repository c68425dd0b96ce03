"""`relay serve` that notes each garbage collection, and tells them on SIGUSR1.

`COLLECTIONS` names the file, and `COLLECTS=python` leaves it to Python when everything is looked at.
"""

import asyncio
import gc
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from relay import app, cli
from relay.app import Orders, Relay
from relay.config.settings import Settings
from relay.machine.collection import Collection

serve = app.serve
PYTHON = gc.get_threshold()


class Ledger:
    """CPU seconds of each collection, by generation."""

    def __init__(self) -> None:
        self.seconds: dict[int, list[float]] = {0: [], 1: [], 2: []}
        self.collected = 0
        self._began = 0.0

    def note(self, phase: str, info: dict[str, int]) -> None:
        """For `gc.callbacks`."""
        if phase == "start":
            self._began = time.thread_time()
        else:
            self.seconds[info["generation"]].append(time.thread_time() - self._began)
            self.collected += info["collected"]

    def tell(self) -> None:
        """Write what there was, and begin anew."""
        told = {"seconds": self.seconds, "collected": self.collected}
        target = Path(os.environ["COLLECTIONS"])
        target.with_suffix(".new").write_text(json.dumps(told))
        target.with_suffix(".new").rename(target)
        self.seconds, self.collected = {0: [], 1: [], 2: []}, 0


async def _serve(settings: Settings, orders: Orders, serving: Callable[[Relay], None]) -> None:
    ledger = Ledger()
    gc.callbacks.append(ledger.note)
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, ledger.tell)

    def as_told(relay: Relay) -> None:
        if os.environ["COLLECTS"] == "python":
            gc.set_threshold(*PYTHON)
            Collection.is_due = lambda *_: False  # type: ignore[method-assign]
        serving(relay)

    await serve(settings, orders, as_told)


if __name__ == "__main__":
    app.serve = _serve
    sys.exit(cli.main())
