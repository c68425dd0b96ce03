"""What one shape is: an offer, and what a sane answer to it takes and refuses."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from relay.protocol.messages import Role
from tests.kit.offers import FINGERPRINT, ROLES

ALL = "VP8+ H264+ VP9+ AV1+"
"""Video codecs in the order in which they are answered; + with retransmissions."""

UFRAG, PASSWORD = "wxyz", "p" * 24

AUDIO_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
CSRC_LEVEL = "urn:ietf:params:rtp-hdrext:csrc-audio-level"
MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
RID = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED_RID = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
TOFFSET = "urn:ietf:params:rtp-hdrext:toffset"
ORIENTATION = "urn:3gpp:video-orientation"
EXPERIMENTS = "http://www.webrtc.org/experiments/rtp-hdrext/"
SEND_TIME = EXPERIMENTS + "abs-send-time"
PLAYOUT = EXPERIMENTS + "playout-delay"
TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
FRAME_MARKING = "http://tools.ietf.org/html/draft-ietf-avtext-framemarking-07"


@dataclass(frozen=True)
class Shape:
    """`video`: the codecs of each video section that is answered. `refused`: mids that get port 0."""

    name: str
    offer: str
    video: str = ALL
    roles: dict[str, Role] = field(default_factory=lambda: ROLES)
    refused: tuple[str, ...] = ()
    extensions: int | None = None
    """How many header extensions the answer has in all; None: at least one."""
    learnt: tuple[str, ...] = ()
    """Mids of lines whose SSRC has to be learnt."""

    def __str__(self) -> str:
        return self.name


def lines(*written: str | Iterable[str]) -> str:
    """Each with its end, as RFC 8866 has it. Of what is no text, one line each."""
    flat = [line for part in written for line in ([part] if isinstance(part, str) else part)]
    return "".join(f"{line}\r\n" for line in flat if line)


def directions(mid: str) -> str:
    """Of our page's six sections."""
    return "sendonly" if mid in "012" else "recvonly"


def kinds(mid: str) -> str:
    return "audio" if mid in "03" else "video"


def secured(setup: str = "actpass", *, ice_options: str = "trickle") -> list[str]:
    """The lines that say where to and by which keys."""
    options = [f"a=ice-options:{ice_options}"] if ice_options else []
    return [
        f"a=ice-ufrag:{UFRAG}",
        f"a=ice-pwd:{PASSWORD}",
        *options,
        f"a=fingerprint:{FINGERPRINT}",
        f"a=setup:{setup}",
    ]


def described(payload_type: int, name: str, fmtp: str = "", feedback: Iterable[str] = ()) -> list[str]:
    """A codec as Chromium lists it: rtpmap, feedback, parameters."""
    parameters = [f"a=fmtp:{payload_type} {fmtp}"] if fmtp else []
    return [f"a=rtpmap:{payload_type} {name}", *(f"a=rtcp-fb:{payload_type} {each}" for each in feedback), *parameters]
