"""Chromium from 90 to 156, on desktops, phones and in WebViews; Edge and Opera write the same.

What differs by version: ISAC and CN went, RED for Opus came, AV1 was AV1X before, labels of streams went, ids of
extensions moved, payload types went below 64, and what can be decoded became more than what can be encoded.
"""

from collections.abc import Sequence

from tests.kit.clients.shape import (
    AUDIO_LEVEL,
    EXPERIMENTS,
    MID,
    ORIENTATION,
    PLAYOUT,
    REPAIRED_RID,
    RID,
    SEND_TIME,
    TOFFSET,
    TRANSPORT_CC,
    Shape,
    described,
    directions,
    kinds,
    lines,
    secured,
)

FEEDBACK = ("goog-remb", "transport-cc", "ccm fir", "nack", "nack pli")

Numbered = tuple[int, str, str, int | None]
"""Payload type, name, parameters, that of the retransmissions."""

VP8: Numbered = (96, "VP8", "", 97)
VP9: Numbered = (98, "VP9", "profile-id=0", 99)
VP9_10BIT: Numbered = (100, "VP9", "profile-id=2", 101)


def h264(payload_type: int, profile: str, mode: int, rtx: int | None) -> Numbered:
    parameters = f"level-asymmetry-allowed=1;packetization-mode={mode};profile-level-id={profile}"
    return payload_type, "H264", parameters, rtx


OLD_H264 = (
    h264(102, "42001f", 1, 122),
    h264(127, "42001f", 0, 121),
    h264(125, "42e01f", 1, 107),
    h264(108, "42e01f", 0, 109),
    h264(124, "4d0032", 1, 120),
    h264(123, "640032", 1, 119),
)
NEW_H264 = (
    h264(102, "42001f", 1, 103),
    h264(104, "42001f", 0, 107),
    h264(108, "42e01f", 1, 109),
    h264(114, "42e01f", 0, 115),
    h264(116, "4d001f", 1, 117),
    h264(39, "4d001f", 0, 40),
)
PHONE_H264 = (h264(125, "42e01f", 1, 107), h264(127, "640c1f", 1, 121))
AV1X: Numbered = (35, "AV1X", "", 36)
AV1: Numbered = (45, "AV1", "level-idx=5;profile=0;tier=0", 46)
AV1_HIGH: Numbered = (41, "AV1", "level-idx=5;profile=1;tier=0", 42)
H265: Numbered = (49, "H265", "level-id=180;profile-id=1;tier-flag=0;tx-mode=SRST", 50)


def video_codecs(codecs: Sequence[Numbered], protection: Sequence[int]) -> tuple[list[int], list[str]]:
    """Payload types, and the lines about them; RED, its retransmissions and ULPFEC come last."""
    numbers: list[int] = []
    written: list[str] = []
    for number, name, parameters, rtx in codecs:
        numbers.append(number)
        written += described(number, f"{name}/90000", parameters, FEEDBACK)
        if rtx is not None:
            numbers.append(rtx)
            written += described(rtx, "rtx/90000", f"apt={number}")
    red, red_rtx, ulpfec = protection
    written += described(red, "red/90000")
    written += described(red_rtx, "rtx/90000", f"apt={red}")
    written += described(ulpfec, "ulpfec/90000")
    return [*numbers, red, red_rtx, ulpfec], written


def audio_codecs(version: int) -> tuple[list[int], list[str]]:
    opus = described(111, "opus/48000/2", "minptime=10;useinbandfec=1", ["transport-cc"])
    red = described(63, "red/48000/2", "111/111") if version >= 96 else []
    g711 = [*described(9, "G722/8000"), *described(0, "PCMU/8000"), *described(8, "PCMA/8000")]
    if version >= 108:
        rest = [
            *described(13, "CN/8000"),
            *described(110, "telephone-event/48000"),
            *described(126, "telephone-event/8000"),
        ]
        return [111, 63, 9, 0, 8, 13, 110, 126], [*opus, *red, *g711, *rest]
    isac = [*described(103, "ISAC/16000"), *described(104, "ISAC/32000")]
    noise = [*described(106, "CN/32000"), *described(105, "CN/16000"), *described(13, "CN/8000")]
    tones = {110: 48_000, 112: 32_000, 113: 16_000, 126: 8_000}
    events = [line for number, clock in tones.items() for line in described(number, f"telephone-event/{clock}")]
    numbers = [111, *([63] if red else []), 103, 104, 9, 0, 8, 106, 105, 13, *tones]
    return numbers, [*opus, *red, *isac, *g711, *noise, *events]


def extensions(kind: str, version: int) -> list[str]:
    if kind == "audio":
        uris = {1: AUDIO_LEVEL, 2: SEND_TIME, 3: TRANSPORT_CC, 4: MID}
        if version < 96:
            uris |= {5: RID, 6: REPAIRED_RID}
    else:
        new = {5: PLAYOUT, 6: "video-content-type", 7: "video-timing", 8: "color-space", 10: RID, 11: REPAIRED_RID}
        old = {12: PLAYOUT, 11: "video-content-type", 7: "video-timing", 8: "color-space", 5: RID, 6: REPAIRED_RID}
        uris = {14: TOFFSET, 2: SEND_TIME, 13: ORIENTATION, 3: TRANSPORT_CC, 4: MID, **(new if version >= 96 else old)}
    named = {number: uri if ":" in uri else EXPERIMENTS + uri for number, uri in uris.items()}
    return [f"a=extmap:{number} {uri}" for number, uri in named.items()]


def streams(mid: str, kind: str, version: int, *, rtx: bool) -> list[str]:
    """SSRCs of what is sent."""
    ssrc, stream = 1_000 + int(mid), f"{'-' if mid == '2' else 'a34a6934'} 0b72d01{mid}"
    numbers = [ssrc, ssrc + 1_000] if kind == "video" and rtx else [ssrc]
    written = [f"a=ssrc-group:FID {numbers[0]} {numbers[1]}"] if len(numbers) > 1 else []
    for number in numbers:
        written += [f"a=ssrc:{number} cname:Tz+D1I8PvcMWV3HG", f"a=ssrc:{number} msid:{stream}"]
        if version < 110:
            track = stream.split()[1]
            written += [f"a=ssrc:{number} mslabel:a34a6934", f"a=ssrc:{number} label:{track}"]
    return written


def chromium(
    version: int,
    sent: Sequence[Numbered],
    received: Sequence[Numbered] | None = None,
    protection: Sequence[int] = (114, 115, 116),
    *,
    candidates: Sequence[str] = (),
) -> str:
    """Our page's offer. What can be received is more than what can be sent in newer ones."""
    text = lines(
        "v=0",
        "o=- 2420878994430217891 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE 0 1 2 3 4 5",
        "a=extmap-allow-mixed" if version >= 89 else "",
        "a=msid-semantic: WMS a34a6934",
    )
    for mid in "012345":
        kind, direction = kinds(mid), directions(mid)
        codecs = sent if direction == "sendonly" else received or sent
        numbers, described_codecs = audio_codecs(version) if kind == "audio" else video_codecs(codecs, protection)
        has_rtx = any(rtx is not None for *_, rtx in codecs)
        text += lines(
            f"m={kind} 9 UDP/TLS/RTP/SAVPF {' '.join(map(str, numbers))}",
            "c=IN IP4 0.0.0.0",
            "a=rtcp:9 IN IP4 0.0.0.0",
            candidates if mid == "0" else [],
            secured(),
            f"a=mid:{mid}",
            extensions(kind, version),
            f"a={direction}",
            f"a=msid:{'-' if mid == '2' else 'a34a6934'} 0b72d01{mid}" if direction == "sendonly" else "",
            "a=rtcp-mux",
            "a=rtcp-rsize" if kind == "video" or version >= 150 else "",
            "a=rtcp-xr:rcvr-rtt=all" if version >= 150 else "",
            described_codecs,
            streams(mid, kind, version, rtx=has_rtx) if direction == "sendonly" else [],
        )
    return text


NEW_PROTECTION = (118, 119, 120)
MDNS = (
    "a=candidate:1160438246 1 udp 2122260223 0b6d2b5e-1f4c-4d4c-9f0e-4a1b8f6e3c11.local 52133 typ host generation 0"
    " network-id 1 network-cost 10",
    "a=candidate:195632406 1 tcp 1518280447 0b6d2b5e-1f4c-4d4c-9f0e-4a1b8f6e3c11.local 9 typ host tcptype active"
    " generation 0 network-id 1 network-cost 10",
)

SHAPES = [
    Shape("Chromium 90", chromium(90, (VP8, VP9, VP9_10BIT, *OLD_H264)), "VP8+ H264+ VP9+"),
    Shape("Chromium 93 with AV1X", chromium(93, (VP8, VP9, VP9_10BIT, *OLD_H264, AV1X)), "VP8+ H264+ VP9+"),
    Shape("Chromium 96 with RED for Opus", chromium(96, (VP8, VP9, VP9_10BIT, *OLD_H264, AV1X)), "VP8+ H264+ VP9+"),
    Shape("Chromium 103 after gathering", chromium(103, (VP8, VP9, *OLD_H264, AV1), candidates=MDNS)),
    Shape("Chromium 109 without ISAC", chromium(109, (VP8, *NEW_H264, AV1, VP9, VP9_10BIT), None, NEW_PROTECTION)),
    Shape("Chromium 115", chromium(115, (VP8, *NEW_H264, AV1, VP9, VP9_10BIT), None, NEW_PROTECTION)),
    Shape(
        "Chromium 124 receives more than it sends",
        chromium(124, (VP8, *NEW_H264, AV1, VP9), (VP8, VP9, VP9_10BIT, *NEW_H264, AV1, AV1_HIGH), NEW_PROTECTION),
    ),
    Shape(
        "Chromium 136 with H265",
        chromium(136, (VP8, *NEW_H264, AV1, VP9), (VP8, VP9, *NEW_H264, AV1, H265), NEW_PROTECTION),
    ),
    Shape(
        "Chromium 148",
        chromium(148, (VP8, *NEW_H264, AV1, VP9, VP9_10BIT), (VP8, VP9, *NEW_H264, AV1, AV1_HIGH), NEW_PROTECTION),
    ),
    Shape(
        "Chromium 156",
        chromium(156, (VP8, *NEW_H264, AV1, VP9, VP9_10BIT), (VP8, VP9, *NEW_H264, AV1, AV1_HIGH), NEW_PROTECTION),
    ),
    Shape(
        "Chromium of a distribution without H264",
        chromium(120, (VP8, AV1, VP9), None, NEW_PROTECTION),
        "VP8+ VP9+ AV1+",
    ),
    Shape("Chrome on Android 100", chromium(100, (VP8, VP9, *PHONE_H264)), "VP8+ H264+ VP9+"),
    Shape(
        "Chrome on Android 130 whose hardware encodes H265",
        chromium(130, (H265, VP8, VP9, *PHONE_H264, AV1), None, NEW_PROTECTION),
    ),
    Shape("Android WebView 91", chromium(91, (VP8, VP9)), "VP8+ VP9+"),
    Shape("Android WebView 106", chromium(106, (VP8, VP9, AV1, *PHONE_H264))),
    Shape(
        "Android WebView 138 whose H264 is High only",
        chromium(138, (VP8, VP9, h264(127, "640c1f", 1, 121)), None, NEW_PROTECTION),
        "VP8+ VP9+",
    ),
    Shape("Edge that prefers H264", chromium(119, (*NEW_H264, VP8, VP9, AV1), None, NEW_PROTECTION)),
    Shape("Chromium whose page wants AV1 alone", chromium(140, ((*AV1[:3], None),), None, NEW_PROTECTION), "AV1"),
]
