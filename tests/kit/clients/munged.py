"""One thing changed at a time: what pages do to their offers, what specifications allow, and what is plainly wrong in
a line that nobody needs."""

import re
from collections.abc import Callable

from tests.kit.clients.chromium import SHAPES as CHROMIUM
from tests.kit.clients.firefox import SHAPES as FIREFOX
from tests.kit.clients.shape import AUDIO_LEVEL, MID, SEND_TIME, Shape

BASE = next(shape.offer for shape in CHROMIUM if shape.name == "Chromium 156")
FOX = next(shape.offer for shape in FIREFOX if shape.name == "Firefox 153")
ENCRYPT = "urn:ietf:params:rtp-hdrext:encrypt"


def after(line: str, *added: str) -> str:
    """Lines added behind each line that is this one."""
    assert f"{line}\r\n" in BASE
    return BASE.replace(f"{line}\r\n", "".join(f"{each}\r\n" for each in (line, *added)))


def without(pattern: str, text: str = BASE) -> str:
    shorter = re.sub(rf"(?m)^{pattern}.*\r\n", "", text)
    assert shorter != text
    return shorter


def replaced(old: str, new: str, text: str = BASE, amount: int = -1) -> str:
    assert old in text
    return text.replace(old, new, amount)


def sections(text: str, change: Callable[[int, str], str]) -> str:
    """Each section changed by its number."""
    head, *parts = text.split("m=")
    return "".join([head, *(f"m={change(number, part)}" for number, part in enumerate(parts))])


def bare(number: int, part: str) -> str:
    """A section that leaves to the first what it has in common with it."""
    return re.sub(r"a=(ice-|fingerprint|setup|rtcp-mux|rtcp:).*\r\n", "", part) if number else part


def moved_last(number: int, part: str) -> str:
    return bare(0 if number == 3 else 1, part)


def zero_port(number: int, part: str) -> str:
    return part.replace(" 9 ", " 0 ", 1).replace("a=mid", "a=bundle-only\r\na=mid") if number else part


def disabled(number: int, part: str) -> str:
    """The screen was stopped: its section stays, and is in no BUNDLE."""
    return part.replace(" 9 ", " 0 ", 1) if number == 2 else part


SHARED_SSRC = replaced("FID 1001 2001", "FID 1000 2001")

SHAPES = [
    Shape("lines that end with LF alone", BASE.replace("\r\n", "\n")),
    Shape("blanks behind every line", BASE.replace("\r\n", " \t\r\n")),
    Shape("empty lines between all others", BASE.replace("\r\n", "\r\r\n")),
    Shape("a byte order mark", "\ufeff" + BASE),
    Shape("a name and a cname of emoji", replaced("s=-", "s=\U0001f600").replace("Tz+D1I8PvcMWV3HG", "\U0001f600")),
    Shape("an extension with attributes", replaced(AUDIO_LEVEL, f"{AUDIO_LEVEL} vad=on")),
    Shape("encrypted extensions", after(f"a=extmap:4 {MID}", f"a=extmap:12 {ENCRYPT} {MID}")),
    Shape("an extension twice", after(f"a=extmap:4 {MID}", f"a=extmap:4 {MID}")),
    Shape("an extension under two ids", after(f"a=extmap:4 {MID}", f"a=extmap:9 {MID}")),
    Shape("two extensions under one id", replaced(f"a=extmap:2 {SEND_TIME}", f"a=extmap:4 {SEND_TIME}"), extensions=7),
    Shape("an extension at id 15", replaced("a=extmap:2 ", "a=extmap:15 "), extensions=13),
    Shape("an extension at id 200, as mixed forms allow", replaced("a=extmap:4 ", "a=extmap:200 "), extensions=13),
    Shape("an extension at id 0", replaced("a=extmap:4 ", "a=extmap:0 "), extensions=13),
    Shape("an extension without a URI", after(f"a=extmap:4 {MID}", "a=extmap:12")),
    Shape("an extension whose id is a word", after(f"a=extmap:4 {MID}", f"a=extmap:mid {MID}")),
    Shape("an extension that goes the other way", replaced("a=extmap:4 ", "a=extmap:4/inactive "), extensions=13),
    Shape("an SSRC with an attribute without a value", after("a=ssrc:1000 cname:Tz+D1I8PvcMWV3HG", "a=ssrc:77 word")),
    Shape("an SSRC alone", after("a=rtcp-mux", "a=ssrc:77")),
    Shape("an SSRC that is a word", replaced("a=ssrc:1000 ", "a=ssrc:me "), learnt=("0",)),
    Shape("an SSRC beyond 32 bits", replaced("a=ssrc:1000 ", "a=ssrc:99999999999 "), learnt=("0",)),
    Shape("an SSRC for two lines", SHARED_SSRC, learnt=("1",)),
    Shape("no SSRCs", without("a=ssrc"), learnt=("0", "1", "2")),
    Shape("simulcast by SSRCs", after("a=ssrc-group:FID 1001 2001", "a=ssrc-group:SIM 1001 1003 1005")),
    Shape(
        "FEC before retransmissions",
        replaced("a=ssrc-group:FID 1001 2001", "a=ssrc-group:FEC-FR 1001 7\r\na=ssrc-group:FID 1001 2001"),
    ),
    Shape("simulcast by RIDs", after("a=mid:1", "a=rid:h send", "a=rid:l send", "a=simulcast:send h;l")),
    Shape("parameters of a codec that was taken out", without("a=rtpmap:39 ")),
    Shape("parameters without a payload type", after("a=fmtp:97 apt=96", "a=fmtp:", "a=fmtp:x y", "a=fmtp:97")),
    Shape("numbers in parameters that are none", replaced("minptime=10", "minptime=ten")),
    Shape("retransmissions of a word", replaced("a=fmtp:97 apt=96", "a=fmtp:97 apt=vp8"), "VP8 H264+ VP9+ AV1+"),
    Shape("retransmissions with their time first", replaced("a=fmtp:97 apt=96", "a=fmtp:97 rtx-time=3000; apt=96")),
    Shape("blanks in parameters", replaced(";packetization-mode=1;", " ; packetization-mode = 1 ; ")),
    Shape("parameters in capitals", replaced("profile-level-id=42e01f", "Profile-Level-Id=42E01F")),
    Shape("a codec that can't be read", replaced("a=rtpmap:45 AV1/90000", "a=rtpmap:45 AV1"), "VP8+ H264+ VP9+"),
    Shape("a codec whose clock is absurd", replaced("VP9/90000", f"VP9/{'9' * 30}"), "VP8+ H264+ AV1+"),
    Shape("a payload type beyond all", replaced("a=rtpmap:98 VP9", "a=rtpmap:998 VP9"), "VP8+ H264+ AV1+"),
    Shape("a payload type for two codecs", after("a=rtpmap:96 VP8/90000", "a=rtpmap:96 VP9/90000")),
    Shape(
        "a payload type that only RTCP may use",
        replaced(" 96 97 ", " 96 97 72 ").replace("a=rtpmap:96 ", "a=rtpmap:72 H266/90000\r\na=rtpmap:96 "),
    ),
    Shape(
        "feedback for nobody",
        after("a=rtcp-mux", "a=rtcp-fb:", "a=rtcp-fb:96", "a=rtcp-fb:7 nack", "a=rtcp-fb:* ccm tmmbr"),
    ),
    Shape(
        "feedback for all",
        re.sub(r"a=rtcp-fb:96 .*\r\n", "", after("a=rtcp-mux", "a=rtcp-fb:* nack", "a=rtcp-fb:* nack pli")),
    ),
    Shape(
        "a rotten candidate",
        after("a=rtcp-mux", "a=candidate:", "a=candidate:1 1 udp x 192.0.2.1 y typ host", "a=candidate:\U0001f600"),
    ),
    Shape(
        "candidates of every kind",
        after(
            "a=rtcp-mux",
            "a=candidate:1 1 UDP 2122260223 fe80::1%eth0 9 typ host",
            "a=candidate:2 2 ssltcp 1 192.0.2.1 443 typ relay raddr 0.0.0.0 rport 0 ufrag wxyz network-cost 10",
        ),
    ),
    Shape("a BUNDLE in another order", replaced("BUNDLE 0 1 2 3 4 5", "BUNDLE 5 3 1 0 2 4")),
    Shape(
        "a BUNDLE that begins with the partner's sound, which alone says where to",
        sections(replaced("BUNDLE 0 1 2 3 4 5", "BUNDLE 3 0 1 2 4 5"), moved_last),
    ),
    Shape("a BUNDLE with a mid that nobody has", replaced("BUNDLE 0 1 2 3 4 5", "BUNDLE 0 1 2 3 4 5 6")),
    Shape("sections outside of the BUNDLE", replaced("BUNDLE 0 1 2 3 4 5", "BUNDLE 0 1 3 4"), refused=("2", "5")),
    Shape(
        "groups for lips and for nothing",
        after("a=group:BUNDLE 0 1 2 3 4 5", "a=group:LS 0 1", "a=group:", "a=group:X-OWN"),
    ),
    Shape("the first section alone says where to", sections(BASE, bare)),
    Shape("Firefox, the first section alone says where to", sections(FOX, bare)),
    Shape("port 0 for what goes with the first", sections(BASE, zero_port)),
    Shape(
        "a section that was stopped before",
        sections(replaced("BUNDLE 0 1 2 3 4 5", "BUNDLE 0 1 3 4 5"), disabled),
        refused=("2",),
    ),
    Shape(
        "a screen in a form that is none",
        replaced("m=video 9 UDP/TLS/RTP/SAVPF", "m=video 9 MP2T/TLS"),
        "",
        refused=("1", "2", "4", "5"),
    ),
    Shape(
        "keys for the session",
        re.sub(
            r"t=0 0\r\n",
            "t=0 0\r\n" + "".join(re.findall(r"a=(?:ice-|fingerprint|setup).*\r\n", BASE)[:5]),
            without("a=(?:ice-|fingerprint|setup)"),
        ),
    ),
    Shape(
        "bandwidths and what else SDP knows",
        after("c=IN IP4 0.0.0.0", "b=AS:2000", "b=TIAS:2000000", "k=clear:x", "i=a title"),
    ),
    Shape("H264 Baseline, High and mode 0 alone", re.sub("=42e01f", "=42001f", BASE), "VP8+ VP9+ AV1+"),
    Shape("H264 without parameters", without("a=fmtp:108 "), "VP8+ VP9+ AV1+"),
    Shape(
        "H264 High alone",
        re.sub(r"a=rtpmap:(?!108|109)\d+ (VP8|VP9|AV1|H264)/90000\r\n", "", BASE).replace("42e01f", "640c1f"),
        "",
        refused=("1", "2", "4", "5"),
    ),
]
