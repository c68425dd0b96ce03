"""Every message of the WebSocket protocol, one frozen struct each.

`README.md` beside this file is the specification; new events are added there first. On the wire a
message is `{"event": <event>, "data": {<the struct's fields>}}`; `codec.py` does the wrapping.
"""

from enum import StrEnum
from typing import ClassVar

import msgspec

from relay.errors import ErrorCode
from relay.ids import RoomId, UserId
from relay.protocol.limits import Limits

PROTOCOL_VERSION = 1


class Role(StrEnum):
    """What an SDP section carries, from the point of view of the browser that offers it."""

    MICROPHONE = "microphone"
    CAMERA = "camera"
    SCREEN = "screen"
    PARTNER_MICROPHONE = "partner_microphone"
    PARTNER_CAMERA = "partner_camera"
    PARTNER_SCREEN = "partner_screen"


class PartingReason(StrEnum):
    """Why a conversation ended, as the one who stays is told."""

    NEXT = "next"
    LEFT = "left"
    DISCONNECTED = "disconnected"
    SERVER_STOPPING = "server_stopping"


class Message(msgspec.Struct, frozen=True):
    """What all messages share. `event` is the name on the wire."""

    event: ClassVar[str]


class IceServer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One entry of RTCConfiguration.iceServers (W3C WebRTC, RTCIceServer)."""

    urls: tuple[str, ...]
    username: str | None = None
    credential: str | None = None


# From the client


class FindPartner(Message, frozen=True):
    event: ClassVar[str] = "find_partner"


class NextPartner(Message, frozen=True):
    event: ClassVar[str] = "next_partner"


class LeaveRoom(Message, frozen=True):
    event: ClassVar[str] = "leave_room"


class WebrtcOffer(Message, frozen=True):
    event: ClassVar[str] = "webrtc_offer"

    sdp: str
    lines: dict[str, Role]
    """mid of each section to what it carries."""


class WebrtcIceCandidate(Message, frozen=True):
    event: ClassVar[str] = "webrtc_ice_candidate"

    candidate: str
    """`candidate:...` (RFC 8839 section 5.1), or empty for end-of-candidates."""
    sdp_mid: str | None = None
    sdp_m_line_index: int | None = None


# Both ways


class ChatMessage(Message, frozen=True):
    event: ClassVar[str] = "chat_message"

    text: str


# From the server


class Connected(Message, frozen=True):
    event: ClassVar[str] = "connected"

    user_id: UserId
    limits: Limits
    ice_servers: tuple[IceServer, ...] = ()
    protocol: int = PROTOCOL_VERSION


class WaitingForPartner(Message, frozen=True):
    event: ClassVar[str] = "waiting_for_partner"


class PartnerFound(Message, frozen=True):
    event: ClassVar[str] = "partner_found"

    room_id: RoomId


class WebrtcAnswer(Message, frozen=True):
    event: ClassVar[str] = "webrtc_answer"

    sdp: str


class PartnerDisconnected(Message, frozen=True):
    event: ClassVar[str] = "partner_disconnected"

    reason: PartingReason


class ErrorMessage(Message, frozen=True, omit_defaults=True):
    event: ClassVar[str] = "error"

    code: ErrorCode
    message: str
    retry_after: float | None = None
    """Seconds after which trying again may help."""


ClientMessage = FindPartner | NextPartner | LeaveRoom | WebrtcOffer | WebrtcIceCandidate | ChatMessage
ServerMessage = (
    Connected | WaitingForPartner | PartnerFound | WebrtcAnswer | PartnerDisconnected | ChatMessage | ErrorMessage
)

RESERVED_EVENTS = frozenset({"webrtc_answer"})
"""Known to the protocol, but not for a client to send: the browser always offers."""
