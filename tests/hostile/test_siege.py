"""One who floods, or comes again and again, keeps nobody else waiting, and gains nothing by being many."""

import asyncio
import contextlib
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from relay.app import Relay
from relay.config.settings import EngineChoice, TlsChoice
from tests.bench.attack import sieges
from tests.bench.attack.besiegers import addresses, besieger
from tests.bench.attack.field import Siege
from tests.bench.attack.sieges import UPGRADE, all_sieges, event, offers
from tests.bench.attack.townspeople import ANYONE, Chat, arrive, bystanders
from tests.hostile.crowd import NEWCOMER, crowd, hear, url
from tests.kit.offers import ROLES, offer
from tests.kit.people import Visitor, visit
from tests.kit.servers import Served, on_loopback, running, serving
from tests.kit.wire import wire

pytestmark = pytest.mark.alone

SIEGES = {siege.name: siege for siege in all_sieges()}
LAST = event("find_partner", mode="late")
"""What is refused for what it says: the answer comes behind all others."""
SECONDS = 2.0
"""For which a test is besieged."""
BUSY = 0.3
"""Seconds of CPU that the server may spend on others between a line of chat and its delivery."""
WARM, IDLE = 20, 100
"""Connections before memory is looked at, and those that are counted."""
MOST_KEPT = 128 << 10
"""Bytes for each: with 4,000 that is half a gibibyte."""


async def keeps_nobody_waiting(siege: Siege, relay: Relay, sources: int) -> None:
    """Two people write to each other meanwhile, and somebody comes."""
    # Server and people are one thread here: its CPU tells what is done before a line's turn, on the busiest machine.
    chat = Chat(clock=time.thread_time)
    async with bystanders(url(relay), chat):
        with besieger(siege, relay.port, addresses(sources), SECONDS) as running:
            running.begin()
            chat.sent.clear()
            await asyncio.sleep(SECONDS / 2)
            arrival = await arrive(url(relay), NEWCOMER)
            toll = await asyncio.to_thread(running.result)
            lines = chat.seconds()
    assert toll.opened
    assert lines[-1] < BUSY
    assert arrival.refusal is None


@pytest.mark.parametrize(
    "name", ["pings, empty", "pings of 125 bytes", "pongs, empty", "continuations, empty", "text: nonsense"]
)
async def test_a_flood_of_frames_keeps_nobody_waiting(relay: Relay, name: str) -> None:
    await keeps_nobody_waiting(SIEGES[name], relay, 2)


@pytest.mark.parametrize("record", [0, 1], ids=["", "in records of one byte"])
async def test_a_flood_of_frames_over_tls_keeps_nobody_waiting(
    engine: EngineChoice, tmp_path: Path, record: int
) -> None:
    settings = on_loopback(engine=engine, tls=TlsChoice.SELF_SIGNED, state_dir=str(tmp_path))
    siege = replace(SIEGES["pings, empty"], shakes_hands=True, record=record)
    async with running(settings) as relay:
        await keeps_nobody_waiting(siege, relay, 2)


async def test_a_hello_byte_by_byte_keeps_nobody_waiting(relay: Relay) -> None:
    """Each of its bytes is a record of its own: to read all of it anew for each is too dear."""
    await keeps_nobody_waiting(replace(SIEGES["TLS: hello in 1-byte records"], pause=0.01), relay, 3)


async def test_a_connection_that_waits_for_a_request_takes_little_memory(engine: EngineChoice, tmp_path: Path) -> None:
    """Whatever is kept for each of them is kept for thousands."""
    sources = addresses(50)
    async with (
        serving(engine, tls="self-signed", state_dir=str(tmp_path)) as served,
        contextlib.AsyncExitStack() as stack,
    ):
        for number in range(WARM + IDLE):
            if number == WARM:
                before = resident(served)
            idle = await stack.enter_async_context(wire(served.port, sources[number % 50], ANYONE))
            await idle.send(sieges.QUESTION)
            assert (await idle.head()).startswith(b"HTTP/1.1 200")
        assert (resident(served) - before) / IDLE < MOST_KEPT


async def test_a_new_websocket_brings_no_new_allowance_of_offers(relay: Relay) -> None:
    port = relay.port
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
    port = relay.port
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
    assert met < 60, "each time"


async def _search_on(victim: Visitor) -> None:
    """Until they wait for the next one."""
    while (await victim.socket.receive_json(timeout=5))["event"] != "partner_disconnected":
        pass


def resident(served: Served) -> int:
    """Bytes of memory that the server has."""
    return int(Path(f"/proc/{served.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
