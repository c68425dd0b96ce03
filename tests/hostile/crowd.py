"""Connections of many addresses that fill a table of the server, in the test's own process."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from relay.app import Relay
from tests.bench.attack.field import RESET
from tests.kit.people import PATIENCE
from tests.kit.wire import status_of

NEWCOMER, WITNESS = "127.0.9.7", "127.0.9.9"
"""Addresses of people who have nothing to do with the crowd."""
QUESTION = b"GET /videochat/health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@contextmanager
def crowd(port: int, sources: Sequence[str], count: int, content: bytes = b"") -> Iterator[list[socket.socket]]:
    """So many connections, from these addresses in turn; each has said `content`, and then says nothing."""
    with contextlib.ExitStack() as stack:
        members = []
        for number in range(count):
            member = stack.enter_context(socket.socket())
            member.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            member.bind((sources[number % len(sources)], 0))
            # The system takes it for the server, which has its turn later: fewer than fit into its queue.
            member.connect(("127.0.0.1", port))
            member.setblocking(False)
            with contextlib.suppress(ConnectionError):
                member.send(content)
            members.append(member)
        yield members


async def is_noticed(port: int) -> None:
    """Wait until the server has taken every connection that was made so far: they are taken in order."""
    assert await status_of(port, QUESTION, WITNESS) == 200


async def hear(member: socket.socket, *texts: bytes) -> bytes:
    """What the server says up to the first of these texts, or all of it if it closes."""
    loop = asyncio.get_running_loop()
    heard = b""
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(PATIENCE):
            while not any(text in heard for text in texts) and (piece := await loop.sock_recv(member, 65_536)):
                heard += piece
    return heard


def url(relay: Relay) -> str:
    scheme = "http" if relay.settings.https.tls is None else "https"
    return f"{scheme}://127.0.0.1:{relay.port}/"
