"""A hundred shapes of offers, as other browsers and clients write them.

Each is answered, but for the sections that can't be.
"""

from collections.abc import Sequence

import pytest

from relay.peer.candidates import Reach
from relay.peer.lines import Fingerprint
from relay.peer.negotiation import PLAYOUT_DELAY, TRANSPORT_CC, LocalEnd, Terms, consider
from tests.kit.clients import chromium, firefox, libraries, munged, safari
from tests.kit.clients.check import check
from tests.kit.clients.shape import Shape

SHAPES: Sequence[Shape] = [
    *chromium.SHAPES,
    *firefox.SHAPES,
    *safari.SHAPES,
    *libraries.SHAPES,
    *munged.SHAPES,
]
TERMS = Terms(
    audio=("opus",),
    video=("VP8", "H264", "VP9", "AV1"),
    line_feedback=(("transport-cc", None), ("nack", None), ("nack", "pli"), ("ccm", "fir")),
    slot_feedback=(("goog-remb", None), ("nack", None), ("nack", "pli"), ("ccm", "fir")),
    line_extensions=(TRANSPORT_CC,),
    slot_extensions=(PLAYOUT_DELAY,),
    bitrate=2_500_000,
)
"""As of the packets engine."""

LOCAL_END = LocalEnd(
    "ourufrag1234", "o" * 32, (Fingerprint("sha-256", "CD:EF"),), Reach(("2001:db8::1", "192.0.2.1"), 1, 2)
)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_an_offer_is_answered_sanely(shape: Shape) -> None:
    negotiated = consider(shape.offer, shape.roles, TERMS).answer(LOCAL_END, range(11, 23))
    check(shape, negotiated.answer)
    assert {line.mid for line in negotiated.lines if line.ssrc is None} == set(shape.learnt)
    assert {role for mid, role in shape.roles.items() if mid in shape.refused} == set(negotiated.refused)


def test_there_are_a_hundred_and_no_two_alike() -> None:
    assert len(SHAPES) >= 100
    assert len({shape.offer for shape in SHAPES}) == len({shape.name for shape in SHAPES}) == len(SHAPES)
