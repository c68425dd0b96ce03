"""Clients that are no browsers: media frameworks, WebRTC libraries, SIP stacks and devices.

Most send one camera and one microphone, and each has its own idea of what has to be said where.
"""

from collections.abc import Iterable, Sequence

from relay.protocol.messages import Role
from tests.kit.clients.shape import AUDIO_LEVEL, MID, PASSWORD, SEND_TIME, TRANSPORT_CC, UFRAG, Shape, lines, secured
from tests.kit.offers import FINGERPRINT

CONSTRAINED = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"
BASELINE = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f"

SENDS = {"audio": Role.MICROPHONE, "video": Role.CAMERA}
RECEIVES = {"audio": Role.PARTNER_MICROPHONE, "video": Role.PARTNER_CAMERA}


def section(
    kind: str,
    mid: str,
    codecs: Sequence[str],
    *attributes: str | Iterable[str],
    direction: str = "sendonly",
    profile: str = "UDP/TLS/RTP/SAVPF",
    port: int = 9,
    address: str = "IN IP4 0.0.0.0",
) -> str:
    """`codecs`: what comes after a=rtpmap:, in order."""
    formats = " ".join(codec.split()[0] for codec in codecs)
    return lines(
        f"m={kind} {port} {profile} {formats}",
        f"c={address}" if address else "",
        f"a=mid:{mid}" if mid else "",
        f"a={direction}",
        [f"a=rtpmap:{codec}" for codec in codecs],
        *attributes,
    )


def session(*attributes: str | Iterable[str], origin: str = "- 1 1 IN IP4 127.0.0.1", name: str = "-") -> str:
    return lines("v=0", f"o={origin}", f"s={name}", "t=0 0", *attributes)


def sending(audio: str = "0", video: str = "1") -> dict[str, Role]:
    return {audio: Role.MICROPHONE, video: Role.CAMERA}


# GStreamer's webrtcbin: a mid by kind and number, the same payload type in both sections, attributes behind
# extensions, and the time of retransmissions before what they are of.
RTX_TIME = ["a=fmtp:97 rtx-time=3000; apt=96"]
GSTREAMER = session("a=ice-options:trickle", "a=group:BUNDLE audio0 video1") + section(
    "audio",
    "audio0",
    ["96 OPUS/48000/2"],
    secured(ice_options=""),
    "a=rtcp-mux",
    "a=rtcp-rsize",
    "a=fmtp:96 sprop-stereo=0;sprop-maxcapturerate=48000",
    f"a=extmap:1 {AUDIO_LEVEL} vad=on",
    f"a=extmap:3 {TRANSPORT_CC}",
    "a=rtcp-fb:96 transport-cc",
    "a=ssrc:3484078950 msid:user2139 webrtctransceiver0",
    "a=ssrc:3484078950 cname:user2139@host-1a2b",
)
GSTREAMER_VIDEO = (
    "a=bundle-only",
    secured(ice_options=""),
    "a=rtcp-mux",
    "a=rtcp-rsize",
    RTX_TIME,
    "a=framerate:30",
    "a=rtcp-fb:96 nack",
    "a=rtcp-fb:96 nack pli",
    "a=rtcp-fb:96 ccm fir",
    "a=rtcp-fb:96 transport-cc",
    f"a=extmap:3 {TRANSPORT_CC}",
    "a=ssrc-group:FID 3484078951 1255243652",
    "a=ssrc:3484078951 msid:user2139 webrtctransceiver1",
    "a=ssrc:1255243652 msid:user2139 webrtctransceiver1",
)
GSTREAMER_ROLES = sending("audio0", "video1")
GSTREAMER_H264 = "a=fmtp:96 packetization-mode=1;profile-level-id={};sprop-parameter-sets=Z0LAFdoHgg==,aM48gA=="


def gstreamer(codec: str, *more: str) -> str:
    return GSTREAMER + section("video", "video1", [f"96 {codec}", "97 rtx/90000"], *GSTREAMER_VIDEO, more, port=0)


# libdatachannel: lip synchronisation as a group, ICE and certificate for the whole session, options with a comma.
LIBDATACHANNEL_SESSION = (
    "a=group:BUNDLE audio video",
    "a=group:LS audio video",
    "a=msid-semantic:WMS *",
    "a=setup:actpass",
    f"a=ice-ufrag:{UFRAG}",
    f"a=ice-pwd:{PASSWORD}",
    "a=ice-options:ice2,trickle",
    f"a=fingerprint:{FINGERPRINT}",
)
LIBDATACHANNEL = (
    session(*LIBDATACHANNEL_SESSION, origin="rtc 3767197920 0 IN IP4 127.0.0.1")
    + section(
        "audio",
        "audio",
        ["111 opus/48000/2"],
        "a=ssrc:1 cname:audio-stream",
        "a=ssrc:1 msid:stream1 audio-stream",
        "a=msid:stream1 audio-stream",
        "a=rtcp-mux",
        "a=fmtp:111 minptime=10;maxaveragebitrate=96000;stereo=1;sprop-stereo=1;useinbandfec=1",
    )
    + section(
        "video",
        "video",
        ["102 H264/90000"],
        "a=ssrc:2 cname:video-stream",
        "a=ssrc:2 msid:stream1 video-stream",
        "a=msid:stream1 video-stream",
        "a=rtcp-mux",
        "a=rtcp-fb:102 nack",
        "a=rtcp-fb:102 nack pli",
        "a=rtcp-fb:102 goog-remb",
        "a=fmtp:102 profile-level-id=42e01f;packetization-mode=1;level-asymmetry-allowed=1",
    )
)
DATA_CHANNEL = lines(
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
    "c=IN IP4 0.0.0.0",
    "a=mid:data",
    "a=sendrecv",
    "a=sctp-port:5000",
    "a=max-message-size:262144",
)

# pion: long credentials, candidates for two components with one foundation, `mslabel` and `label` up to this day.
PION_ENDS = ("a=setup:actpass", "a=ice-ufrag:hMuWFSvrvuStGQIF", "a=ice-pwd:GYSaonWMIhKicfoqytgQPzptgqrxhvcl")
PION_CANDIDATES = [
    f"a=candidate:foundation {component} udp 2130706431 192.0.2.7 {port} typ host generation 0"
    for port in (42_974, 40_572)
    for component in (1, 2)
]


def pion(codecs: Sequence[str], *attributes: str, candidates: Iterable[str] = ()) -> str:
    def streams(ssrc: int, track: str) -> list[str]:
        named = {"cname": "pion", "msid": f"pion {track}", "mslabel": "pion", "label": track}
        return [f"a=ssrc:{ssrc} {name}:{value}" for name, value in named.items()]

    common = ("a=rtcp-mux", "a=rtcp-rsize")
    return (
        session(
            f"a=fingerprint:{FINGERPRINT}",
            "a=extmap-allow-mixed",
            "a=msid-semantic:WMS*",
            "a=group:BUNDLE 0 1",
            origin="- 624190682 1569291915 IN IP4 0.0.0.0",
        )
        + section(
            "audio",
            "0",
            ["0 PCMU/8000", "8 PCMA/8000", "111 opus/48000/2"],
            PION_ENDS,
            common,
            "a=fmtp:111 minptime=10;useinbandfec=1",
            streams(920_256_325, "audio"),
            "a=msid:pion audio",
            candidates,
            "a=end-of-candidates" if candidates else "",
        )
        + section(
            "video", "1", codecs, PION_ENDS, common, attributes, streams(920_256_326, "video"), "a=msid:pion video"
        )
    )


# werift and aiortc: small lists of codecs, RTCP's port in words.
WERIFT = session("a=group:BUNDLE 0 1", "a=extmap-allow-mixed", "a=msid-semantic:WMS *") + "".join(
    section(
        kind,
        mid,
        [codec],
        f"a=extmap:1 {MID}",
        f"a=extmap:{number} {uri}",
        f"a=msid:stream {kind}",
        "a=rtcp:9 IN IP4 0.0.0.0",
        "a=rtcp-mux",
        f"a=ssrc:{ssrc} cname:5b7c",
        secured(),
        feedback,
    )
    for kind, mid, codec, number, uri, ssrc, feedback in (
        ("audio", "0", "96 opus/48000/2", 2, AUDIO_LEVEL, 101, []),
        (
            "video",
            "1",
            "97 VP8/90000",
            3,
            SEND_TIME,
            102,
            ["a=rtcp-fb:97 nack", "a=rtcp-fb:97 nack pli", "a=rtcp-fb:97 goog-remb"],
        ),
    )
)
AIORTC = session("a=group:BUNDLE 0 1", "a=msid-semantic:WMS *") + (
    section(
        "audio",
        "0",
        ["96 opus/48000/2", "0 PCMU/8000", "8 PCMA/8000"],
        f"a=extmap:1 {MID}",
        f"a=extmap:2 {AUDIO_LEVEL}",
        "a=msid:8a5b c7d1",
        "a=rtcp:9 IN IP4 0.0.0.0",
        "a=rtcp-mux",
        "a=ssrc:2049136427 cname:4a2e",
        "a=candidate:1 1 udp 2130706431 192.0.2.8 51234 typ host",
        "a=end-of-candidates",
        secured(ice_options=""),
    )
    + section(
        "video",
        "1",
        ["97 VP8/90000", "98 rtx/90000", "99 H264/90000", "100 rtx/90000", "101 H264/90000", "102 rtx/90000"],
        f"a=extmap:1 {MID}",
        f"a=extmap:3 {SEND_TIME}",
        "a=msid:8a5b d2f4",
        "a=rtcp:9 IN IP4 0.0.0.0",
        "a=rtcp-mux",
        "a=ssrc-group:FID 3305256354 3961215127",
        "a=ssrc:3305256354 cname:4a2e",
        "a=ssrc:3961215127 cname:4a2e",
        [f"a=rtcp-fb:{number} {each}" for number in (97, 99, 101) for each in ("nack", "nack pli", "goog-remb")],
        "a=fmtp:98 apt=97",
        f"a=fmtp:99 {BASELINE}",
        "a=fmtp:100 apt=99",
        f"a=fmtp:101 {CONSTRAINED}",
        "a=fmtp:102 apt=101",
        secured(ice_options=""),
    )
)

# SIP stacks, by the mid that a gateway gives them: profiles of old, parameters with blanks, no BUNDLE where there is
# one section.
FREESWITCH_OPUS = "a=fmtp:102 useinbandfec=1; maxaveragebitrate=30000; ptime=20; minptime=10; stereo=1"
FREESWITCH = session(
    "a=msid-semantic: WMS KrHqAnnOdtzj5A2W",
    origin="FreeSWITCH 1629200170 1629200171 IN IP4 192.0.2.9",
    name="FreeSWITCH",
) + section(
    "audio",
    "audio",
    ["102 opus/48000/2", "0 PCMU/8000", "103 telephone-event/48000", "101 telephone-event/8000"],
    FREESWITCH_OPUS,
    f"a=fingerprint:{FINGERPRINT}",
    "a=setup:actpass",
    "a=rtcp-mux",
    "a=rtcp:18822 IN IP4 192.0.2.9",
    "a=ssrc:1764433912 cname:eNRF15j4pJek967E",
    "a=ssrc:1764433912 mslabel:KrHqAnnOdtzj5A2W",
    f"a=ice-ufrag:{UFRAG}",
    f"a=ice-pwd:{PASSWORD}",
    "a=candidate:4675497418 1 udp 2130706431 192.0.2.9 18822 typ host generation 0",
    "a=ptime:20",
    profile="RTP/SAVPF",
    port=18_822,
    address="",
)


def sip(profile: str, codecs: Sequence[str], *attributes: str, bundle: bool = True, ends: Iterable[str] = ()) -> str:
    """A camera and a microphone; the second section says nothing of where it goes to if there is a BUNDLE."""
    own = [*(ends or secured()), "a=rtcp-mux"]
    opus = ["111 opus/48000/2", "101 telephone-event/8000"]
    return (
        session("a=group:BUNDLE 1 2" if bundle else "", name="session", origin="root 71253 71253 IN IP4 192.0.2.9")
        + section("audio", "1", opus, own, "a=silenceSupp:off - - - -", "a=fmtp:101 0-16", profile=profile, port=31_988)
        + section("video", "2", codecs, [] if bundle else own, *attributes, profile=profile, port=31_990)
    )


SIP_ROLES = sending("1", "2")

# Devices and servers that make offers.
OVEN = (
    session(
        "a=group:BUNDLE 5biSlw M10BXv",
        "a=group:LS 5biSlw M10BXv",
        "a=msid-semantic:WMS pYqb0X6iSaO2",
        "a=extmap-allow-mixed",
        f"a=fingerprint:{FINGERPRINT}",
        "a=ice-options:trickle",
        f"a=ice-ufrag:{UFRAG}",
        f"a=ice-pwd:{PASSWORD}",
        origin="OvenMediaEngine 103 2 IN IP4 127.0.0.1",
    )
    + section(
        "video",
        "5biSlw",
        ["100 H264/90000", "101 rtx/90000"],
        "a=setup:actpass",
        "a=rtcp-mux",
        f"a=extmap:3 {TRANSPORT_CC}",
        "a=extmap:5 uri:ietf:rtc:rtp-hdrext:video:CompositionTime",
        "a=fmtp:100 packetization-mode=1;profile-level-id=42e01f;level-asymmetry-allowed=1",
        "a=rtcp-fb:100 transport-cc",
        "a=fmtp:101 apt=100",
        "a=ssrc-group:FID 50 51",
        "a=ssrc:50 cname:oven",
        "a=ssrc:51 cname:oven",
    )
    + section(
        "audio", "M10BXv", ["110 OPUS/48000/2"], "a=setup:actpass", "a=rtcp-mux", "a=fmtp:110 sprop-stereo=1;stereo=1;"
    )
)
JANUS_LIKE = (
    session(
        "a=group:BUNDLE audio video",
        "a=msid-semantic: WMS janus",
        origin="- 1598312441093440 1 IN IP4 192.0.2.3",
        name="Mountpoint 1",
    )
    + section(
        "audio",
        "audio",
        ["111 opus/48000/2"],
        secured(),
        "a=rtcp-mux",
        f"a=extmap:1 {MID}",
        "a=msid:janus janusa0",
        "a=ssrc:306353742 cname:janus",
        "a=candidate:1 1 udp 2015363327 192.0.2.3 19074 typ host",
        "a=end-of-candidates",
    )
    + section(
        "video",
        "video",
        ["100 H264/90000", "101 rtx/90000"],
        secured(),
        "a=rtcp-mux",
        "a=fmtp:100 packetization-mode=1;",
        "a=fmtp:101 apt=100",
        f"a=extmap:1 {MID}",
        "a=rtcp-fb:100 nack",
    )
)
ESP = session("a=msid-semantic: esp-webrtc", "a=group:BUNDLE 0 1") + (
    section(
        "audio", "0", ["111 opus/48000/2"], "a=ssrc:4 cname:esp", "a=rtcp-mux", secured(), profile="UDP/TLS/RTP/SAVP"
    )
    + section(
        "video", "1", ["119 H264/90000"], "a=ssrc:5 cname:esp", "a=rtcp-mux", secured(), f"a=fmtp:119 {CONSTRAINED}"
    )
)
MEDIASOUP_LIKE = session(
    "a=ice-lite",
    f"a=fingerprint:{FINGERPRINT}",
    "a=msid-semantic: WMS *",
    "a=group:BUNDLE 0",
    origin="mediasoup-client 10000 4 IN IP4 0.0.0.0",
) + section(
    "video",
    "0",
    ["101 VP8/90000", "102 rtx/90000"],
    "a=setup:actpass",
    f"a=ice-ufrag:{UFRAG}",
    f"a=ice-pwd:{PASSWORD}",
    "a=candidate:udpcandidate 1 udp 1076558079 192.0.2.4 40533 typ host",
    "a=candidate:tcpcandidate 1 tcp 1076302079 192.0.2.4 44444 typ host tcptype passive",
    "a=end-of-candidates",
    "a=ice-options:renomination",
    "a=fmtp:102 apt=101",
    "a=rtcp-fb:101 transport-cc",
    "a=rtcp-fb:101 ccm fir",
    "a=rtcp-fb:101 nack",
    "a=rtcp-fb:101 nack pli",
    f"a=extmap:1 {MID}",
    "a=rtcp-mux",
    "a=rtcp-rsize",
    port=7,
    address="IN IP4 127.0.0.1",
    direction="recvonly",
)
KINESIS = session(
    "a=group:BUNDLE 0 1",
    "a=msid-semantic: WMS myKvsVideoStream",
    "a=ice-options:trickle",
    origin="- 287633163 2 IN IP4 127.0.0.1",
) + (
    section(
        "audio",
        "0",
        ["111 opus/48000/2"],
        "a=msid:myKvsVideoStream myAudioTrack",
        "a=candidate:0 1 udp 2130706431 192.0.2.5 49934 typ host raddr 0.0.0.0 rport 0 generation 0 network-cost 999",
        "a=rtcp:9 IN IP4 0.0.0.0",
        secured(),
        "a=rtcp-mux",
        "a=rtcp-rsize",
        "a=fmtp:111 minptime=10;useinbandfec=1",
        "a=rtcp-fb:111 transport-cc",
        address="IN IP4 127.0.0.1",
    )
    + section(
        "video",
        "1",
        ["125 H264/90000"],
        "a=msid:myKvsVideoStream myVideoTrack",
        secured(),
        "a=rtcp-mux",
        "a=rtcp-rsize",
        f"a=fmtp:125 {CONSTRAINED}",
        "a=rtcp-fb:125 goog-remb",
        "a=rtcp-fb:125 nack",
        address="IN IP4 127.0.0.1",
    )
)

SHAPES = [
    Shape("GStreamer, VP8", gstreamer("VP8/90000"), "VP8+", GSTREAMER_ROLES),
    Shape("GStreamer, H264", gstreamer("H264/90000", GSTREAMER_H264.format("42e01f")), "H264+", GSTREAMER_ROLES),
    Shape(
        "GStreamer, H264 as its encoder chose",
        gstreamer("H264/90000", GSTREAMER_H264.format("42c015")),
        "",
        GSTREAMER_ROLES,
        refused=("video1",),
    ),
    Shape(
        "GStreamer whose BUNDLE is the sound alone",
        gstreamer("VP8/90000").replace("a=group:BUNDLE audio0 video1\r\n", "a=group:BUNDLE audio0\r\n"),
        "",
        GSTREAMER_ROLES,
        refused=("video1",),
    ),
    Shape("libdatachannel, H264", LIBDATACHANNEL, "H264", sending("audio", "video"), extensions=0),
    Shape(
        "libdatachannel with a data channel",
        LIBDATACHANNEL.replace("audio video\r\n", "audio video data\r\n") + DATA_CHANNEL,
        "H264",
        sending("audio", "video"),
        refused=("data",),
        extensions=0,
    ),
    Shape(
        "pion, VP8",
        pion(["96 VP8/90000"], "a=rtcp-fb:96 nack", "a=rtcp-fb:96 nack pli"),
        "VP8",
        sending(),
        extensions=0,
    ),
    Shape(
        "pion after gathering",
        pion(["96 VP8/90000", "97 rtx/90000"], "a=fmtp:97 apt=96", candidates=PION_CANDIDATES),
        "VP8+",
        sending(),
        extensions=0,
    ),
    Shape(
        "pion, H264 Baseline only",
        pion(["102 H264/90000"], f"a=fmtp:102 {BASELINE}"),
        "",
        sending(),
        refused=("1",),
        extensions=0,
    ),
    Shape(
        "pion, all that it registers",
        pion(
            ["96 VP8/90000", "97 rtx/90000", "102 H264/90000", "125 H264/90000", "45 AV1/90000", "98 VP9/90000"],
            "a=fmtp:97 apt=96",
            f"a=fmtp:102 {BASELINE}",
            f"a=fmtp:125 {CONSTRAINED}",
            "a=fmtp:98 profile-id=0",
        ),
        "VP8+ H264 VP9 AV1",
        sending(),
        extensions=0,
    ),
    Shape("werift", WERIFT, "VP8", sending()),
    Shape("aiortc", AIORTC, "VP8+ H264+", sending()),
    Shape("FreeSWITCH, sound", FREESWITCH, "", {"audio": Role.MICROPHONE}, extensions=0),
    Shape(
        "FreeSWITCH, H264 with blanks",
        sip(
            "RTP/SAVPF",
            ["97 H264/90000"],
            "a=fmtp:97 profile-level-id=42e01f; packetization-mode=1; level-asymmetry-allowed=1",
        ),
        "H264",
        SIP_ROLES,
        extensions=0,
        learnt=("1", "2"),
    ),
    Shape(
        "Asterisk, VP8",
        sip("UDP/TLS/RTP/SAVPF", ["99 VP8/90000"], "a=rtcp-fb:* nack pli"),
        "VP8",
        SIP_ROLES,
        extensions=0,
        learnt=("1", "2"),
    ),
    Shape("Asterisk, RTP/AVPF", sip("RTP/AVPF", ["99 VP8/90000"]), "VP8", SIP_ROLES, extensions=0, learnt=("1", "2")),
    Shape(
        "Linphone, feedback for all",
        sip("RTP/SAVPF", ["96 VP8/90000"], "a=rtcp-fb:* trr-int 1000", "a=rtcp-fb:* ccm tmmbr", "a=rtcp-fb:96 ccm fir"),
        "VP8",
        SIP_ROLES,
        extensions=0,
        learnt=("1", "2"),
    ),
    Shape(
        "PJSIP, UDP/TLS/RTP/SAVP",
        sip("UDP/TLS/RTP/SAVP", ["96 VP8/90000"], "a=ssrc:7 cname:pj"),
        "VP8",
        SIP_ROLES,
        extensions=0,
        learnt=("1",),
    ),
    Shape(
        "rtpengine over TCP",
        sip("TCP/DTLS/RTP/SAVPF", ["96 VP8/90000", "97 rtx/90000"], "a=fmtp:97 apt=96", "a=rtcp:31991"),
        "VP8+",
        SIP_ROLES,
        extensions=0,
        learnt=("1", "2"),
    ),
    Shape(
        "Kamailio, active",
        sip("RTP/SAVP", ["96 VP8/90000"], ends=secured("active", ice_options="")),
        "VP8",
        SIP_ROLES,
        extensions=0,
        learnt=("1", "2"),
    ),
    Shape(
        "baresip, passive, SHA-1 beside SHA-256",
        sip(
            "RTP/AVP",
            ["96 VP8/90000"],
            "a=label:2",
            ends=[*secured("passive"), "a=fingerprint:sha-1 " + ":".join(["0A"] * 20)],
        ),
        "VP8",
        SIP_ROLES,
        extensions=0,
        learnt=("1", "2"),
    ),
    Shape("OvenMediaEngine", OVEN, "H264+", sending("M10BXv", "5biSlw"), learnt=("M10BXv",)),
    Shape("a Janus of old, H264 without a profile", JANUS_LIKE, "", sending("audio", "video"), refused=("video",)),
    Shape(
        "a page that munged its rtpmap",
        JANUS_LIKE.replace("111 opus/48000/2", "111 opus 48000 2").replace("packetization-mode=1;", f"{CONSTRAINED};"),
        "H264+",
        sending("audio", "video"),
        refused=("audio",),
        learnt=("video",),
    ),
    Shape("an ESP32 with a profile of its own for sound", ESP, "H264", sending(), extensions=0),
    Shape("mediasoup's client, receiving", MEDIASOUP_LIKE, "VP8+", {"0": Role.PARTNER_CAMERA}),
    Shape("a Kinesis camera", KINESIS, "H264", sending(), extensions=0, learnt=("0", "1")),
]
