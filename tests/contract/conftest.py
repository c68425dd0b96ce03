"""Both media ports, each with a peer that it has admitted; both kinds of database, each empty."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from relay import native
from relay.config.settings import EngineChoice, MediaSettings
from relay.media.choice import choose
from relay.observe.drops import Drops
from relay.store.database import FILE
from relay.store.facts import new_key
from tests.contract.media_ports import ANN, Subject, fail
from tests.kit.ports import free_port
from tests.kit.postgres import Postgres, postgres


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


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty one."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / FILE}"
    server: Postgres = request.getfixturevalue("server")
    return server.create(f"test_{new_key()}")
