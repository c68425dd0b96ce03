"""One browser's WebRTC connection, with a DTLS association that takes everything."""

import asyncio
from collections.abc import AsyncIterator
from unittest import mock

import pytest

from relay import clock
from relay.ids import PeerId
from relay.observe.drops import Drop, Drops
from relay.peer.connection import DTLS_PER_SECOND, PeerConnection, PeerState

HANDSHAKE = b"\x16\xfe\xfd"


@pytest.fixture
def drops() -> Drops:
    return Drops()


@pytest.fixture
def dtls() -> mock.Mock:
    return mock.Mock(feed=mock.Mock(return_value=True))


@pytest.fixture
def told() -> mock.Mock:
    """Who is told: `secured` and `failed`."""
    return mock.Mock()


@pytest.fixture
async def connection(drops: Drops, dtls: mock.Mock, told: mock.Mock) -> AsyncIterator[PeerConnection]:
    certificate = mock.Mock()
    certificate.begin.return_value = dtls
    connection = PeerConnection(
        PeerId(1), mock.Mock(), mock.Mock(), certificate, drops, secured=told.secured, failed=told.failed
    )
    yield connection
    connection.close()


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


async def test_the_handshake_begins_with_the_first_path_and_ends_with_keys(
    connection: PeerConnection, dtls: mock.Mock, told: mock.Mock
) -> None:
    connection.flow_selected()
    connection.flow_selected()
    dtls.start.assert_called_once()
    keys = mock.sentinel.keys
    connection.dtls_connected(keys)
    assert connection.state is PeerState.CONNECTED
    connection.dtls_ended()
    assert told.mock_calls == [mock.call.secured(1, keys), mock.call.failed(1, "closed_by_browser")]
    dtls.close.assert_not_called()


async def test_who_never_proves_an_address_is_given_up(
    monkeypatch: pytest.MonkeyPatch, drops: Drops, dtls: mock.Mock, told: mock.Mock
) -> None:
    monkeypatch.setattr("relay.peer.connection.CHECK_TIMEOUT", 0.0)
    certificate = mock.Mock()
    certificate.begin.return_value = dtls
    connection = PeerConnection(PeerId(1), mock.Mock(), mock.Mock(), certificate, drops, told.secured, told.failed)
    await asyncio.sleep(0.01)
    assert told.mock_calls == [mock.call.failed(1, "no_check")]
    connection.flow_selected()
    dtls.start.assert_not_called()
    connection.close()


async def test_a_handshake_that_takes_too_long_is_given_up_and_says_nothing_more(
    connection: PeerConnection, dtls: mock.Mock, told: mock.Mock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relay.peer.connection.HANDSHAKE_TIMEOUT", 0.0)
    connection.flow_selected()
    await asyncio.sleep(0.01)
    assert told.mock_calls == [mock.call.failed(1, "dtls_failed")]
    dtls.close.assert_called_once()


async def test_who_loses_the_path_is_said_goodbye_to_only_at_the_end(
    connection: PeerConnection, dtls: mock.Mock, told: mock.Mock
) -> None:
    connection.flow_selected()
    connection.dtls_connected(mock.sentinel.keys)
    connection.flow_lost()
    dtls.close.assert_not_called()
    connection.close()
    connection.close()
    dtls.close.assert_called_once()
    assert told.failed.mock_calls == [mock.call(1, "consent_expired")]
