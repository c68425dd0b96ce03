"""A whole server for every test that asks for one: real sockets on loopback, ports chosen by the system."""

import random
import socket
from collections.abc import AsyncIterator

import aioice.ice
import hypothesis
import pytest

from relay.app import Relay
from relay.config.settings import EngineChoice, Settings

# How long something takes says more of the machine than of the code.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

PORTS = range(12_000, 32_000)
"""Below those that the system gives to connections that go out, which may take one between the choice and its use."""


def free_port() -> int:
    """A number that is free for TCP and for UDP at every address."""
    for port in random.sample(PORTS, 50):
        with (
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        ):
            try:
                tcp.bind(("", port))
                udp.bind(("", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no port is free for both TCP and UDP")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--engine", type=EngineChoice, default=EngineChoice.PACKETS, help="the media engine of the servers under test"
    )


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> EngineChoice:
    """The media engine to test, as chosen by `--engine`."""
    chosen: EngineChoice = request.config.getoption("--engine")
    return chosen


@pytest.fixture
def settings(engine: EngineChoice) -> Settings:
    """Loopback only. Override it in a module to test other settings."""
    # The people of a test live in the server's own process: their CPU and lag are no reason to refuse one of them.
    return Settings.of(
        port=free_port(),
        bind=("127.0.0.1",),
        public_address=("127.0.0.1",),
        engine=engine,
        max_cpu=1.0,
        max_lag=60.0,
    )


@pytest.fixture
async def relay(settings: Settings) -> AsyncIterator[Relay]:
    """A running server."""
    server = Relay(settings)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def loopback_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    """aioice never offers loopback by itself."""
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])
