"""`relay check`: what stands between people and the server, asked on its own host."""

import asyncio
import datetime

from relay.checks.finding import Finding, Verdict, failure, ok
from relay.checks.host import check_host
from relay.checks.probe import probe
from relay.config import Settings, TlsChoice

PATIENCE = 2.0
"""Seconds for a server on this host."""


async def check(settings: Settings) -> list[Finding]:
    """Everything that can be known here; what only others can see is said where to look."""
    secure = settings.tls is TlsChoice.SELF_SIGNED or settings.tls_cert is not None
    host = settings.bind[0] if settings.bind else "127.0.0.1"
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - any address of ours will do
    place = f"[{host}]" if ":" in host else host
    url = f"{'https' if secure else 'http'}://{place}:{settings.port}/"
    running = await _answers(host, settings.port)
    found = check_host(settings, datetime.datetime.now(datetime.UTC), running=running)
    if not running:
        return [*found, failure("server", f"Nothing answers at {url}. Start it with `relay serve`, and check again.")]
    seen = await probe(url, trusting=True)
    if any(finding.verdict is Verdict.FAILURE and finding.check == "page" for finding in seen):
        seen.append(failure("server", f"Something else than this server answers on TCP port {settings.port}."))
    outside = "open the page from elsewhere with /check behind its address, or run `relay probe URL` on another machine"
    return [*found, *seen, ok("from outside", f"This host can't know what firewalls let in: {outside}.")]


async def _answers(host: str, port: int) -> bool:
    try:
        async with asyncio.timeout(PATIENCE):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
