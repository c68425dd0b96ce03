"""One suite for every engine, on its own port: what the switchboard relies on."""

import re
import socket
from collections.abc import AsyncIterator

import pytest

from relay import native
from relay.config.settings import EngineChoice, MediaSettings
from relay.errors import ConfigurationError
from relay.ids import PeerId
from relay.media.choice import Media, choose
from relay.media.engine import Engine
from relay.media.packets import PacketsEngine
from relay.observe.drops import Drop, Drops
from relay.peer.lines import LineId, Medium, SlotId, SrtpKeys, SrtpProfile
from relay.peer.negotiation import PLAYOUT_DELAY, TRANSPORT_CC
from tests.kit.offers import OFFER, negotiated
from tests.kit.payers import HOME
from tests.kit.people import until
from tests.kit.ports import free_port

ANN, BOB, NOBODY = PeerId(1), PeerId(2), PeerId(99)


class Listener:
    """Nothing comes in these tests."""

    def flow_selected(self, *_: object) -> None: ...
    def flow_quiet(self, *_: object) -> None: ...
    def flow_heard(self, *_: object) -> None: ...
    def flow_lost(self, *_: object) -> None: ...
    def dtls_received(self, *_: object) -> None: ...
    def stays_dark(self, *_: object) -> None: ...


def _fail(task: str, failure: BaseException) -> None:
    raise AssertionError(task) from failure


@pytest.fixture(params=list(EngineChoice))
async def media(request: pytest.FixtureRequest) -> AsyncIterator[Media]:
    if request.param is EngineChoice.PACKETS and not native.BUILT:
        pytest.skip("the native core is not built")
    media = choose(MediaSettings(engine=request.param), people=2, cache=1 << 20, drops=Drops(), report=_fail)
    media.open(("127.0.0.1",), free_port(), Listener())
    yield media
    await media.engine.stop()
    await media.port.close()


@pytest.fixture
def engine(media: Media) -> Engine:
    return media.engine


def keys() -> SrtpKeys:
    return SrtpKeys(SrtpProfile.AEAD_AES_128_GCM, bytes(28), bytes(range(28)))


def camera(peer: PeerId) -> LineId:
    return LineId(peer, Medium.CAMERA)


def show(peer: PeerId) -> SlotId:
    return SlotId(peer, Medium.CAMERA)


async def test_routes_are_counted_and_end_with_either_end(engine: Engine) -> None:
    for peer in (ANN, BOB):
        engine.open(peer, negotiated(engine), HOME)
        engine.secure(peer, keys())
    engine.route(show(ANN), camera(BOB))
    engine.route(show(BOB), camera(ANN))
    assert (engine.stats().peers, engine.stats().routes) == (2, 2)
    engine.route(show(BOB), None)
    assert engine.stats().routes == 1
    engine.close(BOB)
    assert (engine.stats().peers, engine.stats().routes) == (1, 0)


async def test_who_is_not_there_is_ignored(engine: Engine) -> None:
    engine.open(ANN, negotiated(engine), HOME)
    engine.secure(NOBODY, keys())
    engine.route(show(NOBODY), camera(ANN))
    engine.route(show(ANN), camera(NOBODY))
    engine.close(NOBODY)
    assert (engine.stats().peers, engine.stats().routes) == (1, 0)


async def test_a_peer_some_of_whose_sections_were_refused_is_like_any(engine: Engine) -> None:
    without_video = re.sub(r"(VP8|H264|VP9|AV1)/90000", "H266/90000", OFFER)
    engine.open(ANN, negotiated(engine, without_video), HOME)
    engine.open(BOB, negotiated(engine), HOME)
    for peer, other in ((ANN, BOB), (BOB, ANN)):
        engine.secure(peer, keys())
        for medium in Medium:
            engine.route(SlotId(peer, medium), LineId(other, medium))
    engine.close(ANN)
    engine.close(BOB)
    assert (engine.stats().peers, engine.stats().routes) == (0, 0)


async def test_closing_and_stopping_twice_is_harmless(engine: Engine) -> None:
    engine.open(ANN, negotiated(engine), HOME)
    engine.close(ANN)
    engine.close(ANN)
    await engine.stop()
    await engine.stop()
    assert engine.stats().peers == 0


async def test_transport_feedback_is_agreed_only_where_the_engine_gives_it(media: Media) -> None:
    agreed = negotiated(media.engine)
    gives = media.choice is EngineChoice.PACKETS
    for line in agreed.lines:
        assert (TRANSPORT_CC in [uri for _, uri in line.extensions]) == gives
    assert all(TRANSPORT_CC not in [uri for _, uri in slot.extensions] for slot in agreed.slots)


async def test_playout_delay_is_agreed_only_where_the_engine_tells_it(media: Media) -> None:
    agreed = negotiated(media.engine)
    tells = media.choice is EngineChoice.PACKETS
    shown = [slot for slot in agreed.slots if slot.medium is not Medium.MICROPHONE]
    assert all((PLAYOUT_DELAY in [uri for _, uri in slot.extensions]) == tells for slot in shown)
    assert all(PLAYOUT_DELAY not in [uri for _, uri in line.extensions] for line in agreed.lines)


async def test_every_open_peer_has_statistics_where_peers_are_counted(media: Media) -> None:
    media.engine.open(ANN, negotiated(media.engine), HOME)
    assert list(media.engine.peer_stats()) == ([ANN] if media.choice is EngineChoice.PACKETS else [])
    media.engine.close(ANN)
    assert list(media.engine.peer_stats()) == []


def test_by_default_packets_are_forwarded_where_the_core_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    if native.BUILT:
        assert (
            choose(MediaSettings(), people=2, cache=1 << 20, drops=Drops(), report=_fail).choice is EngineChoice.PACKETS
        )
    monkeypatch.setattr(native, "BUILT", False)
    chosen = choose(MediaSettings(), people=2, cache=1 << 20, drops=Drops(), report=_fail)
    assert chosen.choice is EngineChoice.FRAMES
    assert "not built" in chosen.reason


def test_packets_without_the_core_are_a_mistake_in_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "BUILT", False)
    with pytest.raises(ConfigurationError, match="Rust"):
        choose(MediaSettings(engine=EngineChoice.PACKETS), people=2, cache=1 << 20, drops=Drops(), report=_fail)


# The other engine decodes everything.
@pytest.mark.parametrize("media", [EngineChoice.PACKETS], indirect=True)
async def test_a_slot_that_stays_dark_is_told_of_anew_for_each_source(media: Media) -> None:
    engine = media.engine
    assert isinstance(engine, PacketsEngine)
    told: list[SlotId] = []

    class Hears:
        def stays_dark(self, slot: SlotId) -> None:
            told.append(slot)

    engine.listener = Hears()
    foreign = re.sub(r"(VP8|H264|VP9)/90000", "H266/90000", OFFER)
    for peer in (ANN, BOB):
        engine.open(peer, negotiated(engine, foreign), HOME)
    for _ in range(2):
        engine.route(show(ANN), camera(BOB))
        # The core asks again with every picture.
        for _ in range(3):
            engine.lacks_codec(ANN, Medium.CAMERA, 0)
    assert told == [show(ANN)] * 2


async def test_what_both_sides_dropped_is_added_up() -> None:
    """The core counts for itself, and Python what it threw away."""
    if not native.BUILT:
        pytest.skip("the native core is not built")
    drops, number = Drops(), free_port()
    media = choose(MediaSettings(engine=EngineChoice.PACKETS), people=2, cache=1 << 20, drops=drops, report=_fail)
    media.open(("127.0.0.1",), number, Listener())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.sendto(b"\x80" + bytes(30), ("127.0.0.1", number))
    await until(lambda: bool(media.engine.stats().drops))
    ((reason, amount),) = media.engine.stats().drops.items()
    drops.count(Drop(reason))
    drops.count(Drop(reason))
    assert media.engine.stats().drops == {reason: amount + 2}
    await media.engine.stop()
    await media.port.close()


async def test_both_ways_of_a_peer_are_told_where_peers_are_counted(media: Media) -> None:
    media.engine.open(ANN, negotiated(media.engine), HOME)
    for stats in media.engine.peer_stats().values():
        assert stats.round_trip is None
        for way in (stats.to_peer, stats.from_peer):
            assert way is not None
            assert (way.missed, way.retransmitted, way.loss, way.kept, way.cap) == (0, 0, 0.0, 0, None)
    assert media.engine.stats().bytes_kept == 0
