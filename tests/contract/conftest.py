"""Both media ports, each with a peer that it has admitted."""

from collections.abc import AsyncIterator

import pytest

from relay import native
from relay.config.settings import EngineChoice, MediaSettings
from relay.media.choice import choose
from relay.observe.drops import Drops
from tests.contract.media_ports import ANN, Subject, fail
from tests.kit.ports import free_port


@pytest.fixture(params=list(EngineChoice))
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    if request.param is EngineChoice.PACKETS and not native.BUILT:
        pytest.skip("the native core is not built")
    number = free_port()
    subject = Subject(
        choose(MediaSettings(engine=request.param), people=2, cache=1 << 20, drops=Drops(), report=fail), number
    )
    subject._media.open(("127.0.0.1", "::1"), number, subject.listener)
    subject.admit(ANN, "ann")
    yield subject
    await subject.close()
