"""A whole server for every test that asks for one: real sockets on loopback, ports chosen by the system."""

import logging
import resource
from collections.abc import AsyncIterator, Iterator

import aioice.ice
import hypothesis
import pytest
import structlog

from relay.app import Relay
from relay.config import settings as settings_module
from relay.config.settings import EngineChoice, Settings
from tests.kit.servers import on_loopback, running

# How long something takes says more of the machine than of the code.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.register_profile("long", deadline=None, max_examples=1_000)
hypothesis.settings.load_profile("untimed")


def pytest_configure() -> None:
    """As many descriptors as may be had, as the server takes: somebody who is not root begins with 1,024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--engine", type=EngineChoice, default=EngineChoice.PACKETS, help="the media engine of the servers under test"
    )


def pytest_make_parametrize_id(val: object) -> str | None:
    """Bytes that nobody can read are named by their number: some are random, and all who run tests have to agree."""
    if isinstance(val, bytes) and not (val.isascii() and val.decode().isprintable()):
        return f"{len(val)} bytes"
    return None


@pytest.fixture(autouse=True)
def own_state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a server of a test keeps is not in the home of who runs it, where another checkout's tests would meet it."""
    monkeypatch.setattr(settings_module, "USUAL_FOLDER", str(tmp_path_factory.mktemp("state")))


@pytest.fixture
def logging_as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Afterwards, for a test that sets the log up. Loggers keep nothing of it: modules have theirs for ever."""
    configure = structlog.configure
    monkeypatch.setattr(structlog, "configure", lambda **how: configure(**{**how, "cache_logger_on_first_use": False}))
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> EngineChoice:
    """The media engine to test, as chosen by `--engine`."""
    chosen: EngineChoice = request.config.getoption("--engine")
    return chosen


@pytest.fixture
def settings(engine: EngineChoice) -> Settings:
    """Loopback only. Override it in a module to test other settings."""
    return on_loopback(engine=engine)


@pytest.fixture
async def relay(settings: Settings) -> AsyncIterator[Relay]:
    """A running server."""
    async with running(settings) as server:
        yield server


@pytest.fixture
def loopback_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    """aioice never offers loopback by itself."""
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])
