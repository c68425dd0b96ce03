"""Where the page is in the small internet, and the proxies on the way to it."""

import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from tests.network.internet import HOMES, SERVER, Internet
from tests.network.processes import Program, running

PLAIN = f"http://{SERVER}:8080/"
SECURE = f"https://{SERVER}/"
THROUGH_PROXY = ["--proxy-server=http://{router}:3128"]


@asynccontextmanager
async def proxies(internet: Internet, *options: str) -> AsyncIterator[list[Program]]:
    """On each home's router, which forwards nothing else."""
    internet.forbid("nothing")
    async with AsyncExitStack() as stack:
        command = (sys.executable, "-m", "tests.network.proxy")
        yield [
            await stack.enter_async_context(
                running(internet, f"home_{home.person}", *command, home.router, "3128", *options, ready="listening")
            )
            for home in HOMES
        ]
