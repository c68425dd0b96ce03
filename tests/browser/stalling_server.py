"""`relay serve`, whose event loop stands still for two seconds at each SIGUSR1."""

import asyncio
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

from relay import app, cli
from relay.app import Orders, Relay
from relay.config.settings import Settings

STALL = 2.0
"""Seconds."""

serve = app.serve


async def _serve(settings: Settings, orders: Orders, serving: Callable[[Relay], None]) -> Any:
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, time.sleep, STALL)
    await serve(settings, orders, serving)


if __name__ == "__main__":
    app.serve = _serve
    sys.exit(cli.main())
