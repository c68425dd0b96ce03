"""Who waits before a request is answered."""

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from relay import clock
from relay.auth.attempts import Attempts
from relay.auth.gate import Gate
from relay.config.settings import SiteSettings
from relay.errors import RelayError
from relay.ledger.accounts import Ledger
from relay.ledger.addresses import Networks
from relay.ledger.turns import Turns
from relay.observe.drops import Drops
from relay.observe.journal import Journal
from relay.web import charging
from relay.web.failures import STATUSES
from relay.web.guests import Guests
from relay.web.visitor_address import VisitorAddresses

OPERATOR, READER = "a token of the operator", "a token of Prometheus"
ADDRESS = "192.0.2.1"


def fail(task: str, failure: BaseException) -> None:
    raise AssertionError(task) from failure


async def status(token: str | None, monkeypatch: pytest.MonkeyPatch) -> int:
    """Of a request from an address that has spent what it has."""
    monkeypatch.setattr(charging, "PATIENCE", 0.05)
    addresses = VisitorAddresses(
        SiteSettings(), Guests(most=1, most_per_address=1, drops=Drops(), journal=Journal(), report=fail), Journal()
    )
    ledger = Ledger({}, 0.1, Networks(()))
    ledger.visitor(ADDRESS, clock.monotonic()).charge(clock.monotonic(), 10.0)
    gate = Gate(OPERATOR, READER, Attempts())
    charged = charging.charge(
        addresses=addresses,
        knows=lambda request: gate.knows(request.headers.get("Authorization", "")),
        ledger=ledger,
        turns=Turns(),
        journal=Journal(),
    )

    async def answer(request: web.Request) -> web.Response:
        return web.Response()

    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    try:
        answered = await charged(make_mocked_request("GET", "/", headers=headers).clone(remote=ADDRESS), answer)
    except RelayError as refusal:
        return STATUSES[refusal.code]
    return answered.status


@pytest.mark.parametrize(("token", "expected"), [(None, 429), (OPERATOR[:-1], 429), (OPERATOR, 200), (READER, 200)])
async def test_the_operator_does_not_wait_for_what_others_at_the_address_spent(
    monkeypatch: pytest.MonkeyPatch, token: str | None, expected: int
) -> None:
    assert await status(token, monkeypatch) == expected
