"""One visitor's WebSocket, whose other end does not take what it is sent."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from unittest import mock

import pytest
from aiohttp import WSMessage, WSMsgType

from relay import clock
from relay.errors import ErrorCode
from relay.ledger.turns import Turns
from relay.observe.happenings import ConnectionAbandoned
from relay.observe.journal import Journal
from relay.protocol.messages import Ping
from relay.session.outbox import Outbox
from relay.session.sessions import SLOW_READER
from relay.tasks import Tasks
from relay.web import visit as visit_module
from relay.web.visit import UNANSWERED_PINGS, Visit
from tests.kit.noted import Noted
from tests.kit.payers import payer

PATIENCE = 5.0


@dataclass
class Wire:
    """The socket and what lies under it. What is written to it fails, or never ends, if it is told so."""

    failure: Exception | None = None
    hangs: bool = False
    sent: list[str] = field(default_factory=list)
    pings: int = 0
    answers: int = 0
    """How many more pings are answered."""
    said: asyncio.Queue[WSMessage] = field(default_factory=asyncio.Queue)
    closed: list[tuple[int, bytes]] = field(default_factory=list)
    aborted: asyncio.Event = field(default_factory=asyncio.Event)

    async def send_str(self, frame: str) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        if self.failure is not None:
            raise self.failure
        self.sent.append(frame)

    async def ping(self) -> None:
        self.pings += 1
        if self.answers:
            self.answers -= 1
            self.said.put_nowait(WSMessage(WSMsgType.PONG, b"", None))

    async def receive(self) -> WSMessage:
        return await self.said.get()

    async def close(self, *, code: int, message: bytes, drain: bool) -> None:
        self.closed.append((code, message))

    def exception(self) -> BaseException | None:
        return None

    def get_write_buffer_size(self) -> int:
        return 0

    def abort(self) -> None:
        self.aborted.set()
        self.said.put_nowait(WSMessage(WSMsgType.CLOSED, None, None))


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def noted() -> Noted:
    return Noted()


def fail(task: str, failure: BaseException) -> None:
    raise AssertionError(task) from failure


@pytest.fixture
def interval() -> float:
    """Seconds of silence before a ping."""
    return visit_module.PING_INTERVAL


@pytest.fixture
async def visit(wire: Wire, noted: Noted, interval: float, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Visit]:
    """Somebody who is there, and whose session is a mere outbox."""
    monkeypatch.setattr(visit_module, "PING_INTERVAL", interval)
    tasks, turns = Tasks("test", fail), Turns()
    sessions = mock.Mock()
    sessions.open.return_value = mock.Mock(user="ann", outbox=Outbox())
    yield Visit(
        request=mock.Mock(headers={}, transport=wire),
        socket=wire,  # type: ignore[arg-type]  # only what a visit takes
        sessions=sessions,
        reception=mock.Mock(tolerate=mock.Mock(return_value=0.0)),
        payer=payer(),
        tls_host=None,
        has_agreed=True,
        has_account=True,
        turns=turns,
        tasks=tasks,
        journal=Journal(noted),
    )
    await tasks.close()
    turns.close()


async def ended(wire: Wire) -> None:
    async with asyncio.timeout(PATIENCE):
        await wire.aborted.wait()


@pytest.mark.parametrize("interval", [0.005])
async def test_a_reader_who_takes_nothing_is_sent_away_as_too_slow(
    visit: Visit, wire: Wire, noted: Noted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visit_module, "WRITE_TIMEOUT", 0.01)
    wire.hangs = True
    visit.session.outbox.put(Ping())
    await ended(wire)
    assert wire.closed == [(SLOW_READER, ErrorCode.SLOW_READER.encode())]
    assert noted.happened == [], "they were told, so nothing was abandoned"


async def test_a_connection_that_breaks_while_it_is_written_to_is_abandoned(
    visit: Visit, wire: Wire, noted: Noted
) -> None:
    wire.failure = ConnectionResetError()
    visit.session.outbox.put(Ping())
    await ended(wire)
    assert wire.closed == [], "there is nobody left to say goodbye to"
    assert noted.happened == [ConnectionAbandoned(user=visit.session.user)]


@pytest.mark.parametrize("interval", [0.005])
async def test_who_answers_no_ping_is_abandoned_after_so_many(visit: Visit, wire: Wire, noted: Noted) -> None:
    visit.session.outbox.put(Ping())
    await ended(wire)
    assert len(wire.sent) == 1, "from then on there was nothing to say"
    assert wire.pings == UNANSWERED_PINGS
    assert wire.closed == []
    assert noted.happened == [ConnectionAbandoned(user=visit.session.user)]


async def test_what_is_written_puts_off_the_next_ping(
    visit: Visit, wire: Wire, interval: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = clock.monotonic()
    for seconds, pings in ((0.9, 0), (1.8, 0), (1.95, 1)):
        monkeypatch.setattr(clock, "monotonic", lambda now=began + seconds * interval: now)
        if seconds < 1:
            visit.session.outbox.put(Ping())
            while not wire.sent:  # noqa: ASYNC110 - it is sent in one of the next rounds
                await asyncio.sleep(0)
        visit._look()
        await asyncio.sleep(0)
        assert wire.pings == pings


@pytest.mark.parametrize("interval", [0.005])
async def test_pings_are_counted_from_the_last_that_was_answered(visit: Visit, wire: Wire, noted: Noted) -> None:
    wire.answers = answered = 2 * UNANSWERED_PINGS
    async with asyncio.timeout(PATIENCE):
        visit.session.outbox.put(Ping())
        await visit.serve()
    assert wire.pings == answered + UNANSWERED_PINGS
    assert noted.happened == [ConnectionAbandoned(user=visit.session.user)]


async def test_one_whose_connection_is_gone_already_is_abandoned_all_the_same(visit: Visit, noted: Noted) -> None:
    visit._request.transport = None  # type: ignore[misc]  # as aiohttp has it then
    visit.abandon()
    assert noted.happened == [ConnectionAbandoned(user=visit.session.user)]
