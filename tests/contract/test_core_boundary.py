"""What crosses the boundary to the native core: by name, and frozen."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import cast

import pytest

from relay import native
from relay.ids import PeerId
from relay.peer.lines import Codec, LineId, Medium, NegotiatedLine, NegotiatedSlot, SlotId

if not native.BUILT:
    pytest.skip("the native core is not built", allow_module_level=True)

from relay.native import Core, NoCommonCodec

SENDER, WATCHER = PeerId(1), PeerId(2)
OPUS = Codec("opus", 111, 48_000, 2, (), (), None)
VP8 = Codec("VP8", 96, 90_000, None, (), (), 97)
H264 = Codec("H264", 98, 90_000, None, (), (), 99)


def line(medium: Medium, codec: Codec) -> NegotiatedLine:
    return NegotiatedLine(medium, medium, (codec,), ((1, "urn:ietf:params:rtp-hdrext:sdes:mid"),), 7, None)


def slot(medium: Medium, codec: Codec, seat: int = 0) -> NegotiatedSlot:
    return NegotiatedSlot(medium, medium, (codec,), ((1, "urn:nobody:knows"),), 8, 9, seat)


@pytest.fixture
def core() -> Iterator[Core]:
    core = Core(["127.0.0.1"], 0, threads=1, buffer=100_000, consent=30, silence=7, gathering=0.001, cache=1 << 20)
    yield core
    core.close()


def test_every_medium_of_python_s_is_one_of_the_core_s(core: Core) -> None:
    for peer, medium in enumerate(Medium, 1):
        codec = OPUS if medium is Medium.MICROPHONE else VP8
        core.open(peer, (line(medium, codec),), (slot(medium, codec),), 1_000_000)
        core.route(SlotId(PeerId(peer), medium), LineId(PeerId(peer), medium))
    assert {of.peer for of in core.peers()} == set(range(1, len(Medium) + 1))


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (replace(slot(Medium.CAMERA, VP8), medium=cast("Medium", "smell")), "unknown medium"),
        (slot(Medium.CAMERA, replace(VP8, name="Theora")), "unknown codec"),
        (slot(Medium.CAMERA, VP8, seat=4), "there are fewer seats"),
    ],
)
def test_what_the_core_does_not_know_is_refused(core: Core, wrong: NegotiatedSlot, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        core.open(SENDER, (), (wrong,), 1_000_000)
    assert core.peers() == []


def test_an_event_names_the_slot_with_its_seat(core: Core) -> None:
    core.open_transcoder(SENDER, line(Medium.CAMERA, VP8), slot(Medium.CAMERA, VP8), 1_000_000)
    core.open_transcoder(WATCHER, line(Medium.CAMERA, H264), slot(Medium.CAMERA, H264, seat=2), 1_000_000)
    core.route(SlotId(WATCHER, Medium.CAMERA, seat=2), LineId(SENDER, Medium.CAMERA))
    keyframe = bytes([0x10, 0, 0, 0, 0x9D, 1, 0x2A, 0x40, 0, 0x40, 0])
    core.inject(SENDER, bytes([0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7]) + keyframe)
    deadline = time.monotonic() + 5
    while not (events := core.events(10)) and time.monotonic() < deadline:
        time.sleep(0.01)
    (event,) = events
    assert isinstance(event, NoCommonCodec)
    assert SlotId(PeerId(event.peer), Medium(event.medium), event.seat) == SlotId(WATCHER, Medium.CAMERA, 2)


def test_figures_and_events_can_not_be_changed(core: Core) -> None:
    core.open(SENDER, (), (), 1_000_000)
    for figures in (core.totals(), core.totals().to_peers, *core.peers(), *core.granted()):
        for name in (name for name in dir(figures) if not name.startswith("_")):
            with pytest.raises(AttributeError):
                setattr(figures, name, 0)
