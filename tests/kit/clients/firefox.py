"""Firefox from 91 to 153.

The certificate is the session's, and so is a direction; parameters come before the codecs that they are about, as
attributes are in the order of the alphabet; what goes with the first section has port 0 and `bundle-only`.
"""

from collections.abc import Sequence

from tests.kit.clients.shape import (
    AUDIO_LEVEL,
    CSRC_LEVEL,
    MID,
    PASSWORD,
    PLAYOUT,
    SEND_TIME,
    TOFFSET,
    TRANSPORT_CC,
    UFRAG,
    Shape,
    directions,
    kinds,
    lines,
)
from tests.kit.offers import FINGERPRINT, ROLES

H264 = "profile-level-id=42e01f;level-asymmetry-allowed=1"
LIMITS = "max-fs=12288;max-fr=60"

Numbered = tuple[int, str, str]

AUDIO: tuple[Numbered, ...] = (
    (109, "opus/48000/2", "maxplaybackrate=48000;stereo=1;useinbandfec=1"),
    (9, "G722/8000/1", ""),
    (0, "PCMU/8000", ""),
    (8, "PCMA/8000", ""),
    (101, "telephone-event/8000", "0-15"),
)
VPX: tuple[Numbered, ...] = (
    (120, "VP8/90000", LIMITS),
    (124, "rtx/90000", "apt=120"),
    (121, "VP9/90000", LIMITS),
    (125, "rtx/90000", "apt=121"),
)
OPENH264: tuple[Numbered, ...] = (
    (126, "H264/90000", f"{H264};packetization-mode=1"),
    (127, "rtx/90000", "apt=126"),
    (97, "H264/90000", H264),
    (98, "rtx/90000", "apt=97"),
)
BASELINE_H264: tuple[Numbered, ...] = (
    (105, "H264/90000", "profile-level-id=42001f;level-asymmetry-allowed=1;packetization-mode=1"),
    (106, "rtx/90000", "apt=105"),
)
AV1: tuple[Numbered, ...] = ((99, "AV1/90000", ""), (100, "rtx/90000", "apt=99"))
PROTECTION: tuple[Numbered, ...] = (
    (123, "ulpfec/90000", ""),
    (122, "red/90000", ""),
    (119, "rtx/90000", "apt=122"),
)


def firefox(
    version: int,
    video: Sequence[Numbered],
    *,
    bundled: str = "12345",
    mids: str = "{}",
    default: str = "0.0.0.0",
    port: int = 9,
) -> str:
    """`bundled`: sections that are offered with port 0 to go with others. `default`: an address that was gathered."""
    named = {mid: mids.format(mid) for mid in "012345"}
    text = lines(
        "v=0",
        f"o=mozilla...THIS_IS_SDPARTA-{version}.0 6329300136575907883 0 IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        "a=sendrecv",
        f"a=fingerprint:{FINGERPRINT}",
        f"a=group:BUNDLE {' '.join(named.values())}",
        "a=ice-options:trickle",
        "a=msid-semantic:WMS *",
    )
    for mid, name in named.items():
        kind, direction, codecs = kinds(mid), directions(mid), AUDIO if kinds(mid) == "audio" else video
        alone = mid not in bundled
        has_rtx = any(codec == "rtx/90000" for _, codec, _ in codecs)
        ssrcs = [3_000 + int(mid), 4_000 + int(mid)] if kind == "video" and has_rtx else [3_000 + int(mid)]
        feedback = ["nack", "nack pli", "ccm fir", "goog-remb"] if kind == "video" else []
        if version >= 98:
            feedback = [*feedback, "transport-cc"]
        protected = [number for number, codec, _ in codecs if codec not in ("rtx/90000", "telephone-event/8000")]
        text += lines(
            f"m={kind} {port if alone else 0} UDP/TLS/RTP/SAVPF {' '.join(str(number) for number, *_ in codecs)}",
            f"c=IN IP4 {default}",
            [] if alone else "a=bundle-only",
            f"a={direction}",
            extensions(kind, version),
            "a=extmap-allow-mixed" if version >= 110 else "",
            [f"a=fmtp:{number} {parameters}" for number, _, parameters in codecs if parameters],
            f"a=ice-pwd:{PASSWORD}",
            f"a=ice-ufrag:{UFRAG}",
            f"a=mid:{name}",
            f"a=msid:{{30e56376}} {{2c56f3a{mid}}}" if direction == "sendonly" else "",
            [f"a=rtcp-fb:{number} {each}" for number in protected for each in feedback],
            "a=rtcp-mux",
            "a=rtcp-rsize" if kind == "video" else "",
            [f"a=rtpmap:{number} {codec}" for number, codec, _ in codecs],
            "a=setup:actpass",
            # In what is received only, too: it reports by it.
            [f"a=ssrc:{ssrc} cname:{{2586f86e}}" for ssrc in ssrcs],
            f"a=ssrc-group:FID {ssrcs[0]} {ssrcs[1]}" if len(ssrcs) > 1 and direction == "sendonly" else "",
        )
    return text


def extensions(kind: str, version: int) -> list[str]:
    if kind == "audio":
        uris = {"1": AUDIO_LEVEL, "2/recvonly": CSRC_LEVEL, "3": MID}
    else:
        uris = {"3": MID, "4": SEND_TIME, "5": TOFFSET, "6/recvonly": PLAYOUT}
    if version >= 98:
        uris["7"] = TRANSPORT_CC
    return [f"a=extmap:{number} {uri}" for number, uri in uris.items()]


OLD = (*VPX, *OPENH264, *PROTECTION)
NEW = (*VPX, *OPENH264, *BASELINE_H264, *AV1, *PROTECTION)
SDPARTA = {f"sdparta_{mid}": role for mid, role in ROLES.items()}
BRACES = {f"{{{mid}-a}}": role for mid, role in ROLES.items()}

SHAPES = [
    Shape("Firefox 91 ESR", firefox(91, OLD), "VP8+ H264+ VP9+"),
    Shape("Firefox 91 before OpenH264 is there", firefox(91, (*VPX, *PROTECTION)), "VP8+ VP9+"),
    Shape("Firefox 102 ESR", firefox(102, OLD), "VP8+ H264+ VP9+"),
    Shape("Firefox 115 ESR", firefox(115, OLD), "VP8+ H264+ VP9+"),
    Shape("Firefox 128 ESR", firefox(128, (*VPX, *OPENH264, *BASELINE_H264, *PROTECTION)), "VP8+ H264+ VP9+"),
    Shape("Firefox 136 with AV1", firefox(136, NEW)),
    Shape("Firefox 140 ESR", firefox(140, NEW)),
    Shape("Firefox 153", firefox(153, NEW)),
    Shape("Firefox with one transport for each kind", firefox(115, OLD, bundled="2345"), "VP8+ H264+ VP9+"),
    Shape("Firefox that bundles nothing yet", firefox(128, OLD, bundled=""), "VP8+ H264+ VP9+"),
    Shape("Firefox on Android 120", firefox(120, (*VPX, *PROTECTION)), "VP8+ VP9+"),
    Shape("Firefox after gathering behind a bridge", firefox(140, NEW, default="172.22.0.1", port=52_008)),
    Shape("Firefox with mids of old", firefox(91, OLD, mids="sdparta_{}"), "VP8+ H264+ VP9+", roles=SDPARTA),
    Shape("Firefox with mids in braces", firefox(102, OLD, mids="{{{}-a}}"), "VP8+ H264+ VP9+", roles=BRACES),
    Shape(
        "Firefox without retransmissions (media.peerconnection.video.use_rtx)",
        firefox(115, ((120, "VP8/90000", LIMITS), (126, "H264/90000", f"{H264};packetization-mode=1"))),
        "VP8 H264",
    ),
]
