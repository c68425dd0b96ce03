"""`relay check`: what stands between people and the server, asked on its own host."""

import asyncio
import datetime
from collections.abc import Sequence

from relay.checks.finding import Finding, Verdict, failure, ok, warning
from relay.checks.host import PATIENCE, check_host, check_outside, check_ports, check_turn_backend
from relay.checks.probe import probe
from relay.checks.provider import check_provider
from relay.checks.start import injected
from relay.config.settings import Settings, TlsChoice
from relay.transport.addresses import own_addresses


async def check(settings: Settings, ignored: Sequence[str] = ()) -> list[Finding]:
    """Everything that can be known here; what only others can see is said where to look.

    `ignored` are variables that look like settings and are none.
    """
    found = [warning("environment", injected(ignored))] if ignored else []
    public, missed = await check_outside(settings)
    found += missed + check_host(settings, datetime.datetime.now(datetime.UTC), public)
    found += await check_turn_backend(settings)
    found += await check_provider(settings)
    secure = settings.https.tls is TlsChoice.SELF_SIGNED or settings.https.tls_cert is not None
    host = settings.network.http_hosts[0] if settings.network.http_hosts else "127.0.0.1"
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - any address of ours will do
    place = f"[{host}]" if ":" in host else host
    url = f"{'https' if secure else 'http'}://{place}:{settings.network.port}/"
    if not await _answers(host, settings.network.port):
        sentence = f"Nothing answers at {url}. Start it with `relay serve`, and check again."
        return [*found, *check_ports(settings), failure("server", sentence)]
    # The address is no name of the certificate's; TURN servers are asked by their own.
    own = {str(address) for address in own_addresses()}
    seen = await probe(url, insecure_page=True, own=own)
    if any(finding.verdict is Verdict.FAILURE and finding.check == "page" for finding in seen):
        return [*found, *check_ports(settings), *seen]
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
