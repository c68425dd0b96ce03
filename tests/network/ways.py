"""Where the page is in the small internet, and the proxies on the way to it."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from tests.network.internet import HOMES, NAME, SERVER, Internet
from tests.network.processes import Program, running

PLAIN = f"http://{SERVER}:8080/"
SECURE = f"https://{SERVER}/"
NAMED = f"https://{NAME}/"
"""Firefox takes no TURN over TLS from an address alone."""
PORT = 3128
THROUGH_PROXY = [f"--proxy-server=http://{{router}}:{PORT}"]
FIREFOX_THROUGH_PROXY: dict[str, object] = {
    "network.proxy.type": 1,
    "network.proxy.http": HOMES[0].router,
    "network.proxy.http_port": PORT,
    "network.proxy.ssl": HOMES[0].router,
    "network.proxy.ssl_port": PORT,
}
"""Ann's."""


@asynccontextmanager
async def proxies(internet: Internet, *options: str) -> AsyncIterator[list[Program]]:
    """On each home's router, which forwards nothing else."""
    internet.forbid("nothing")
    async with _on_routers(internet, *options) as programs:
        yield programs


@asynccontextmanager
async def firewalls(internet: Internet, *options: str) -> AsyncIterator[list[Program]]:
    """On each home's router, which lets nothing out but TCP to port 443, and that only through these."""
    internet.forbid("only_tcp_443")
    internet.divert(443, PORT)
    async with _on_routers(internet, *options, f"--before={SERVER}") as programs:
        yield programs


@asynccontextmanager
async def _on_routers(internet: Internet, *options: str) -> AsyncIterator[list[Program]]:
    async with AsyncExitStack() as stack:
        command = (sys.executable, "-m", "tests.network.proxy")
        yield [
            await stack.enter_async_context(
                running(internet, f"home_{home.person}", *command, home.router, str(PORT), *options, ready="listening")
            )
            for home in HOMES
        ]


async def refuses(internet: Internet, programs: list[Program], words: str, *request: str) -> None:
    """What curl asks in this way is refused by each of these, with these words: it is they who keep something out, not
    luck that another way was faster. `{proxy}` stands for the person's own."""
    for home, program in zip(HOMES, programs, strict=True):
        own = [part.format(proxy=f"http://{home.router}:{PORT}") for part in request]
        process = await asyncio.create_subprocess_exec(*internet.inside(home.person, "curl", "-sm5", *own))
        assert await process.wait() != 0
        await program.has_said(words)
