"""Handshakes that are begun and not ended: a deadline and a cap, and nobody in a call notices."""

import asyncio
import contextlib
import re

import pytest
from aiortc import RTCSessionDescription

from relay.app import Relay
from relay.observe.drops import Drop
from relay.peer import connection
from tests.kit.call import check, live_call
from tests.kit.datagrams import Stranger, client_hello
from tests.kit.offers import ROLES, offer
from tests.kit.people import MediaVisitor, Visitor, as_aiortc_reads, until, visit

pytestmark = pytest.mark.usefixtures("loopback_candidates")


async def offer_and_be_silent(visitor: Visitor) -> tuple[str, str]:
    """Offer as a browser does, and give the server's ufrag and password."""
    await visitor.say("webrtc_offer", sdp=offer(), lines={mid: role.value for mid, role in ROLES.items()})
    answer = (await visitor.hear("webrtc_answer"))["sdp"]
    ufrag, password = (re.search(rf"a=ice-{name}:(\S+)", answer) for name in ("ufrag", "pwd"))
    assert ufrag
    assert password
    return ufrag.group(1), password.group(1)


async def is_told_that_it_failed(visitor: Visitor) -> None:
    assert (await visitor.hear("error"))["code"] == "connection_failed"


async def test_who_never_checks_is_given_up(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "CHECK_TIMEOUT", 0.1)
    async with visit(relay.port) as visitor:
        await offer_and_be_silent(visitor)
        await is_told_that_it_failed(visitor)
    assert relay.tally.setups_failed["no_check", "none"] == 1


@pytest.mark.parametrize("flight", [b"", client_hello()[:30], client_hello(), client_hello() * 3])
async def test_a_handshake_that_does_not_end_is_given_up(
    relay: Relay, monkeypatch: pytest.MonkeyPatch, flight: bytes
) -> None:
    monkeypatch.setattr(connection, "HANDSHAKE_TIMEOUT", 0.3)
    async with visit(relay.port) as visitor:
        ufrag, password = await offer_and_be_silent(visitor)
        browser = Stranger(relay.settings.network.udp_port)
        with contextlib.closing(browser):
            browser.send(check(ufrag, password, nominate=True))
            await browser.answer()
            if flight:
                browser.send(flight)
            await is_told_that_it_failed(visitor)
    assert relay.tally.setups_failed["dtls_failed", "udp"] == 1


async def test_of_half_open_connections_the_oldest_gives_way(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    async with live_call(relay.port) as call:
        monkeypatch.setattr(relay._connections._unsecured, "most", 8)
        async with contextlib.AsyncExitStack() as stack:
            crowd = [await stack.enter_async_context(visit(relay.port)) for _ in range(20)]
            for visitor in crowd:
                await offer_and_be_silent(visitor)
            for visitor in crowd[:12]:
                await is_told_that_it_failed(visitor)
            assert len(relay._connections._unsecured) == 8
            assert len(relay._connections) == 10
            await call.goes_on()
        await until(lambda: not relay._connections._unsecured)
    assert relay.tally.setups_failed_by_reason()["crowded_out"] == 12


async def test_a_certificate_that_is_not_the_announced_one_gets_no_keys(relay: Relay) -> None:
    async with live_call(relay.port) as call, visit(relay.port) as visitor:
        liar = MediaVisitor(visitor, 100)
        await liar.connection.setLocalDescription(await liar.connection.createOffer())
        sdp = re.sub(r"a=fingerprint:sha-(384|512) .*\r\n", "", liar.connection.localDescription.sdp)
        sdp = re.sub(r"a=fingerprint:sha-256 \S+", "a=fingerprint:sha-256 " + ":".join(["AB"] * 32), sdp)
        lines = {transceiver.mid: role for role, transceiver in liar._transceivers}
        await visitor.say("webrtc_offer", sdp=sdp, lines=lines)
        answer = (await visitor.hear("webrtc_answer"))["sdp"]
        await liar.connection.setRemoteDescription(RTCSessionDescription(as_aiortc_reads(answer), "answer"))
        await is_told_that_it_failed(visitor)
        await liar.close()
        await call.goes_on()
    assert relay.tally.setups_failed["dtls_failed", "udp"] == 1


async def test_floods_of_handshake_datagrams_from_a_proved_address_are_mostly_dropped(relay: Relay) -> None:
    async with live_call(relay.port) as call, visit(relay.port) as visitor:
        ufrag, password = await offer_and_be_silent(visitor)
        browser = Stranger(relay.settings.network.udp_port)
        with contextlib.closing(browser):
            browser.send(check(ufrag, password, nominate=True))
            await browser.answer()
            for number in range(3_000):
                browser.send(client_hello())
                if number % 100 == 99:
                    await asyncio.sleep(0.005)
            await call.goes_on()
    assert relay.stats().drops[Drop.DTLS_BACKLOG] > 1_000
