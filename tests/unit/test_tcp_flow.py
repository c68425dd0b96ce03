"""A connection that media is sent on, when its other end does not take what it is sent."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from relay.observe.drops import Drop, Drops
from relay.transport.framing import frame
from relay.transport.tcp import LARGEST_BACKLOG, MEDIA_BACKLOG, TcpFlow

PREFIX = len(frame(b""))
"""Bytes that each datagram takes besides its own."""
PIECE = 1_000
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER, so that closing resets the connection (socket(7))."""


class Clogged(socket.socket):
    """One whose buffers are full, until they are not."""

    takes = 0
    """Bytes that it takes from now on."""

    def send(self, content: bytes, *_: object) -> int:  # type: ignore[override]
        taken = min(self.takes, len(content))
        self.takes -= taken
        if not taken:
            raise BlockingIOError
        return super().send(content[:taken])


@dataclass
class Ends:
    """Both ends of one connection, and what was told of it."""

    flow: TcpFlow
    browser: socket.socket
    accepted: Clogged
    drops: Drops
    closed: list[TcpFlow] = field(default_factory=list)


@pytest.fixture
async def ends() -> AsyncIterator[Ends]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        browser = socket.create_connection(listener.getsockname())
        accepted = Clogged(fileno=listener.accept()[0].detach())
    accepted.setblocking(False)
    drops, closed = Drops(), list[TcpFlow]()
    flow = TcpFlow(accepted, drops, lambda flow, datagram: None, closed.append)
    yield Ends(flow, browser, accepted, drops, closed)
    flow.close()
    browser.close()


def fill(ends: Ends, most: int) -> None:
    """Have so many bytes wait, to the byte."""
    left = most
    while left > 2 * PIECE:
        ends.flow.send(bytes(PIECE - PREFIX), is_media=False)
        left -= PIECE
    ends.flow.send(bytes(left - PREFIX), is_media=False)


async def test_a_connection_that_takes_nothing_more_is_closed_and_told_of_once(ends: Ends) -> None:
    ends.accepted.takes = LARGEST_BACKLOG
    ends.browser.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    ends.browser.close()
    ends.flow.send(b"into a connection that was reset", is_media=False)
    assert ends.closed == [ends.flow]
    assert ends.accepted.fileno() == -1
    ends.flow.send(b"and after it", is_media=False)
    assert ends.drops[Drop.SEND_FAILED] == 1
    await asyncio.sleep(0)
    assert ends.closed == [ends.flow]


async def test_media_is_dropped_from_the_byte_on_that_does_not_fit(ends: Ends) -> None:
    fill(ends, MEDIA_BACKLOG - PIECE)
    ends.flow.send(bytes(PIECE + 1), is_media=True)
    assert ends.drops[Drop.TCP_BACKLOG] == 1
    ends.flow.send(bytes(PIECE), is_media=True)
    assert ends.drops[Drop.TCP_BACKLOG] == 1
    ends.flow.send(b"", is_media=True)
    assert ends.drops[Drop.TCP_BACKLOG] == 2
    assert ends.closed == []


async def test_a_reader_who_leaves_everything_is_cut_off_at_the_byte_that_does_not_fit(ends: Ends) -> None:
    fill(ends, LARGEST_BACKLOG - PIECE)
    ends.flow.send(bytes(PIECE), is_media=False)
    assert (ends.closed, ends.drops[Drop.TCP_STUCK]) == ([], 0)
    ends.flow.send(b"", is_media=False)
    assert (ends.closed, ends.drops[Drop.TCP_STUCK]) == ([ends.flow], 1)


async def test_what_had_to_wait_is_sent_once_there_is_room_and_then_nothing_is_watched(ends: Ends) -> None:
    ends.flow.send(b"first", is_media=True)
    ends.flow.send(b"second", is_media=True)
    ends.accepted.takes = LARGEST_BACKLOG
    expected = frame(b"first") + frame(b"second")
    loop = asyncio.get_running_loop()
    ends.browser.setblocking(False)
    received = b""
    async with asyncio.timeout(5):
        while len(received) < len(expected):
            received += await loop.sock_recv(ends.browser, 100)
    assert received == expected
    await asyncio.sleep(0)
    assert not loop.remove_writer(ends.accepted), "it would be woken for nothing, again and again"


async def test_a_connection_that_is_closed_with_something_left_is_not_watched(ends: Ends) -> None:
    ends.flow.send(b"never read", is_media=True)
    number = ends.accepted.fileno()
    ends.flow.close()
    loop = asyncio.get_running_loop()
    assert (loop.remove_reader(number), loop.remove_writer(number)) == (False, False)
    assert ends.closed == [], "who closes knows"
