"""Safari from 15 to 18, on Macs and phones.

Chromium's form, with H264 High before Constrained Baseline, and H265 and AV1 by what the hardware has.
"""

from collections.abc import Sequence

from tests.kit.clients import chromium
from tests.kit.clients.chromium import Numbered, h264
from tests.kit.clients.shape import FRAME_MARKING, MID, PLAYOUT, Shape

VP8: Numbered = (100, "VP8", "", 101)
VP9: Numbered = (102, "VP9", "profile-id=0", 103)
H264 = (h264(96, "640c1f", 1, 97), h264(98, "42e01f", 1, 99))
BOTH_MODES = (*H264, h264(107, "640c1f", 0, 108), h264(109, "42e01f", 0, 114))
H265: Numbered = (104, "H265", "", 105)
NEW_H265: Numbered = (104, "H265", "level-id=93;tx-mode=SRST", 105)
AV1: Numbered = (45, "AV1", "", 46)
OLD_PROTECTION, NEW_PROTECTION = (127, 125, 106), (121, 122, 123)


def safari(
    version: int, codecs: Sequence[Numbered], protection: Sequence[int] = OLD_PROTECTION, *, ufrag: str = "wxyz"
) -> str:
    """As the Chromium of its day, with the frame marking that only it asked for."""
    text = chromium.chromium(version, codecs, None, protection)
    if version < 100:
        text = text.replace(f"a=extmap:12 {PLAYOUT}\r\n", f"a=extmap:12 {PLAYOUT}\r\na=extmap:9 {FRAME_MARKING}\r\n")
    return text.replace("a=ice-ufrag:wxyz", f"a=ice-ufrag:{ufrag}")


SHAPES = [
    Shape("Safari 15.0", safari(90, (*H264, VP8)), "VP8+ H264+"),
    Shape("Safari 15.6 on an iPhone", safari(93, (*H264, VP8, VP9)), "VP8+ H264+ VP9+"),
    Shape("Safari 16.1", safari(98, (*H264, VP8, VP9)), "VP8+ H264+ VP9+"),
    Shape("Safari 16.4 with H265 switched on", safari(108, (H265, *H264, VP8, VP9)), "VP8+ H264+ VP9+"),
    Shape("Safari 17.0 on a Mac", safari(114, (*BOTH_MODES, VP8, VP9, AV1), NEW_PROTECTION)),
    Shape("Safari 17.4 on an iPad", safari(114, (*BOTH_MODES, VP8, VP9), NEW_PROTECTION), "VP8+ H264+ VP9+"),
    Shape("Safari 18.0, H265 first", safari(124, (NEW_H265, *BOTH_MODES, VP8, VP9, AV1), NEW_PROTECTION, ufrag="//pY")),
    Shape(
        "Safari 18.4 on an iPhone", safari(130, (*BOTH_MODES, NEW_H265, VP8, VP9), NEW_PROTECTION), "VP8+ H264+ VP9+"
    ),
    Shape("A web view on iOS 15 without VP9", safari(92, (*H264, VP8), ufrag="+/ab"), "VP8+ H264+"),
    Shape("Safari with VP8 switched off in its settings", safari(112, BOTH_MODES, NEW_PROTECTION), "H264+"),
    Shape(
        "Safari that has no id left for the mid",
        safari(116, (*H264, VP8), NEW_PROTECTION).replace(f"a=extmap:4 {MID}", f"a=extmap:15 {MID}"),
        "VP8+ H264+",
        extensions=13,
    ),
]
