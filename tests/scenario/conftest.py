"""What runs beside the server."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.kit.turn import RELAY, turnserver


@pytest.fixture
async def coturn(tmp_path: Path) -> AsyncIterator[int]:
    """Its plain TCP and UDP port. Loopback has to be allowed on purpose."""
    async with turnserver(tmp_path, RELAY, "--allow-loopback-peers") as (port, _):
        yield port
