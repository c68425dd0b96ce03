"""What each engine can do, as negotiation has to know it."""

from relay.peer.negotiation import PLAYOUT_DELAY, TRANSPORT_CC, Terms

PACKETS = Terms(
    audio=("opus",),
    video=("VP8", "H264", "VP9", "AV1"),
    line_feedback=(("transport-cc", None), ("nack", None), ("nack", "pli"), ("ccm", "fir")),
    slot_feedback=(("goog-remb", None), ("nack", None), ("nack", "pli"), ("ccm", "fir")),
    line_extensions=(TRANSPORT_CC,),
    slot_extensions=(PLAYOUT_DELAY,),
)
"""What the core can forward and tell a sender."""

FRAMES = Terms(
    audio=("opus",),
    video=("VP8", "H264"),
    line_feedback=(("goog-remb", None), ("nack", None), ("nack", "pli")),
    slot_feedback=(("goog-remb", None), ("nack", None), ("nack", "pli"), ("ccm", "fir")),
)
"""What aiortc can decode, encode and tell a sender."""
