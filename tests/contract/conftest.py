"""Both media ports, each with a peer that it has admitted."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from relay import native
from relay.config import EngineChoice, Settings
from relay.ids import PeerId
from relay.media.choice import choose
from relay.observe.drops import Drops
from tests.conftest import free_port
from tests.contract.media_ports import ANN, PASSWORD, PATIENCE, Subject, check, fail


@pytest.fixture(params=list(EngineChoice))
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    if request.param is EngineChoice.PACKETS and not native.BUILT:
        pytest.skip("the native core is not built")
    number = free_port()
    subject = Subject(choose(Settings(engine=request.param), Drops(), fail), number)
    subject._media.open(("127.0.0.1", "::1"), number, subject.listener)
    subject.port.admit(ANN, "ann", PASSWORD)
    await _orders_are_carried_out(subject, number)
    yield subject
    await subject.close()


async def _orders_are_carried_out(subject: Subject, number: int) -> None:
    """Ports may take orders later than they are given, but in turn: somebody admitted last is let in last."""
    last = PeerId(99)
    subject.port.admit(last, "last", PASSWORD)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("127.0.0.1", number))
        async with asyncio.timeout(PATIENCE):
            while not subject.listener.selected:
                probe.send(check("last"))
                await asyncio.sleep(0.02)
    subject.port.release(last)
    subject.listener.selected.clear()
