"""`relay serve` that breaks in earnest: SIGUSR1 takes its UDP sockets away, SIGUSR2 the poll of its TCP connections.

Their descriptors lead to nothing from then on, under the threads that use them.
"""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from relay import app, cli
from relay.app import Orders, Relay
from relay.config.settings import Settings

serve = app.serve


def _replace(is_meant: Callable[[int], bool]) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    for entry in list(Path("/proc/self/fd").iterdir()):
        if is_meant(int(entry.name)):
            os.dup2(nothing, int(entry.name))
    os.close(nothing)


def _is_udp(descriptor: int) -> bool:
    try:
        with socket.socket(fileno=os.dup(descriptor)) as copy:
            return copy.type == socket.SOCK_DGRAM
    except OSError:
        return False


def _is_poll(descriptor: int) -> bool:
    own = asyncio.get_running_loop()._selector.fileno()  # type: ignore[attr-defined]
    return descriptor != own and "eventpoll" in os.path.realpath(f"/proc/self/fd/{descriptor}")


async def _serve(settings: Settings, orders: Orders, serving: Callable[[Relay], None]) -> Any:
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, _replace, _is_udp)
    loop.add_signal_handler(signal.SIGUSR2, _replace, _is_poll)
    await serve(settings, orders, serving)


if __name__ == "__main__":
    app.serve = _serve
    sys.exit(cli.main())
