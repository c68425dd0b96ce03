"""What many browsers offer alike is read and decided once; what is somebody's own is read each time."""

import re
from dataclasses import replace

import pytest
from aiortc import sdp

from relay.errors import RelayError
from relay.media.terms import PACKETS
from relay.observe.ignored import LineKind, Why
from relay.peer import negotiation, offer
from relay.peer.candidates import Reach
from relay.peer.lines import Fingerprint, Negotiated
from relay.peer.negotiation import LocalEnd, consider
from relay.peer.offer import LONGEST_OUTLINE, OUTLINES_KEPT, read
from relay.protocol.messages import Role
from tests.kit.clients import chromium, firefox, libraries, safari
from tests.kit.clients.shape import Shape
from tests.kit.offers import FINGERPRINT, OFFER, ROLES

TERMS = replace(PACKETS, bitrate=2_500_000)
LOCAL_END = LocalEnd("ourufrag1234", "o" * 32, (Fingerprint("sha-256", "CD:EF"),), Reach(("192.0.2.1",), 1, 2))
THEIRS = "sha-256 " + ":".join(["12"] * 32)
OTHER = (
    OFFER.replace("wxyz", "another").replace("ppp", "qqq").replace(FINGERPRINT, THEIRS).replace("a=ssrc:1", "a=ssrc:7")
)
SHAPES = [*chromium.SHAPES, *firefox.SHAPES, *safari.SHAPES, *libraries.SHAPES]


def agree(text: str, roles: dict[str, Role] = ROLES, local_end: LocalEnd = LOCAL_END) -> Negotiated:
    return consider(text, roles, TERMS).answer(local_end, range(11, 23))


def test_who_offers_alike_shares_what_was_read() -> None:
    assert read(OFFER).outlines is read(OTHER).outlines
    assert consider(OFFER, ROLES, TERMS).plan is consider(OTHER, ROLES, TERMS).plan


def test_what_is_somebodys_own_is_not_shared() -> None:
    one, other = agree(OFFER), agree(OTHER)
    assert (one.remote.ufrag, other.remote.ufrag) == ("wxyz", "another")
    assert one.remote.password[0] + other.remote.password[0] == "pq"
    assert (one.fingerprints[0].value[:2], other.fingerprints[0].value[:2]) == ("AB", "12")
    assert (one.lines[0].ssrc, other.lines[0].ssrc) == (1_000, 7_000)


def test_ours_is_each_answers_own() -> None:
    other = agree(
        OFFER, local_end=LocalEnd("otherufrag12", "x" * 32, (Fingerprint("sha-256", "AA"),), Reach(("::1",), 3))
    )
    assert "ourufrag" in agree(OFFER).answer
    assert "ourufrag" not in other.answer
    assert re.findall(r"a=candidate:.*", other.answer) == ["a=candidate:0 1 udp 2130706431 ::1 3 typ host\r"]


def test_what_is_passed_over_counts_for_everybody() -> None:
    spoilt = OFFER.replace("a=extmap:2 ", "a=extmap:no ").replace("a=ssrc:1", "a=ssrc:no")
    first, second = agree(spoilt).ignored, agree(spoilt).ignored
    assert first == second
    assert first is not second
    assert first[LineKind.EXTENSION, Why.MALFORMED] == 6
    assert first[LineKind.SSRC, Why.MALFORMED] == 3


def test_other_roles_and_other_terms_are_decided_for_themselves() -> None:
    without = {mid: role for mid, role in ROLES.items() if mid != "2"}
    assert [line.mid for line in agree(OFFER).lines] == ["0", "1", "2"]
    assert [line.mid for line in agree(OFFER, without).lines] == ["0", "1"]
    assert "b=TIAS" not in consider(OFFER, ROLES, PACKETS).answer(LOCAL_END, range(11, 23)).answer


def test_what_can_not_be_served_is_refused_each_time() -> None:
    broken = OFFER.replace("m=audio 9", "m=audio x", 1)
    for _ in range(2):
        with pytest.raises(RelayError, match="not readable"):
            consider(broken, ROLES, TERMS)


def test_only_so_much_is_kept_of_what_strangers_offer() -> None:
    for number in range(3 * OUTLINES_KEPT):
        agree(OFFER.replace("opus/48000/2", f"opus/48000/2\na=fmtp:111 x={number}"))
    assert offer._outlines.cache_info().currsize == OUTLINES_KEPT
    assert negotiation._plan.cache_info().currsize == negotiation.PLANS_KEPT
    kept = offer._outlines.cache_info().misses
    long = OFFER + "a=fmtp:96 " + "x" * LONGEST_OUTLINE + "\n"
    assert read(long).outlines is not read(long).outlines
    assert offer._outlines.cache_info().misses == kept


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_an_answer_is_what_aiortc_would_write(shape: Shape) -> None:
    answer = agree(shape.offer, dict(shape.roles)).answer
    assert "b=TIAS:" in answer or "m=video 9" not in answer
    assert str(sdp.SessionDescription.parse(answer)) == re.sub(r"b=TIAS:.*\r\n", "", answer)
