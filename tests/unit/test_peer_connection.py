"""One browser's WebRTC connection, with a DTLS association that takes everything."""

from collections.abc import AsyncIterator
from unittest import mock

import pytest

from relay import clock
from relay.ids import PeerId
from relay.observe.drops import Drop, Drops
from relay.peer.connection import DTLS_PER_SECOND, PeerConnection

HANDSHAKE = b"\x16\xfe\xfd"


def fail(task: str, failure: BaseException) -> None:
    raise AssertionError(task) from failure


@pytest.fixture
def drops() -> Drops:
    return Drops()


@pytest.fixture
def dtls() -> mock.Mock:
    return mock.Mock(feed=mock.Mock(return_value=True), close=mock.AsyncMock())


@pytest.fixture
async def connection(drops: Drops, dtls: mock.Mock) -> AsyncIterator[PeerConnection]:
    certificate = mock.Mock()
    certificate.begin.return_value = dtls
    connection = PeerConnection(
        PeerId(1),
        mock.Mock(),
        mock.Mock(),
        certificate,
        drops,
        fail,
        secured=mock.Mock(),
        failed=mock.Mock(),
    )
    yield connection
    await connection.close()


async def test_only_so_many_datagrams_of_dtls_are_looked_at_within_a_second(
    connection: PeerConnection, dtls: mock.Mock, drops: Drops, monkeypatch: pytest.MonkeyPatch
) -> None:
    for now in (10.0, 11.0):
        monkeypatch.setattr(clock, "monotonic", lambda now=now: now)
        dtls.feed.reset_mock()
        before = drops[Drop.DTLS_BACKLOG]
        for _ in range(DTLS_PER_SECOND):
            connection.dtls_received(HANDSHAKE)
        assert (dtls.feed.call_count, drops[Drop.DTLS_BACKLOG] - before) == (DTLS_PER_SECOND, 0)
        monkeypatch.setattr(clock, "monotonic", lambda now=now: now + 0.99)
        connection.dtls_received(HANDSHAKE)
        assert (dtls.feed.call_count, drops[Drop.DTLS_BACKLOG] - before) == (DTLS_PER_SECOND, 1)
