"""An offer as our client makes it, small enough to read, with knobs for what hostile ones do."""

from relay.media.engine import Engine
from relay.peer.candidates import Reach
from relay.peer.lines import Negotiated
from relay.peer.negotiation import PLAYOUT_DELAY, TRANSPORT_CC, LocalEnd, consider
from relay.protocol.messages import Role

ROLES = dict(zip("012345", Role, strict=True))

FINGERPRINT = "sha-256 " + ":".join(["AB"] * 32)

_CODECS = {
    "audio": ("111 63", "a=rtpmap:111 opus/48000/2\na=fmtp:111 minptime=10;useinbandfec=1\na=rtpmap:63 red/48000/2\n"),
    "video": (
        "96 97 102 103 108 109 98 99 45 46",
        "a=rtpmap:96 VP8/90000\n"
        "a=rtcp-fb:96 goog-remb\na=rtcp-fb:96 transport-cc\na=rtcp-fb:96 ccm fir\n"
        "a=rtcp-fb:96 nack\na=rtcp-fb:96 nack pli\n"
        "a=rtpmap:97 rtx/90000\na=fmtp:97 apt=96\n"
        "a=rtpmap:102 H264/90000\na=fmtp:102 packetization-mode=1;profile-level-id=42001f\n"
        "a=rtpmap:103 rtx/90000\na=fmtp:103 apt=102\n"
        "a=rtpmap:108 H264/90000\na=fmtp:108 packetization-mode=1;profile-level-id=42e01f\n"
        "a=rtpmap:109 rtx/90000\na=fmtp:109 apt=108\n"
        "a=rtpmap:98 VP9/90000\na=fmtp:98 profile-id=0\n"
        "a=rtpmap:99 rtx/90000\na=fmtp:99 apt=98\n"
        "a=rtpmap:45 AV1/90000\na=fmtp:45 level-idx=5;profile=0;tier=0\n"
        "a=rtpmap:46 rtx/90000\na=fmtp:46 apt=45\n",
    ),
}

_EXTENSIONS = {
    "audio": "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\n",
    "video": "a=extmap:13 urn:3gpp:video-orientation\n",
}


def section(mid: str, kind: str, direction: str) -> str:
    """One m= section. Sections that are sent announce SSRCs made from the mid."""
    payload_types, codecs = _CODECS[kind]
    text = (
        f"m={kind} 9 UDP/TLS/RTP/SAVPF {payload_types}\nc=IN IP4 0.0.0.0\na=rtcp:9 IN IP4 0.0.0.0\n"
        f"a=ice-ufrag:wxyz\na=ice-pwd:{'p' * 24}\na=fingerprint:{FINGERPRINT}\na=setup:actpass\na=mid:{mid}\n"
        "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\n"
        "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\n"
        f"{_EXTENSIONS[kind]}a={direction}\na=rtcp-mux\n{codecs}"
    )
    if direction == "sendonly":
        ssrc = 1_000 + int(mid)
        if kind == "video":
            text += f"a=ssrc-group:FID {ssrc} {ssrc + 1_000}\n"
        text += f"a=ssrc:{ssrc} cname:them\n"
        if kind == "video":
            text += f"a=ssrc:{ssrc + 1_000} cname:them\n"
    return text


def offer() -> str:
    """Six sections, in the order of `ROLES`."""
    return "v=0\no=- 1 2 IN IP4 127.0.0.1\ns=-\nt=0 0\na=group:BUNDLE 0 1 2 3 4 5\n" + "".join(
        section(mid, "audio" if mid in "03" else "video", "sendonly" if mid in "012" else "recvonly") for mid in ROLES
    )


OFFER = (
    offer()
    .replace("a=extmap:4 ", f"a=extmap:3 {TRANSPORT_CC}\na=extmap:4 ")
    .replace("a=extmap:13 ", f"a=extmap:12 {PLAYOUT_DELAY}\na=extmap:13 ")
)
"""The same, of a browser that knows both extensions that an engine may use."""


def negotiated(engine: Engine, sdp: str = OFFER) -> Negotiated:
    """What an engine agrees to with who offers this."""
    local_end = LocalEnd(ufrag="ufrag", password="p" * 24, fingerprints=(), reach=Reach(("127.0.0.1",), 1, 1))
    return consider(sdp, ROLES, engine.terms).answer(local_end, range(1, 13))
