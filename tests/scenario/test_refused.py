"""Nobody is kept out without a trace: it is counted by reason, logged with what to set, and shown to the operator."""

import asyncio
import contextlib
import errno
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest

from relay.app import Relay
from relay.media import connections as connections_module
from relay.observe.reasons import Reason
from relay.peer import connection as connection_module
from tests.kit.offers import ROLES, offer
from tests.kit.people import PATIENCE, until, visit
from tests.kit.servers import on_loopback, running

TOKEN = "a token of the operator"
OPERATOR = {"Authorization": f"Bearer {TOKEN}"}


@asynccontextmanager
async def serving(**settings: object) -> AsyncIterator[Relay]:
    async with running(on_loopback(operator_token=TOKEN, **settings)) as relay:
        yield relay


def base(relay: Relay) -> str:
    return f"http://127.0.0.1:{relay.port}"


async def get(relay: Relay, path: str, **headers: str) -> None:
    async with aiohttp.ClientSession() as client, client.get(base(relay) + path, headers=headers):
        pass


async def greeted(relay: Relay, amount: int, **headers: str) -> list[str]:
    """The first events of so many visitors who come one after the other and stay."""
    events, sockets = [], []
    async with aiohttp.ClientSession(headers=headers) as client:
        for _ in range(amount):
            socket = await client.ws_connect(f"{base(relay)}/ws", timeout=aiohttp.ClientWSTimeout(ws_close=1.0))
            sockets.append(socket)
            async with asyncio.timeout(PATIENCE):
                events.append((await socket.receive_json())["event"])
    return events


async def from_elsewhere(relay: Relay) -> None:
    async with aiohttp.ClientSession() as client:
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await client.ws_connect(f"{base(relay)}/ws", origin="https://elsewhere.example")


async def by_another_name(relay: Relay) -> None:
    await get(relay, "/", Host="another.example")


async def without_upgrade(relay: Relay) -> None:
    await get(relay, "/ws")


async def through_a_proxy(relay: Relay) -> None:
    await get(relay, "/", **{"X-Forwarded-For": "192.0.2.1"})


async def through_a_proxy_of_bytes(relay: Relay) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
    writer.write(b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nGET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    async with asyncio.timeout(PATIENCE):
        assert b" 400 " in await reader.readline()
    writer.close()


async def through_a_silent_proxy(relay: Relay) -> None:
    await get(relay, "/")


async def with_half_a_header(relay: Relay) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
    writer.write(b"PROXY nonsense\r\n")
    async with asyncio.timeout(PATIENCE):
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
    writer.close()


async def one_too_many(relay: Relay) -> None:
    assert (await greeted(relay, 2))[-1] == "error"


async def three_in_two_places(relay: Relay) -> None:
    assert (await greeted(relay, 3))[-1] == "error"


async def while_it_drains(relay: Relay) -> None:
    relay._sessions._draining = True
    assert await greeted(relay, 1) == ["error"]


async def without_descriptors(relay: Relay) -> None:
    relay.report("capacity: measure", OSError(errno.EMFILE, "Too many open files"))
    assert relay.tally.task_failures == 0


async def with_a_bad_offer(relay: Relay) -> None:
    async with visit(relay.port) as ann:
        await ann.say("webrtc_offer", sdp="v=0", lines={})
        await ann.hear("error")


async def with_offers_alone(relay: Relay) -> None:
    async with visit(relay.port) as ann, visit(relay.port) as bob:
        for person in (ann, bob):
            await person.say("webrtc_offer", sdp=offer(), lines=ROLES)
            await person.hear("webrtc_answer")
        await until(lambda: relay.tally.setups_failed.total() > 0)


Cause = Callable[[Relay], Awaitable[None]]
CASES: list[tuple[Reason, Cause, dict[str, object], str]] = [
    (Reason.ORIGIN, from_elsewhere, {}, "RELAY_ALLOWED_ORIGINS"),
    (Reason.HOST, by_another_name, {"hosts": ("chat.example",)}, "RELAY_HOSTS"),
    (Reason.WEBSOCKET, without_upgrade, {}, "Upgrade"),
    (Reason.UNTRUSTED_PROXY, through_a_proxy, {}, "RELAY_TRUSTED_PROXIES"),
    (Reason.UNTRUSTED_PROXY, through_a_proxy_of_bytes, {}, "RELAY_TRUSTED_PROXIES"),
    (Reason.SILENT_PROXY, through_a_silent_proxy, {"trusted_proxies": ("127.0.0.1",)}, "x-forwarded-for"),
    (Reason.BROKEN_PROXY_HEADER, with_half_a_header, {"trusted_proxies": ("127.0.0.1",)}, "PROXY protocol"),
    (Reason.CONNECTIONS, one_too_many, {"max_per_address": 1}, "RELAY_MAX_PER_ADDRESS"),
    (Reason.ADDRESS_RATE, one_too_many, {"rate_address_join": 1}, "RELAY_RATE_ADDRESS_"),
    (Reason.FULL, three_in_two_places, {"max_people": 2}, "relay check"),
    (Reason.DRAINING, while_it_drains, {}, "told to end"),
    (Reason.DESCRIPTORS, without_descriptors, {}, "ulimit -n"),
    (Reason.OFFER, with_a_bad_offer, {}, "report it"),
    (Reason.NO_CHECK, with_offers_alone, {}, "RELAY_PUBLIC_ADDRESS"),
    (Reason.CROWDED_OUT, with_offers_alone, {}, "one address"),
]


@pytest.mark.parametrize(
    ("reason", "cause", "settings", "remedy"),
    CASES,
    ids=[f"{reason.value}: {cause.__name__}" for reason, cause, *_ in CASES],
)
async def test_who_is_kept_out_leaves_a_trace_and_a_remedy(
    reason: Reason,
    cause: Cause,
    settings: dict[str, object],
    remedy: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if reason is Reason.NO_CHECK:
        monkeypatch.setattr(connection_module, "CHECK_TIMEOUT", 0.05)
    if reason is Reason.CROWDED_OUT:
        monkeypatch.setattr(connections_module, "MOST_UNSECURED", 1)
    async with serving(**settings) as relay:
        await cause(relay)
        assert relay.refusals.times(reason) >= 1
        shown = capsys.readouterr().out
        (line,) = (line for line in shown.splitlines() if reason.value in line and "remedy" in line)
        assert remedy in line
        assert "127.0.0.9" not in line
        async with aiohttp.ClientSession(headers=OPERATOR) as client:
            async with client.get(f"{base(relay)}/videochat/overview") as response:
                overview = await response.json()
            async with client.get(f"{base(relay)}/metrics") as response:
                metrics = await response.text()
    (seen,) = (refused for refused in overview["refused"] if refused["reason"] == reason.value)
    assert remedy in seen["remedy"]
    assert seen["times"] >= 1
    assert overview["troubles"] == []
    assert f'relay_refusals_total{{reason="{reason.value}"}} 0.0' not in metrics
    assert f'relay_refusals_total{{reason="{reason.value}"}}' in metrics


async def test_the_console_shows_no_address_of_those_who_were_kept_out() -> None:
    async with serving(trusted_proxies=("127.0.0.1",), max_per_address=1) as relay:
        assert await greeted(relay, 2, **{"X-Forwarded-For": "192.0.2.77"}) == ["connected", "error"]
        async with (
            aiohttp.ClientSession(headers=OPERATOR) as client,
            client.get(f"{base(relay)}/videochat/overview") as response,
        ):
            text = await response.text()
    assert "192.0.2.77" not in text
    assert "address-" in text


class TestTheDoor:
    """What a page asks whose WebSocket did not open."""

    async def knock(self, relay: Relay, **headers: str) -> tuple[int, dict[str, object]]:
        async with (
            aiohttp.ClientSession() as client,
            client.post(f"{base(relay)}/videochat/door", headers=headers) as response,
        ):
            return response.status, await response.json()

    async def test_is_open_for_our_own_page(self) -> None:
        async with serving() as relay:
            assert await self.knock(relay, Origin=base(relay)) == (200, {"open": True})
            assert await self.knock(relay) == (200, {"open": True})

    async def test_says_what_the_handshake_can_not_and_counts_nobody_twice(self) -> None:
        async with serving() as relay:
            status, answer = await self.knock(relay, Origin="https://elsewhere.example")
            assert (status, answer["code"]) == (403, "origin_refused")
            assert relay.refusals.times(Reason.ORIGIN) == 0
            status, answer = await self.knock(relay, Host="another.example")
            assert (status, answer["code"]) == (421, "host_refused")
