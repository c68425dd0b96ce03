"""Who lays a siege: a process of its own for each, which is told when to begin and says in the end what it came to."""

import multiprocessing
import os
import resource
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection as Pipe
from typing import Generic, TypeVar

from tests.bench.attack.field import Field, Siege, Toll

SPAWNED = multiprocessing.get_context("spawn")
"""Not forked: an attacker has no business with the sockets of those who look on."""

STARTING = 60.0
"""Seconds that a process may take to begin, on a busy machine."""


Result = TypeVar("Result")


class Apart(Generic[Result]):
    """A process of its own. `target` gets the arguments and a pipe: it sends None when it is ready, waits for None,
    and sends what came of it in the end."""

    def __init__(self, target: Callable[..., None], *arguments: object) -> None:
        self._ours, theirs = SPAWNED.Pipe()
        self._process = SPAWNED.Process(target=target, args=(*arguments, theirs), daemon=True)
        self._process.start()

    def wait_for_start(self) -> None:
        assert self._ours.poll(STARTING)
        self._ours.recv()

    def begin(self) -> None:
        self._ours.send(None)

    def result(self) -> Result:
        """Waits for the end."""
        result: Result = self._ours.recv()
        return result

    def close(self) -> None:
        self._process.terminate()
        self._process.join()


@contextmanager
def besieger(siege: Siege, port: int, addresses: Sequence[str], seconds: float) -> Iterator[Apart[Toll]]:
    """One that waits to begin."""
    running: Apart[Toll] = Apart(_besiege, siege, port, tuple(addresses), seconds)
    try:
        running.wait_for_start()
        yield running
    finally:
        running.close()


def addresses(count: int) -> list[str]:
    """So many, of which none is anybody else's."""
    return [f"127.0.{1 + number // 200}.{1 + number % 200}" for number in range(count)]


def _besiege(siege: Siege, port: int, sources: Sequence[str], seconds: float, pipe: Pipe) -> None:
    os.nice(5)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    field = Field(siege, port, sources)
    pipe.send(None)
    pipe.recv()
    pipe.send(field.hold(seconds))
