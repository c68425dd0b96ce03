"""The TCP port, where the system has no connection to give."""

import asyncio
import errno
import os
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from relay.front import mux as mux_module
from relay.front.first_bytes import Kind, Opening
from relay.front.mux import Arrival, TcpMux
from relay.ledger.turns import Turns
from relay.observe.drops import Drops
from relay.observe.happenings import ConnectionTaken, KeptOut
from relay.observe.journal import Journal
from relay.observe.reasons import Reason
from tests.kit.noted import Noted
from tests.kit.payers import UNMETERED
from tests.kit.ports import free_port

PATIENCE = 5.0
REQUEST = b"GET / HTTP/1.1\r\n"


class Short(socket.socket):
    """A listener whose next calls fail, in this order."""

    failures: list[int]

    def accept(self) -> Any:
        if self.failures:
            number = self.failures.pop(0)
            raise OSError(number, os.strerror(number))
        return super().accept()


class Port:
    """An open port. It hands on what speaks HTTP."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.noted = Noted()
        self.taken: asyncio.Queue[Arrival] = asyncio.Queue()
        self.failures: list[int] = []
        self._listen = mux_module._listen
        self._turns = Turns()
        self._mux = TcpMux({Kind.HTTP: self._take}, UNMETERED, self._turns, Drops(), Journal(self.noted))
        monkeypatch.setattr(mux_module, "_listen", self._short)
        self.number = free_port()
        self._mux.open(("127.0.0.1",), self.number, "web")

    def close(self) -> None:
        self._mux.close()
        self._turns.close()
        while not self.taken.empty():
            self.taken.get_nowait().connection.close()

    def _short(self, host: str, port: int) -> socket.socket:
        listener = Short(fileno=self._listen(host, port).detach())
        listener.setblocking(False)
        listener.failures = self.failures
        return listener

    def _take(self, arrival: Arrival, opening: Opening) -> None:
        self.taken.put_nowait(arrival)


@pytest.fixture
async def port(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Port]:
    opened = Port(monkeypatch)
    yield opened
    opened.close()


async def served(port: Port) -> None:
    """Somebody comes, and is handed on."""
    with socket.create_connection(("127.0.0.1", port.number)) as browser:
        browser.sendall(REQUEST)
        async with asyncio.timeout(PATIENCE):
            arrival = await port.taken.get()
        assert arrival.connection.recv(100) == REQUEST
        arrival.connection.close()


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
async def test_a_lack_of_descriptors_is_noted_and_whom_it_kept_out_is_served_after_a_pause(
    port: Port, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(mux_module, "EXHAUSTED_PAUSE", 0.01)
    port.failures += [number, number]
    await served(port)
    kept_out = KeptOut(reason=Reason.DESCRIPTORS, cause="accept", fields={"says": os.strerror(number)})
    assert port.noted.happened == [kept_out, kept_out, TAKEN]


async def test_while_it_lasts_nothing_is_tried_again_and_again(port: Port, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mux_module, "EXHAUSTED_PAUSE", 10 * PATIENCE)
    port.failures += [errno.EMFILE] * 100
    with socket.create_connection(("127.0.0.1", port.number)):
        async with asyncio.timeout(PATIENCE):
            while not port.noted.happened:  # noqa: ASYNC110 - nobody is told
                await asyncio.sleep(0.001)
        for _ in range(100):
            await asyncio.sleep(0)
    assert len(port.noted.happened) == 1


async def test_a_connection_that_ended_before_it_was_taken_keeps_nobody_out(
    port: Port, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mux_module, "EXHAUSTED_PAUSE", 10 * PATIENCE)
    port.failures += [errno.ECONNABORTED]
    await served(port)
    assert port.noted.happened == [TAKEN]


async def test_what_is_handed_on_is_watched_by_nobody(port: Port) -> None:
    loop = asyncio.get_running_loop()
    _, writer = await asyncio.open_connection("127.0.0.1", port.number)
    await asyncio.sleep(0.05)  # nothing is said at first
    writer.write(REQUEST)
    async with asyncio.timeout(PATIENCE):
        arrival = await port.taken.get()
    assert not loop.remove_reader(arrival.connection.fileno())
    arrival.connection.close()
    writer.close()


TAKEN = ConnectionTaken(kind="http", source="127.0.0.1", name=None)
"""Is noted of each that is handed on."""
