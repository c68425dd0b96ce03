"""Whoever floods, or comes again and again, keeps nobody else waiting, and gains nothing by being many."""

import asyncio
from dataclasses import replace

import pytest

from relay.app import Relay
from relay.config import EngineChoice
from tests.hostile.besiegers import Siege, addresses, besieger
from tests.hostile.crowd import NEWCOMER, crowd, hear, loopback, running, url
from tests.hostile.siege import besiege
from tests.hostile.sieges import UPGRADE, all_sieges, event, offers
from tests.hostile.townspeople import Chat, bystanders
from tests.hostile.wire import status_of
from tests.scenario.visitor import Visitor, visit
from tests.unit.offers import ROLES, offer

SIEGES = {siege.name: siege for siege in all_sieges()}
LAST = event("find_partner", mode="late")
"""What is refused for what it says: the answer comes behind all others."""
SECONDS = 2.0
"""For which a test is besieged."""
WAITED = 0.8
"""Seconds that a line of chat may take at most, on a machine that does everything at once."""
OPERATOR_TOKEN = "a right token for operators"


async def lines_under(siege: Siege, relay: Relay, sources: int) -> list[float]:
    """Seconds that each line of a conversation takes meanwhile."""
    chat = Chat()
    async with bystanders(url(relay), chat):
        with besieger(siege, relay.settings.port, addresses(sources), SECONDS) as running:
            running.begin()
            chat.sent.clear()
            await asyncio.sleep(SECONDS)
            lines = chat.seconds(asyncio.get_running_loop().time())
            toll = await asyncio.to_thread(running.toll)
    assert toll.opened
    assert lines
    return lines


@pytest.mark.parametrize(
    "name", ["pings, empty", "pings of 125 bytes", "pongs, empty", "continuations, empty", "text: nonsense"]
)
async def test_a_flood_of_frames_keeps_no_conversation_waiting(relay: Relay, name: str) -> None:
    assert (await lines_under(SIEGES[name], relay, 2))[-1] < WAITED


async def test_a_flood_of_frames_over_tls_keeps_no_newcomer_waiting(engine: EngineChoice) -> None:
    row = await besiege(replace(SIEGES["pings, empty"], over_tls=True, shakes_hands=True), 2, 4.0, engine)
    assert [arrival.refusal for arrival in row.arrivals] == [None] * len(row.arrivals)
    assert row.greeted[-1] < WAITED


async def test_a_hello_byte_by_byte_keeps_no_conversation_waiting(relay: Relay) -> None:
    """Each of its bytes is a record of its own, which is read anew with all that came before."""
    slow = replace(SIEGES["TLS: hello in 1-byte records"], pause=0.01)
    assert (await lines_under(slow, relay, 3))[-1] < WAITED


async def test_idle_connections_over_tls_fit_into_half_a_gibibyte(engine: EngineChoice) -> None:
    siege = replace(SIEGES["TLS: idle"], per_address=100, opened_per_second=600)
    row = await besiege(siege, 50, 6.0, engine)
    assert row.toll.opened > 1_500
    assert row.resident < 512 << 20


async def test_a_new_websocket_brings_no_new_allowance_of_offers(relay: Relay) -> None:
    port = relay.settings.port
    (source,) = addresses(1)
    answered = 0
    for _ in range(40):
        with crowd(port, [source], 1, UPGRADE + b"".join(offers(10)) + LAST) as (member,):
            answered += (await hear(member, b'"invalid_message"', b'"too_many')).count(b'"webrtc_answer"')
    assert answered < 300, "of 400"
    async with visit(port, NEWCOMER) as newcomer:
        await newcomer.say("webrtc_offer", sdp=offer(), lines={mid: role.value for mid, role in ROLES.items()})
        await newcomer.hear("webrtc_answer")


async def test_a_new_websocket_brings_no_new_allowance_of_partners(relay: Relay) -> None:
    """Somebody who leaves again and again, each time as a person whom nobody has met."""
    port = relay.settings.port
    (source,) = addresses(1)
    met = 0
    async with visit(port, NEWCOMER) as victim:
        await victim.say("find_partner")
        await victim.hear("waiting_for_partner")
        for _ in range(60):
            with crowd(port, [source], 1, UPGRADE + event("find_partner")) as (member,):
                heard = await hear(member, b'"partner_found"', b'"error"', b'"waiting_for_partner"')
                if b'"partner_found"' not in heard:
                    break
                met += 1
                member.send(event("leave_room"))
                await _search_on(victim)
    assert met < 60


async def test_who_guesses_the_token_does_not_keep_out_who_has_it(engine: EngineChoice) -> None:
    async with running(loopback(engine, operator_token=OPERATOR_TOKEN)) as relay:
        for number in range(30):
            await _rooms(relay, f"wrong token number {number}")
        assert await _rooms(relay, OPERATOR_TOKEN) == 200


async def test_a_siege_ends_when_the_server_does(engine: EngineChoice) -> None:
    """Even one that never lets the loop be."""
    row = await besiege(SIEGES["pongs, empty"], 1, 3.0, engine)
    assert row.ended


async def _search_on(victim: Visitor) -> None:
    """Until they wait for the next one."""
    while (await victim.socket.receive_json(timeout=5))["event"] != "partner_disconnected":
        pass


async def _rooms(relay: Relay, token: str) -> int:
    request = (
        f"GET /videochat/rooms HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n"
    )
    return await status_of(relay.settings.port, request.encode())
