"""A person in a call who sends what no browser would, sealed with the right keys: the partner is unharmed."""

import asyncio
import contextlib
import os
import re
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pylibsrtp
import pytest
from aiortc.codecs import CODECS
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtp import RtpPacket

from relay.app import Relay
from relay.config.settings import EngineChoice
from relay.media.frames.allowance import PACKETS_PER_SECOND
from relay.observe.drops import Drop
from tests.hostile.giants import GIANT, PICTURES
from tests.hostile.lies import rtcp_lies, rtp, rtp_lies, storm
from tests.kit.call import STEADY, Call, live_call, transport_of, watch
from tests.kit.people import MediaVisitor, until, visit

pytestmark = pytest.mark.usefixtures("loopback_candidates")

FLOOD = 9_000
"""Packets: what three and a half seconds allow, and they are sent in less."""

LEAPS = 100

MORE_CODECS = {"VP9": 110, "AV1": 111}
"""Payload types that aiortc does not use."""

LARGEST_GROWTH = 40 << 20
"""Bytes by which the process may grow while it is lied to: two decoders and their pictures, in the frames engine."""


def own_stream(person: MediaVisitor) -> int:
    """The SSRC of the person's screen, with which aiortc itself sends nothing."""
    ssrc: int = person.connection.getTransceivers()[2].sender._ssrc
    return ssrc


def partner_stream(person: MediaVisitor) -> int:
    """The SSRC in which the server sends the partner's camera."""
    section = person.answer.split("m=")[5]
    found = re.search(r"a=ssrc:(\d+)", section)
    assert found
    return int(found.group(1))


async def send(person: MediaVisitor, packets: Iterable[bytes]) -> None:
    """Seal and send, at the pace of a busy client: 40 packets, then others' turn."""
    transport = transport_of(person)
    for number, packet in enumerate(packets):
        with contextlib.suppress(pylibsrtp.Error):  # libsrtp itself will not seal some of it
            await transport._send_rtp(packet)
        if number % 40 == 39:
            await asyncio.sleep(0.005)


def resident() -> int:
    """Bytes of memory that this process, server included, holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def partner_is_unharmed(call: Call) -> None:
    """Bob lies: Ann stays connected, Bob's own view of her goes on."""
    await watch(call.bob, 10)
    assert call.ann.connection.connectionState == "connected"


async def test_lies_in_rtp_harm_nobody_else(relay: Relay) -> None:
    async with live_call(relay.port) as call:
        await send(call.bob, rtp_lies(own_stream(call.bob), 1))
        before = resident()
        for seed in range(5):
            await send(call.bob, rtp_lies(own_stream(call.bob), seed))
            await partner_is_unharmed(call)
        assert resident() - before < LARGEST_GROWTH
        # A new partner sees Ann as if nothing had been.
        async with visit(relay.port) as carol:
            newcomer = MediaVisitor(carol, 120)
            await newcomer.connect()
            await call.bob.visitor.say("leave_room")
            await call.ann.visitor.hear("partner_disconnected")
            await call.ann.visitor.hear("waiting_for_partner")
            await carol.say("find_partner")
            await asyncio.gather(*(visitor.hear("partner_found") for visitor in (call.ann.visitor, carol)))
            await asyncio.gather(watch(newcomer, 5), watch(call.ann, 5))
            await newcomer.close()
    drops = relay.stats().drops
    assert drops[Drop.UNKNOWN_PAYLOAD_TYPE] > 0
    assert drops.get(Drop.RTP_MALFORMED, 0) + drops.get(Drop.SRTP_REJECTED, 0) > 0


async def test_thousands_of_streams_are_not_remembered(relay: Relay) -> None:
    async with live_call(relay.port) as call:
        before = resident()
        await send(call.bob, (rtp(ssrc, 1, b"\x10" + bytes(50)) for ssrc in range(10_000, 15_000)))
        await until(lambda: relay.stats().drops.get(Drop.SRTP_REJECTED, 0) > 4_000)
        await partner_is_unharmed(call)
        assert resident() - before < LARGEST_GROWTH


async def test_wrong_keys_and_replays_are_dropped(relay: Relay) -> None:
    async with live_call(relay.port) as call:
        transport = transport_of(call.bob)
        assert transport._tx_srtp is not None
        sealed = transport._tx_srtp.protect(rtp(own_stream(call.bob), 40_000, b"\x11once"))
        rejected = relay.stats().drops.get(Drop.SRTP_REJECTED, 0)
        for _ in range(500):
            await transport.transport._send(sealed)
            await transport.transport._send(rtp(own_stream(call.bob), 7, os.urandom(100)))
        await until(lambda: relay.stats().drops.get(Drop.SRTP_REJECTED, 0) - rejected >= 999)
        await partner_is_unharmed(call)


async def test_lies_in_rtcp_harm_nobody_else(relay: Relay) -> None:
    async with live_call(relay.port) as call:
        for seed in range(5):
            await send(call.bob, rtcp_lies(own_stream(call.bob), partner_stream(call.bob), seed))
            await partner_is_unharmed(call)
        await watch(call.ann, 5)
    assert relay.stats().drops[Drop.RTCP_MALFORMED] >= 50


async def test_a_flood_from_a_person_in_a_call_leaves_other_calls_alone(relay: Relay) -> None:
    async with live_call(relay.port) as call, live_call(relay.port) as other:
        transport = transport_of(call.bob)
        assert transport._tx_srtp is not None
        ssrc, before = own_stream(call.bob), relay.stats()
        packets = (rtp(ssrc, number, b"\x11" + bytes(20)) for number in range(FLOOD))
        sealed = [transport._tx_srtp.protect(packet) for packet in packets]
        watching = asyncio.gather(*(watch(person, STEADY) for person in other.people))
        started = asyncio.get_running_loop().time()
        for at in range(0, FLOOD, 200):
            for packet in sealed[at : at + 200]:
                await transport.transport._send(packet)
            await asyncio.sleep(0.001)
        await watching
        seconds = asyncio.get_running_loop().time() - started
        await until(lambda: relay.stats().packets_received - before.packets_received >= FLOOD)
        # One who floods is held to their allowance, of each second that has begun, on either engine.
        flooded = relay.stats().drops.get(Drop.FLOODED, 0)
        assert FLOOD - flooded <= PACKETS_PER_SECOND * (seconds + 2)
        assert flooded > 0
        await other.goes_on()
        await partner_is_unharmed(call)


async def test_numbers_and_timestamps_that_leap_keep_nobody_else_waiting(relay: Relay) -> None:
    async with live_call(relay.port) as call, live_call(relay.port) as other:
        began = time.thread_time()
        for number in range(LEAPS):
            leap = rtp(own_stream(call.bob), number * 32_000, b"\x10\x01\x00\x00", time=number << 30)
            await send(call.bob, [leap])
            await asyncio.sleep(0.01)
        # The calls themselves take 19 ms; counted through one by one, each leap cost the frames engine 25 more.
        assert time.thread_time() - began < LEAPS * 0.03
        await other.goes_on()
        assert call.ann.connection.connectionState == "connected"


async def test_a_storm_of_feedback_reaches_the_partner_as_a_breeze(relay: Relay, engine: EngineChoice) -> None:
    async with live_call(relay.port) as call:
        before = resident()
        sent = relay.stats().packets_sent
        started = asyncio.get_running_loop().time()
        for seed in range(5):
            await send(call.bob, storm(own_stream(call.bob), partner_stream(call.bob), seed))
        await partner_is_unharmed(call)
        seconds = asyncio.get_running_loop().time() - started
        # 2,000 requests. What two people send in that time, keyframes included, is a few hundred a second.
        assert relay.stats().packets_sent - sent < 1_500 * seconds + 1_000
        assert resident() - before < LARGEST_GROWTH
        await call.goes_on()
        if engine is EngineChoice.PACKETS:
            # What people ask for goes to them; from them hardly anything was missed.
            figures = relay.engine.stats()
            assert figures.to_peers.missed >= 1_000 > figures.from_peers.missed
    assert relay.stats().drops.get(Drop.FEEDBACK_THROTTLED, 0) > 100


@pytest.fixture
def every_codec(monkeypatch: pytest.MonkeyPatch) -> None:
    """People offer what browsers know, although aiortc can decode only half of it."""
    more = [RTCRtpCodecParameters(f"video/{name}", 90_000, payloadType=number) for name, number in MORE_CODECS.items()]
    monkeypatch.setitem(CODECS, "video", [*CODECS["video"], *more])


def payload_type(person: MediaVisitor, codec: str) -> int | None:
    """As which the person may send the codec on their screen's line."""
    found = re.search(rf"a=rtpmap:(\d+) {codec}/90000", person.answer.split("m=")[3])
    return int(found.group(1)) if found else None


@pytest.mark.usefixtures("every_codec")
@pytest.mark.parametrize("codec", PICTURES)
async def test_pictures_that_claim_to_be_giants_do_not_reach_the_partner(
    relay: Relay, engine: EngineChoice, codec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beginnings of keyframes whose headers ask each decoder for 268 million pixels."""
    async with live_call(relay.port) as call:
        if (number := payload_type(call.ann, codec)) is None:
            assert engine is EngineChoice.FRAMES
            pytest.skip("the frames engine does not negotiate it")
        seen: list[RtpPacket] = []

        async def see(packet: RtpPacket, **_: object) -> None:
            seen.append(packet)

        monkeypatch.setattr(call.bob.connection.getTransceivers()[5].receiver, "_handle_rtp_packet", see)
        ssrc = own_stream(call.ann)

        def pictures(first: int, size: tuple[int, int]) -> Iterator[bytes]:
            for at in range(first, first + 50):
                yield rtp(ssrc, at, PICTURES[codec](*size), first=0x80, payload_type=number, time=3_000 * at)

        if engine is EngineChoice.PACKETS:
            await send(call.ann, pictures(0, (640, 480)))
            await until(lambda: len(seen) == 50)
            assert Drop.PICTURE_TOO_LARGE not in relay.stats().drops
        seen.clear()
        await send(call.ann, pictures(50, GIANT))
        # H264 is limited by its decoder there.
        by_header = engine is EngineChoice.PACKETS or codec == "VP8"
        reason = Drop.PICTURE_TOO_LARGE if by_header else Drop.UNDECODABLE
        await until(lambda: relay.stats().drops.get(reason, 0) >= 40)
        await call.goes_on()
        assert not seen
