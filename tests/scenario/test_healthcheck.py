"""The container's health check finds the server wherever it listens."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from relay.config.settings import Settings, TlsChoice
from tests.kit.ports import free_port
from tests.kit.servers import running

HEALTHCHECK = Path(__file__).parents[2] / "docker/healthcheck.py"


async def ask(settings: Settings, **environment: str) -> int:
    """How the check ends, in the environment of a container with these settings."""
    variables = {"PATH": os.environ["PATH"], "RELAY_PORT": str(settings.network.port), **environment}
    asking = await asyncio.create_subprocess_exec(sys.executable, str(HEALTHCHECK), env=variables)
    return await asking.wait()


@pytest.mark.parametrize("bind", [(), ("0.0.0.0",), ("::",), ("::1",), ("127.0.0.7", "127.0.0.8")])
async def test_it_is_well_wherever_the_server_listens(settings: Settings, bind: tuple[str, ...]) -> None:
    async with running(settings.but(bind=bind, public_address=(), hosts=("talk.example",), base_path="/chat/")):
        assert await ask(settings, RELAY_BIND=", ".join(bind)) == 0


async def test_pages_may_be_elsewhere_than_media(settings: Settings) -> None:
    async with running(settings.but(bind=(), http_bind=("127.0.0.7",), media_bind=("127.0.0.8",), public_address=())):
        assert await ask(settings, RELAY_HTTP_BIND="127.0.0.7", RELAY_BIND="127.0.0.8") == 0


async def test_the_way_to_https_is_an_answer_as_well(settings: Settings, tmp_path: Path) -> None:
    async with running(settings.but(tls=TlsChoice.SELF_SIGNED, state_dir=str(tmp_path))):
        assert await ask(settings) == 0


async def test_it_is_ill_where_nobody_answers(settings: Settings) -> None:
    assert await ask(settings.but(port=free_port())) == 1
