"""Requests are paid for by the address that asks: one that has spent what it has is answered later, or told to wait.

Anyone who shows the operator's token, or is signed in as staff, never waits, whatever others at the same address did.
"""

import asyncio
from collections.abc import Callable

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from relay import clock
from relay.errors import ErrorCode, RelayError
from relay.ledger.accounts import Ledger, Payer
from relay.ledger.turns import Turns
from relay.observe.happenings import KeptOut
from relay.observe.journal import Journal
from relay.observe.reasons import Reason
from relay.web.visitor_address import VisitorAddresses

REQUEST = 300e-6
"""Seconds of CPU that an ordinary answer takes."""

PAYER = web.RequestKey("PAYER", Payer)
"""Who pays for a request."""

PATIENCE = 5.0
"""Seconds that a request waits for its turn before it is told to come again."""


def charge(
    *,
    addresses: VisitorAddresses,
    knows: Callable[[web.Request], bool],
    ledger: Ledger,
    turns: Turns,
    journal: Journal,
) -> Middleware:
    """Answer each address as fast as its account allows. `knows` tells whether it is somebody who never waits."""

    @web.middleware
    async def charged(request: web.Request, handler: Handler) -> web.StreamResponse:
        payer = ledger.visitor(addresses.of(request), clock.monotonic())
        if not turns.goes_on(payer) and not knows(request):
            try:
                async with asyncio.timeout(PATIENCE):
                    await turns.wait(payer)
            except TimeoutError as cause:
                journal.note(KeptOut(reason=Reason.ADDRESS_RATE, cause=payer.host, fields={"source": payer.host}))
                sentence = "Too much comes from your address. Wait a little."
                raise RelayError(ErrorCode.RATE_LIMITED, sentence, retry_after=PATIENCE) from cause
        payer.charge(clock.monotonic(), REQUEST)
        request[PAYER] = payer
        return await handler(request)

    return charged
