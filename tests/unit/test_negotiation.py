import re
from dataclasses import replace

import pytest
from aiortc import sdp
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import ErrorCode, RelayError
from relay.media.terms import FRAMES
from relay.observe.ignored import LineKind, Why
from relay.peer.candidates import Reach
from relay.peer.lines import DtlsRole, Fingerprint, Medium, Negotiated
from relay.peer.negotiation import LONGEST_MID, MID, PROFILES, LocalEnd, Terms, consider
from relay.protocol.messages import Role
from tests.kit.offers import ROLES, offer

LOCAL_END = LocalEnd(
    ufrag="ourufrag1234",
    password="o" * 32,
    fingerprints=(Fingerprint("sha-256", "CD:EF"),),
    reach=Reach(("192.0.2.1", "2001:db8::1"), 8080, 8081),
)
SSRCS = (11, 12, 21, 22, 31, 32)
EVERYTHING = Terms(
    audio=("opus",),
    video=("VP8", "H264", "VP9", "AV1"),
    line_feedback=FRAMES.line_feedback,
    slot_feedback=FRAMES.slot_feedback,
)


def agree(text: str | None = None, roles: dict[str, Role] = ROLES, terms: Terms = EVERYTHING) -> Negotiated:
    return consider(text if text is not None else offer(), roles, terms).answer(LOCAL_END, SSRCS)


def sections(negotiated: Negotiated) -> list[str]:
    return negotiated.answer.split("m=")[1:]


def test_each_line_is_received_and_each_slot_is_sent() -> None:
    directions = [re.findall(r"a=(sendonly|recvonly)", section) for section in sections(agree())]
    assert directions == [["recvonly"]] * 3 + [["sendonly"]] * 3


def test_the_browsers_ssrcs_are_taken_and_ours_announced() -> None:
    negotiated = agree()
    assert [(line.medium, line.ssrc, line.rtx_ssrc) for line in negotiated.lines] == [
        (Medium.MICROPHONE, 1_000, None),
        (Medium.CAMERA, 1_001, 2_001),
        (Medium.SCREEN, 1_002, 2_002),
    ]
    assert [(slot.medium, slot.ssrc, slot.rtx_ssrc) for slot in negotiated.slots] == [
        (Medium.MICROPHONE, 11, 12),
        (Medium.CAMERA, 21, 22),
        (Medium.SCREEN, 31, 32),
    ]
    assert "a=ssrc-group:FID 21 22" in negotiated.answer
    assert "a=ssrc:11 cname:relay" in negotiated.answer
    assert "12" not in re.findall(r"a=ssrc:(\d+)", negotiated.answer)


def test_codecs_keep_the_browsers_numbers_in_our_order_of_preference() -> None:
    camera = agree().lines[1]
    assert [(codec.name, codec.payload_type, codec.rtx_payload_type) for codec in camera.codecs] == [
        ("VP8", 96, 97),
        ("H264", 108, 109),
        ("VP9", 98, 99),
        ("AV1", 45, 46),
    ]


def test_what_the_engine_can_not_do_is_not_accepted() -> None:
    assert [codec.name for codec in agree(terms=FRAMES).lines[1].codecs] == ["VP8", "H264"]


def test_what_costs_or_leaks_a_senders_state_is_refused() -> None:
    answer = agree().answer
    for refused in ("red", "ulpfec", "video-orientation", "a=rid"):
        assert refused not in answer


def test_feedback_is_what_both_sides_can_do() -> None:
    line, slot = agree().lines[1], agree().slots[1]
    assert line.codecs[0].feedback == (("goog-remb", None), ("nack", None), ("nack", "pli"))
    assert slot.codecs[0].feedback == (("goog-remb", None), ("nack", None), ("nack", "pli"), ("ccm", "fir"))
    assert line.codecs[1].feedback == ()


def test_the_encoder_is_told_where_to_start_and_the_decoder_is_not() -> None:
    hinted = ["x-google-start-bitrate=800" in section for section in sections(agree())]
    assert hinted == [False, True, True, False, False, False]


def test_voice_and_picture_are_one_stream_and_the_screen_is_another() -> None:
    assert re.findall(r"a=msid:(\S+)", agree().answer) == ["partner", "partner", "partner-screen"]


def test_the_answer_is_ice_lite_with_our_credentials_and_candidates() -> None:
    answer = agree().answer
    assert "a=ice-lite" in answer
    parsed = sdp.SessionDescription.parse(answer)
    for media in parsed.media:
        assert media.ice is not None
        assert (media.ice.usernameFragment, media.ice.password) == ("ourufrag1234", "o" * 32)
    first, *others = parsed.media
    assert [(item.ip, item.port, item.protocol, item.tcpType) for item in first.ice_candidates] == [
        ("192.0.2.1", 8080, "udp", None),
        ("2001:db8::1", 8080, "udp", None),
        ("192.0.2.1", 8081, "tcp", "passive"),
        ("2001:db8::1", 8081, "tcp", "passive"),
    ]
    assert not any(media.ice_candidates for media in others)
    priorities = [candidate.priority for candidate in parsed.media[0].ice_candidates]
    assert priorities == sorted(priorities, reverse=True)


@pytest.mark.parametrize(
    ("setup", "role", "answered"),
    [
        ("actpass", DtlsRole.SERVER, "passive"),
        ("active", DtlsRole.SERVER, "passive"),
        ("passive", DtlsRole.CLIENT, "active"),
    ],
)
def test_the_dtls_role_fits_the_offer(setup: str, role: DtlsRole, answered: str) -> None:
    negotiated = agree(offer().replace("setup:actpass", f"setup:{setup}"))
    assert negotiated.dtls_role is role
    assert set(re.findall(r"a=setup:(\w+)", negotiated.answer)) == {answered}


def test_a_stream_that_is_not_announced_is_to_be_learnt() -> None:
    bare = re.sub(r"a=ssrc.*\n", "", offer())
    assert {line.ssrc for line in agree(bare).lines} == {None}


def test_a_mid_may_fill_its_header_extension() -> None:
    longest = "m" * LONGEST_MID
    told = offer().replace("a=mid:1\n", f"a=mid:{longest}\n").replace("BUNDLE 0 1", f"BUNDLE 0 {longest}")
    roles = {longest if mid == "1" else mid: role for mid, role in ROLES.items()}
    assert longest in [line.mid for line in agree(told, roles).lines]


LONG_MID = "m" * 5_000

BROKEN = {
    "empty": "",
    "not SDP": "hello",
    "no media": offer().partition("m=")[0],
    "a mid twice": offer().replace("a=mid:1\n", "a=mid:0\n"),
    "no mid": offer().replace("a=mid:1\n", ""),
    "no bundle": offer().replace("a=group:BUNDLE 0 1 2 3 4 5\n", ""),
    "two bundles": offer().replace("a=group:BUNDLE", "a=group:BUNDLE 0\na=group:BUNDLE"),
    "no fingerprint": re.sub(r"a=fingerprint.*\n", "", offer()),
    "an unknown digest": offer().replace("fingerprint:sha-256", "fingerprint:md5"),
    "a digest that is broken": offer().replace("fingerprint:sha-256", "fingerprint:sha-1"),
    "two certificates": offer().replace("AB:AB", "AB:CD", 1),
    "roles that clash": offer().replace("setup:actpass", "setup:active", 1),
    "no setup": offer().replace("a=setup:actpass\n", ""),
    "an unknown setup": offer().replace("setup:actpass", "setup:holdconn"),
    "a short ufrag": offer().replace("a=ice-ufrag:wxyz", "a=ice-ufrag:w"),
    "a strange ufrag": offer().replace("a=ice-ufrag:wxyz", "a=ice-ufrag:w\x00yz"),
    "a short password": offer().replace("p" * 24, "p" * 8),
    "no ICE": re.sub(r"a=ice-.*\n", "", offer()),
    "no rtcp-mux": offer().replace("a=rtcp-mux\n", ""),
    "no encryption": re.sub(r"a=fingerprint.*\n", "", offer().replace("UDP/TLS/RTP/SAVPF", "RTP/AVP")),
    "no profile that we know": offer().replace("UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/XAVP"),
    "wrong direction": offer().replace("a=sendonly", "a=sendrecv"),
    "wrong kind": offer().replace("m=audio", "m=video"),
    "no codec": re.sub(r"opus|VP8|H264|VP9|AV1", "X", offer()),
    "too many sections": offer() + "m=audio 0 RTP/AVP 0\n" * 60,
    "an endless mid": offer().replace("a=mid:1\n", f"a=mid:{LONG_MID}\n").replace("BUNDLE 0 1", f"BUNDLE 0 {LONG_MID}"),
    "no port": offer().replace("m=audio 9 ", "m=audio x "),
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_offer_is_refused_with_a_sentence(text: str) -> None:
    roles = {LONG_MID if f"a=mid:{LONG_MID}" in text and mid == "1" else mid: role for mid, role in ROLES.items()}
    with pytest.raises(RelayError) as caught:
        agree(text, roles)
    assert caught.value.code is ErrorCode.INVALID_OFFER
    assert caught.value.sentence.endswith(".")


WITHOUT_USE = {
    "a payload type beyond all": (("96", "960"), LineKind.CODEC),
    "a payload type for two codecs": (("rtpmap:98", "rtpmap:96"), LineKind.CODEC),
    "a payload type that only RTCP may use": (("98", "73"), LineKind.CODEC),
    "an absurd clock": (("VP9/90000", f"VP9/{'9' * 30}"), LineKind.CODEC),
    "an extension id for two": (("extmap:4 ", "extmap:2 "), LineKind.EXTENSION),
    "an extension id of two bytes": (("extmap:4 ", "extmap:200 "), LineKind.EXTENSION),
    "an SSRC beyond 32 bits": (("a=ssrc:1000 ", "a=ssrc:99999999999 "), LineKind.SSRC),
    "a retransmission SSRC below zero": (("FID 1001 2001", "FID 1001 -5"), LineKind.SSRC),
    "an SSRC for two": (("FID 1001 2001", "FID 1000 2001"), LineKind.SSRC),
    "a candidate that is none": (("a=rtcp-mux", "a=rtcp-mux\na=candidate:x"), LineKind.CANDIDATE),
    "parameters of nothing": (("a=rtcp-mux", "a=rtcp-mux\na=fmtp:7 x=y"), LineKind.FMTP),
    "feedback of nothing": (("a=rtcp-mux", "a=rtcp-mux\na=rtcp-fb:96"), LineKind.FEEDBACK),
    "a fingerprint that is none": (("a=setup", "a=fingerprint:sha-256 xyz\na=setup"), LineKind.FINGERPRINT),
    "a group that is none": (("a=group", "a=group:\na=group"), LineKind.GROUP),
}


@pytest.mark.parametrize(("change", "kind"), WITHOUT_USE.values(), ids=WITHOUT_USE.keys())
def test_a_line_that_is_of_no_use_is_passed_over_and_counted(change: tuple[str, str], kind: LineKind) -> None:
    usual, changed = agree(), agree(offer().replace(*change))
    assert [each.mid for each in changed.lines + changed.slots] == list("012345")
    assert changed.refused == ()
    assert changed.ignored.total() > 0
    more = {found for found, amount in changed.ignored.items() if amount > usual.ignored[found]}
    assert kind in {found for found, why in more if why is not Why.UNKNOWN}


def test_what_a_browser_can_do_and_we_can_not_is_counted_as_unknown() -> None:
    ignored = agree().ignored
    assert {found for found, amount in ignored.items() if amount} == {
        (LineKind.CODEC, Why.UNKNOWN),
        (LineKind.EXTENSION, Why.UNKNOWN),
    }
    # RED in two sections; H264 Baseline with its retransmissions in four, and as many orientations.
    assert ignored[LineKind.CODEC, Why.UNKNOWN] == 2 + 4 * 2
    assert ignored[LineKind.EXTENSION, Why.UNKNOWN] == 4


def test_a_section_without_a_codec_of_ours_is_refused_alone() -> None:
    changed = agree(re.sub(r"VP8|H264|VP9|AV1", "X", offer()))
    assert [line.medium for line in changed.lines] == [Medium.MICROPHONE]
    assert [slot.medium for slot in changed.slots] == [Medium.MICROPHONE]
    assert changed.refused == (Role.CAMERA, Role.SCREEN, Role.PARTNER_CAMERA, Role.PARTNER_SCREEN)
    assert re.findall(r"m=(\w+) (\d+)", changed.answer) == [
        ("audio", "9"),
        *[("video", "0")] * 2,
        ("audio", "9"),
        *[("video", "0")] * 2,
    ]
    assert "a=group:BUNDLE 0 3\r\n" in changed.answer


def test_where_the_first_of_the_bundle_is_refused_the_next_one_speaks() -> None:
    turned = agree(offer().replace("BUNDLE 0 1", "BUNDLE 1 0").replace("VP8/90000", "X/1").replace("opus", "OPUS"))
    assert "a=group:BUNDLE 1 0 2" in turned.answer
    without_video = agree(re.sub(r"VP8|H264|VP9|AV1", "X", offer()).replace("BUNDLE 0 1", "BUNDLE 1 0"))
    assert "a=group:BUNDLE 0 3" in without_video.answer
    for negotiated, tagged in ((turned, 1), (without_video, 0)):
        told = ["a=candidate" in section for section in sections(negotiated)]
        assert told == [number == tagged for number in range(6)]


def test_a_section_that_no_role_is_given_to_is_refused() -> None:
    roles = {mid: role for mid, role in ROLES.items() if mid not in "25"}
    assert re.findall(r"m=\w+ (\d+)", agree(roles=roles).answer) == ["9", "9", "0", "9", "9", "0"]


def test_an_extension_that_goes_the_other_way_is_not_taken() -> None:
    one_way = agree(offer().replace("extmap:4 ", "extmap:4/recvonly "))
    assert not any((4, MID) in line.extensions for line in one_way.lines)
    assert all((4, MID) in slot.extensions for slot in one_way.slots)


def test_in_a_bundle_an_id_means_one_thing() -> None:
    head, first, *rest = offer().split("m=")
    swapped = first.replace("extmap:4 ", "extmap:5 ").replace("extmap:2 ", "extmap:4 ")
    negotiated = agree("m=".join([head, swapped, *rest]))
    meanings = {item for section in negotiated.lines + negotiated.slots for item in section.extensions}
    assert len({number for number, _ in meanings}) == len(meanings)


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_every_profile_that_stands_for_dtls_is_answered_as_it_came(profile: str) -> None:
    answer = agree(offer().replace("UDP/TLS/RTP/SAVPF", profile)).answer
    assert re.findall(r"m=\w+ 9 (\S+)", answer) == [profile] * 6


@pytest.mark.parametrize(
    "roles",
    [
        {},
        {**ROLES, "6": Role.CAMERA},
        {**ROLES, "2": Role.CAMERA},
        {**ROLES, "0": Role.CAMERA, "1": Role.MICROPHONE},
        {**ROLES, "0": Role.PARTNER_MICROPHONE, "3": Role.MICROPHONE},
    ],
)
def test_lines_must_fit_the_offer(roles: dict[str, Role]) -> None:
    with pytest.raises(RelayError):
        agree(roles=roles)


@given(st.data())
def test_no_mutation_of_an_offer_raises_anything_but_a_relay_error(data: st.DataObject) -> None:
    lines = offer().splitlines()
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, len(lines) - 1))
        replacement = data.draw(st.sampled_from(lines) | st.text(max_size=20) | st.just(lines[position][:-3]))
        lines[position] = replacement
    try:
        agree("\n".join(lines))
    except RelayError as error:
        assert error.code is ErrorCode.INVALID_OFFER  # noqa: PT017 - no error is fine, too


def test_a_picture_may_take_only_so_much_and_a_voice_as_much_as_it_likes() -> None:
    limited = agree(terms=replace(EVERYTHING, bitrate=2_000_000))
    for section, medium in zip(sections(limited), ROLES.values(), strict=True):
        assert ("\r\nb=TIAS:2000000\r\n" in section) == ("microphone" not in medium.value)
    assert "b=" not in agree().answer
