"""A hundred shapes of offers, as other browsers and clients write them.

Each is answered, but for the sections that can't be.
"""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from relay.media.terms import PACKETS
from relay.peer.candidates import Reach
from relay.peer.lines import Fingerprint
from relay.peer.negotiation import LocalEnd, consider
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
TERMS = replace(PACKETS, bitrate=2_500_000)

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
