"""The frames engine's parts keep their bounds when somebody is slow or greedy."""

import asyncio
import time
from collections.abc import AsyncIterator
from fractions import Fraction

import pytest
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from aiortc.rtp import AnyRtcpPacket, RtcpPsfbPacket, RtcpRrPacket, RtcpRtpfbPacket, RtpPacket
from av import VideoFrame

from relay import clock
from relay.media.frames.downlink import RETRANSMISSIONS_PER_SECOND, Downlink
from relay.media.frames.srtp import STREAMS_PER_PEER, RejectedError, SrtpContext
from relay.media.frames.track import PushedTrack
from relay.media.frames.uplink import ENCODED_BACKLOG, Source, Uplink
from relay.observe.drops import Drop, Drops
from relay.peer.lines import Codec, Medium, NegotiatedLine, NegotiatedSlot, SrtpKeys, SrtpProfile
from relay.tasks import Tasks
from tests.kit.pictures import encoded_pictures

VP8 = Codec("VP8", 96, 90_000, None, (), (("nack", None),), 97)
LINE = NegotiatedLine("1", Medium.CAMERA, (VP8,), (), 1_000, 2_000)
SLOT = NegotiatedSlot("4", Medium.CAMERA, (VP8,), (), 21, 22)


def fail(task: str, failure: BaseException) -> None:
    raise AssertionError(task) from failure


@pytest.fixture
def drops() -> Drops:
    return Drops()


@pytest.fixture
async def tasks() -> AsyncIterator[Tasks]:
    tasks = Tasks("test", fail)
    yield tasks
    await tasks.close()


def picture(number: int, payload: bytes, *, payload_type: int = 96, sequence: int | None = None) -> RtpPacket:
    packet = RtpPacket(payload_type, 1, number if sequence is None else sequence, number * 3_000, ssrc=1_000)
    packet.payload = payload
    return packet


async def test_a_decoder_that_can_not_keep_up_starts_anew_at_a_keyframe(drops: Drops, tasks: Tasks) -> None:
    sent: list[object] = []
    uplink = Uplink(LINE, 1_000, 21, sent.append, drops, tasks)
    inter = b"\x10\x01\x00\x00"
    # Nothing is awaited, so nothing is decoded meanwhile.
    for number in range(ENCODED_BACKLOG + 10):
        uplink.receive(picture(number, inter))
    assert drops[Drop.DECODER_BACKLOG] == ENCODED_BACKLOG
    await asyncio.sleep(0)
    assert any(isinstance(packet, RtcpPsfbPacket) and packet.media_ssrc == 1_000 for packet in sent)
    uplink.close()


async def test_what_is_watched_is_decoded_and_ends_with_the_watching(drops: Drops, tasks: Tasks) -> None:
    uplink = Uplink(LINE, 1_000, 21, lambda packet: None, drops, tasks)
    track = uplink.subscribe().track
    for number, (payload,) in enumerate(encoded_pictures(4)):
        uplink.receive(picture(number, payload))
    async with asyncio.timeout(5):
        frame = await track.recv()
        assert isinstance(frame, VideoFrame)
        assert (frame.width, frame.height) == (64, 64)
        uplink.close()
        # The relay may hold one more frame; then comes the end.
        with pytest.raises(MediaStreamError):
            await _read_to_the_end(track)


async def _read_to_the_end(track: MediaStreamTrack) -> None:
    while True:
        await track.recv()


async def test_a_lost_packet_is_asked_for(drops: Drops, tasks: Tasks) -> None:
    sent: list[object] = []
    uplink = Uplink(LINE, 1_000, 21, sent.append, drops, tasks)
    for number in (0, 1, 4):
        uplink.receive(picture(number, b"\x10\x01\x00\x00"))
    nacks = [packet for packet in sent if isinstance(packet, RtcpRtpfbPacket)]
    assert [packet.lost for packet in nacks] == [[2, 3]]
    uplink.close()


async def test_a_stream_whose_numbers_leap_keeps_nobody_waiting(drops: Drops, tasks: Tasks) -> None:
    sent: list[object] = []
    uplink = Uplink(LINE, 1_000, 21, sent.append, drops, tasks)
    began = time.thread_time()
    for number in range(200):
        uplink.receive(picture(number, b"\x10\x01\x00\x00", sequence=number * 32_767 % 65_536))
    # Counted through one by one, each took 20 ms.
    assert time.thread_time() - began < 1
    assert not any(isinstance(packet, RtcpRtpfbPacket) for packet in sent)
    uplink.close()


async def test_many_gaps_are_asked_for_together(drops: Drops, tasks: Tasks) -> None:
    sent: asyncio.Queue[AnyRtcpPacket] = asyncio.Queue()
    uplink = Uplink(LINE, 1_000, 21, sent.put_nowait, drops, tasks)
    for number in range(0, 600, 2):
        uplink.receive(picture(number, b"\x10\x01\x00\x00"))
    assert 0 < sent.qsize() < 20
    while not sent.empty():
        sent.get_nowait()
    # What the last of them left is asked for by the next tick.
    await _hear(sent, RtcpRtpfbPacket)
    uplink.close()


async def test_reports_on_a_stream_of_absurd_numbers_can_be_written(drops: Drops, tasks: Tasks) -> None:
    sent: asyncio.Queue[AnyRtcpPacket] = asyncio.Queue()
    uplink = Uplink(LINE, 1_000, 21, sent.put_nowait, drops, tasks)
    uplink.receive(picture(0, b"\x10\x01\x00\x00"))
    uplink._statistics.cycles = 1 << 33
    uplink._statistics._jitter_q4 = 1 << 37
    assert bytes(await _hear(sent, RtcpRrPacket))
    uplink.close()


async def _hear(sent: asyncio.Queue[AnyRtcpPacket], kind: type[AnyRtcpPacket]) -> AnyRtcpPacket:
    async with asyncio.timeout(5):
        while not isinstance(packet := await sent.get(), kind):
            pass
    return packet


@pytest.mark.parametrize(
    ("packet", "reason"),
    [
        (picture(0, b"x", payload_type=13), Drop.UNKNOWN_PAYLOAD_TYPE),
        (picture(0, b"\x80"), Drop.RTP_MALFORMED),
    ],
)
async def test_what_does_not_fit_is_dropped(drops: Drops, tasks: Tasks, packet: RtpPacket, reason: Drop) -> None:
    uplink = Uplink(LINE, 1_000, 21, lambda packet: None, drops, tasks)
    uplink.receive(packet)
    assert drops[reason] == 1
    uplink.close()


async def test_a_huge_picture_is_not_decoded(drops: Drops, tasks: Tasks) -> None:
    uplink = Uplink(LINE, 1_000, 21, lambda packet: None, drops, tasks)
    huge = b"\x10" + b"\x10\x00\x00\x9d\x01\x2a\xff\x3f\xff\x3f" + bytes(50)
    uplink.receive(picture(0, huge))
    uplink.receive(picture(1, huge))
    assert drops[Drop.PICTURE_TOO_LARGE] == 1
    uplink.close()


def test_streams_are_counted_by_their_ssrc_and_one_too_many_is_rejected() -> None:
    key, other = bytes(28), bytes(range(28))
    sender = SrtpContext(SrtpKeys(SrtpProfile.AEAD_AES_128_GCM, other, key))
    receiver = SrtpContext(SrtpKeys(SrtpProfile.AEAD_AES_128_GCM, key, other))

    def sent(ssrc: int, number: int) -> bytes:
        return sender.seal_rtp(RtpPacket(96, 1, number, 0, ssrc=ssrc).serialize() + bytes([number]) * 9)

    # One stream, whatever is in it.
    for number in range(2 * STREAMS_PER_PEER):
        assert receiver.open_rtp(sent(1, number))
    for ssrc in range(2, STREAMS_PER_PEER + 1):
        assert receiver.open_rtp(sent(ssrc, 0))
    with pytest.raises(RejectedError):
        receiver.open_rtp(sent(STREAMS_PER_PEER + 1, 0))


async def test_a_slow_reader_of_a_track_gets_the_newest_frames(drops: Drops) -> None:
    track = PushedTrack("video", 2, drops)
    frames = [VideoFrame(16, 16, "yuv420p") for _ in range(5)]
    for frame in frames:
        track.push(frame)
    assert [await track.recv(), await track.recv()] == frames[3:]
    assert drops[Drop.SLOT_BACKLOG] == 3


async def test_a_stopped_track_ends_the_waiting_for_it(drops: Drops) -> None:
    track = PushedTrack("video", 2, drops)
    reading = asyncio.ensure_future(track.recv())
    await asyncio.sleep(0)
    track.stop()
    with pytest.raises(MediaStreamError):
        await reading


async def test_keyframes_and_retransmissions_are_granted_within_a_budget(
    drops: Drops, tasks: Tasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "monotonic", lambda: 100.0)
    downlink = Downlink(SLOT, lambda packet: None, drops, tasks)
    for _ in range(10):
        downlink.request_keyframe()
    assert drops[Drop.FEEDBACK_THROTTLED] == 9
    nack = RtcpRtpfbPacket(fmt=1, ssrc=1, media_ssrc=21)
    nack.lost = list(range(RETRANSMISSIONS_PER_SECOND + 50))
    await downlink.handle_rtcp(nack)
    assert drops[Drop.FEEDBACK_THROTTLED] == 9 + 50
    # And it is spent: within the same second nothing more is retransmitted.
    nack.lost = list(range(RETRANSMISSIONS_PER_SECOND))
    await downlink.handle_rtcp(nack)
    assert drops[Drop.FEEDBACK_THROTTLED] == 9 + 50 + RETRANSMISSIONS_PER_SECOND
    await downlink.close()


async def test_a_closed_slot_shows_and_sends_nothing_more(drops: Drops, tasks: Tasks) -> None:
    before = asyncio.all_tasks()
    sent: asyncio.Queue[bytes] = asyncio.Queue()
    source = PushedTrack("video", 1, drops)
    downlink = Downlink(SLOT, sent.put_nowait, drops, tasks)
    downlink.show(Source(source, lambda timestamp: None))
    source.push(black())
    async with asyncio.timeout(5):
        await sent.get()
    await downlink.close()
    assert source.readyState == "ended", "nobody reads it any more"
    async with asyncio.timeout(5):
        while len(tasks):  # noqa: ASYNC110 - what was cancelled ends by itself
            await asyncio.sleep(0)
    assert asyncio.all_tasks() == before, "nobody encodes, and nobody writes reports"
    while not sent.empty():
        sent.get_nowait()
    source.push(black())
    await asyncio.sleep(0)
    assert sent.empty()
    await downlink.close()


async def test_a_slot_that_never_showed_anything_ends_as_well(drops: Drops, tasks: Tasks) -> None:
    before = asyncio.all_tasks()
    downlink = Downlink(SLOT, lambda packet: None, drops, tasks)
    await downlink.close()
    assert asyncio.all_tasks() == before


def black() -> VideoFrame:
    frame = VideoFrame(64, 64, "yuv420p")
    for plane in frame.planes:
        plane.update(bytes(plane.buffer_size))
    frame.pts, frame.time_base = 0, Fraction(1, 90_000)
    return frame
