"""A transcoder on the real core, with real codecs: one stream in the clear becomes one that the watcher understands.

Who sends and who watches are transcoders of the core themselves, since those need no handshake.
"""

import asyncio
from collections.abc import AsyncIterator
from fractions import Fraction

import numpy as np
import pytest
from aiortc.codecs import depayload
from aiortc.codecs.vpx import Vp8Encoder
from aiortc.jitterbuffer import JitterFrame
from aiortc.rtp import RTCP_PSFB_PLI, RtcpPacket, RtcpPsfbPacket, RtpPacket, is_rtcp
from av import VideoFrame

from relay import native
from relay.ids import PeerId
from relay.media.transcoder import Transcoders
from relay.observe.drops import Drop, Drops
from relay.peer.aiortc_bridge import make_decoder
from relay.peer.lines import Codec, LineId, Medium, NegotiatedLine, NegotiatedSlot, SlotId
from relay.peer.parameters import codec_parameters
from relay.transport.native import NativePort
from tests.contract.media_ports import Listener
from tests.kit.payers import HOME
from tests.kit.ports import free_port

pytestmark = pytest.mark.skipif(not native.BUILT, reason="the native core is not built")

SENDER, WATCHER = PeerId(1), PeerId(2)
ALLOWED = 400_000
"""Bits per second."""
VP8 = Codec("VP8", 96, 90_000, None, (), (), None)
H264 = Codec("H264", 108, 90_000, None, (), (), None)
SLOT, SOURCE = SlotId(WATCHER, Medium.CAMERA), LineId(SENDER, Medium.CAMERA)
SEQUENCE_PARAMETERS = b"\x00\x00\x00\x01\x67"
GREEN = (145, 54, 34)
"""Y, Cb, Cr."""


def camera(codec: Codec, ssrc: int) -> NegotiatedLine:
    return NegotiatedLine("", Medium.CAMERA, (codec,), (), ssrc, None)


def shown(codec: Codec, ssrc: int) -> NegotiatedSlot:
    return NegotiatedSlot("", Medium.CAMERA, (codec,), (), ssrc, ssrc + 1)


class World:
    """A sender of VP8, a watcher of H264, and what reached whom."""

    def __init__(self, most: int = 1) -> None:
        self.drops = Drops()
        self.failures: list[BaseException] = []
        self.port = NativePort(
            threads=1,
            gathering=0.001,
            people=2,
            cache=1 << 20,
            report=lambda task, failure: self.failures.append(failure),
        )
        self.port.transcoders = self
        self.port.open(("127.0.0.1",), free_port(), Listener())
        self.taken: list[SlotId] = []
        self.transcoders = Transcoders(
            self.port,
            most,
            ALLOWED,
            self.drops,
            lambda task, failure: self.failures.append(failure),
            self.taken.append,
        )
        self.watched: asyncio.Queue[RtpPacket] = asyncio.Queue()
        self.asked: asyncio.Queue[RtcpPsfbPacket] = asyncio.Queue()
        self.lacking: asyncio.Queue[SlotId] = asyncio.Queue()
        self.encoder = Vp8Encoder()
        self.sequence = self.pictures = 0
        core = self.port.core
        core.open_transcoder(SENDER, camera(VP8, 11), shown(VP8, 12), 2_500_000)
        core.open_transcoder(WATCHER, camera(H264, 21), shown(H264, 22), 2_500_000)
        core.route(SLOT, SOURCE)

    def lacks_codec(self, peer: PeerId, medium: str, seat: int) -> None:
        self.lacking.put_nowait(SlotId(peer, Medium(medium), seat))

    def for_transcoder(self, peer: PeerId, packet: bytes) -> None:
        if peer not in (SENDER, WATCHER):
            self.transcoders.receive(peer, packet)
        elif not is_rtcp(packet):
            self.watched.put_nowait(RtpPacket.parse(packet))
        elif peer == SENDER:
            for report in RtcpPacket.parse(packet):
                if isinstance(report, RtcpPsfbPacket):
                    self.asked.put_nowait(report)

    def send(self, payload: bytes, *, last: bool = True) -> None:
        """One RTP packet of the sender's."""
        packet = RtpPacket(96, int(last), self.sequence % 65_536, self.pictures * 3_000 % 2**32, ssrc=11)
        packet.payload = payload
        self.port.core.inject(SENDER, packet.serialize())
        self.sequence += 1

    def show(self, *, keyframe: bool = False) -> None:
        """One green picture."""
        frame = VideoFrame.from_ndarray(
            np.concatenate([np.full(160 * 120, GREEN[0]), np.full(80 * 60, GREEN[1]), np.full(80 * 60, GREEN[2])])
            .astype(np.uint8)
            .reshape(180, 160),
            format="yuv420p",
        )
        frame.pts, frame.time_base = self.pictures * 3_000, Fraction(1, 90_000)
        payloads, _ = self.encoder.encode(frame, force_keyframe=keyframe)
        for payload in payloads:
            self.send(payload, last=payload is payloads[-1])
        self.pictures += 1

    async def showing(self) -> None:
        """Green pictures without end, a keyframe whenever one is asked for."""
        while True:
            wanted = [self.asked.get_nowait() for _ in range(self.asked.qsize())]
            self.show(keyframe=any(packet.fmt == RTCP_PSFB_PLI for packet in wanted))
            await asyncio.sleep(0.02)

    async def watch(self) -> AsyncIterator[VideoFrame]:
        """What a watcher sees who comes now."""
        (codec,) = codec_parameters("video", (H264,))
        decoder, data, began = make_decoder(codec), b"", False
        while True:
            packet = await self.watched.get()
            data += depayload(codec, packet.payload)
            began |= SEQUENCE_PARAMETERS in data
            if packet.marker:
                for frame in decoder.decode(JitterFrame(data, packet.timestamp)) if began else ():
                    if isinstance(frame, VideoFrame):
                        yield frame
                data = b""


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    async with asyncio.timeout(20):
        yield world
    await world.transcoders.close()
    await world.port.close()
    assert world.failures == []


async def while_showing(world: World, seen: int = 1) -> VideoFrame:
    """The last of so many pictures."""
    showing = asyncio.ensure_future(world.showing())
    pictures = world.watch()
    try:
        return [await anext(pictures) for _ in range(seen)][-1]
    finally:
        showing.cancel()


async def test_a_stream_is_converted_with_its_colours_once_the_core_says_that_it_must_be(world: World) -> None:
    world.show(keyframe=True)
    assert await world.lacking.get() == SLOT
    assert world.transcoders.begin(SLOT, SOURCE, (H264,), HOME)
    frame = await while_showing(world, 5)
    luma, *chroma = np.split(frame.to_ndarray(), [120, 150])
    assert np.abs(np.subtract([luma.mean(), *(plane.mean() for plane in chroma)], GREEN)).max() < 6
    assert world.transcoders.encoded >= 5
    world.transcoders.end(SLOT)
    assert len(world.transcoders) == 0


async def test_a_hostile_bitstream_hurts_nobody_and_a_good_picture_comes_after_it(world: World) -> None:
    world.transcoders.begin(SLOT, SOURCE, (H264,), HOME)
    numbers = np.random.default_rng(7)
    for number in range(200):
        # Keyframes of 320 x 240 by their header, full of noise; every tenth of a size that nobody should allocate.
        size = b"\xff\x3f\xff\x3f" if number % 10 == 0 else b"\x40\x01\xf0\x00"
        world.send(b"\x10" + b"\x10\x02\x00\x9d\x01\x2a" + size + numbers.bytes(300))
        world.pictures += 1
        await asyncio.sleep(0)
    frame = await while_showing(world)
    assert (frame.width, frame.height) in ((160, 120), (320, 240))
    assert world.drops[Drop.UNDECODABLE] > 0


async def test_no_more_transcoders_than_allowed_and_none_without_a_codec_to_encode(world: World) -> None:
    assert not world.transcoders.begin(SLOT, SOURCE, (Codec("AV1", 45, 90_000, None, (), (), None),), HOME)
    assert world.transcoders.begin(SLOT, SOURCE, (H264,), HOME)
    assert not world.transcoders.begin(SlotId(SENDER, Medium.CAMERA), SOURCE, (H264,), HOME)
    world.transcoders.end_of(SENDER)
    assert world.transcoders.begin(SLOT, SOURCE, (H264,), HOME)
    world.transcoders.end(SLOT)
    world.transcoders.end(SLOT)
    assert len(world.transcoders) == 0


async def test_a_watcher_who_lost_the_picture_gets_a_keyframe_of_the_transcoder_alone(world: World) -> None:
    world.transcoders.begin(SLOT, SOURCE, (H264,), HOME)
    await while_showing(world, 3)
    await asyncio.sleep(0.6)  # a request that is under way counts for this one too
    while not world.watched.empty():
        world.watched.get_nowait()
    pli = RtcpPsfbPacket(fmt=RTCP_PSFB_PLI, ssrc=21, media_ssrc=22)
    world.port.core.inject(WATCHER, bytes(pli))
    # A new decoder shows nothing before a keyframe.
    await while_showing(world)


async def test_the_transcoder_of_a_silent_source_ends_and_begins_anew(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relay.media.transcoder.IDLE", 0.5)
    world.transcoders.begin(SLOT, SOURCE, (H264,), HOME)
    await while_showing(world)
    while len(world.transcoders):  # noqa: ASYNC110 - nobody announces it
        await asyncio.sleep(0.05)
    world.lacking = asyncio.Queue()
    world.show(keyframe=True)
    assert await world.lacking.get() == SLOT
    assert world.transcoders.begin(SLOT, SOURCE, (H264,), HOME)
    await while_showing(world)


async def test_the_encoder_follows_what_the_core_allows(world: World) -> None:
    world.transcoders.begin(SLOT, SOURCE, (H264,), HOME)
    await while_showing(world)
    (downlink,) = next(iter(world.transcoders._peers.values())).frames._slots.values()
    while downlink.bitrate != ALLOWED:  # noqa: ASYNC110 - nobody announces it
        await asyncio.sleep(0.05)
