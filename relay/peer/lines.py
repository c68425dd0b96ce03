"""What one connection carries: the lines a browser sends and the slots in which it receives.

These are the nouns that negotiation, engines and the switchboard share.
"""

from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import NamedTuple

from relay.ids import PeerId
from relay.observe.ignored import Ignored
from relay.protocol.messages import Role
from relay.transport.port import Credentials


class Medium(StrEnum):
    """One kind of stream of one person."""

    MICROPHONE = "microphone"
    CAMERA = "camera"
    SCREEN = "screen"

    @property
    def kind(self) -> str:
        """`audio` or `video`, as in an SDP media line."""
        return "audio" if self is Medium.MICROPHONE else "video"


SENT: dict[Role, Medium] = {
    Role.MICROPHONE: Medium.MICROPHONE,
    Role.CAMERA: Medium.CAMERA,
    Role.SCREEN: Medium.SCREEN,
}
"""Roles of sections that the browser sends."""

RECEIVED: dict[Role, Medium] = {
    Role.PARTNER_MICROPHONE: Medium.MICROPHONE,
    Role.PARTNER_CAMERA: Medium.CAMERA,
    Role.PARTNER_SCREEN: Medium.SCREEN,
}
"""Roles of sections in which the browser receives its partner."""


class LineId(NamedTuple):
    """What `peer` sends as `medium`."""

    peer: PeerId
    medium: Medium


class SlotId(NamedTuple):
    """Where `peer` is shown somebody's `medium`."""

    peer: PeerId
    medium: Medium
    seat: int = 0
    """Whose: those whom a peer is shown are numbered. With one partner there is seat 0."""


@dataclass(frozen=True, slots=True)
class Codec:
    """A codec as negotiated on one section; its payload type is the browser's own number."""

    name: str
    payload_type: int
    clock_rate: int
    channels: int | None
    parameters: tuple[tuple[str, int | str | None], ...]
    feedback: tuple[tuple[str, str | None], ...]
    rtx_payload_type: int | None
    """Of its retransmissions (RFC 4588), if negotiated."""


@dataclass(frozen=True, slots=True)
class NegotiatedLine:
    """A section that the browser sends."""

    mid: str
    medium: Medium
    codecs: tuple[Codec, ...]
    extensions: tuple[tuple[int, str], ...]
    """(id, URI) of each header extension (RFC 8285)."""
    ssrc: int | None
    """As announced in the offer; None: to be learnt from the MID extension (RFC 8843 section 9.2)."""
    rtx_ssrc: int | None


@dataclass(frozen=True, slots=True)
class NegotiatedSlot:
    """A section in which the browser receives. The SSRCs are ours."""

    mid: str
    medium: Medium
    codecs: tuple[Codec, ...]
    extensions: tuple[tuple[int, str], ...]
    ssrc: int
    rtx_ssrc: int
    seat: int = 0
    """See `SlotId`."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Digest of a DTLS certificate (RFC 8122 section 5): algorithm in lower case, colon-separated hex."""

    algorithm: str
    value: str


@dataclass(frozen=True, slots=True)
class Negotiated:
    """The outcome of one offer and answer."""

    lines: tuple[NegotiatedLine, ...]
    slots: tuple[NegotiatedSlot, ...]
    fingerprints: tuple[Fingerprint, ...]
    """Of the browser's certificate; every one with a digest we know must match."""
    remote: Credentials
    """The browser's; a new ufrag means an ICE restart."""
    dtls_role: "DtlsRole"
    """Ours."""
    answer: str
    refused: tuple[Role, ...] = ()
    """Roles whose sections can't be served; the others are."""
    ignored: Ignored = field(default_factory=Ignored, compare=False)
    """Lines of the offer that were passed over."""


class DtlsRole(Enum):
    CLIENT = "client"
    SERVER = "server"


class SrtpProfile(Enum):
    """Protection profiles that DTLS-SRTP may agree on (RFC 5764, RFC 7714), by OpenSSL's names."""

    AEAD_AES_256_GCM = "SRTP_AEAD_AES_256_GCM"
    AEAD_AES_128_GCM = "SRTP_AEAD_AES_128_GCM"
    AES128_CM_SHA1_80 = "SRTP_AES128_CM_SHA1_80"


@dataclass(frozen=True, slots=True, repr=False)
class SrtpKeys:
    """Master keys from the DTLS handshake, each key followed by its salt. Never printed."""

    profile: SrtpProfile
    receive: bytes
    send: bytes
