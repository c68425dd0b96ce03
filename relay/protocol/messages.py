"""Every message of the WebSocket protocol, one frozen struct each. Its bases tell who may say it.

`README.md` beside this file is the specification; new events are added there first. On the wire a
message is `{"event": <event>, "data": {<the struct's fields>}}`; `codec.py` does the wrapping, and
`typescript.py` writes the client's types from what stands here.
"""

from enum import StrEnum
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from relay.errors import ErrorCode
from relay.ids import RoomId, SessionToken, UserId
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


class Mode(StrEnum):
    """What a visitor wants to share. Only people of one mode are paired."""

    VIDEO = "video"
    AUDIO = "audio"
    TEXT = "text"


class PartingReason(StrEnum):
    """Why a conversation ended, as the one who stays is told."""

    NEXT = "next"
    LEFT = "left"
    DISCONNECTED = "disconnected"
    OPERATOR = "operator"
    SERVER_STOPPING = "server_stopping"


Name = Annotated[str, Meta(min_length=1, max_length=36, pattern=r"^[A-Za-z0-9-]+$")]
"""Random, and chosen by a client."""

MessageId = Name
"""A chat message's. Means something only to its writer."""


class Message(msgspec.Struct, frozen=True):
    """What all messages share. `event` is the name on the wire."""

    event: ClassVar[str]


class ClientMessage(Message, frozen=True):
    """What a client may say. Each such class is an event, and has a row in `session/events.py`."""


class ServerMessage(Message, frozen=True):
    """What the server may say. Each such class is an event, and has a row in `session/delivery.py`."""


class IceServer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One entry of RTCConfiguration.iceServers (W3C WebRTC, RTCIceServer)."""

    urls: tuple[str, ...]
    username: str | None = None
    credential: str | None = None


# From the client


class FindPartner(ClientMessage, frozen=True):
    """Search for a partner."""

    event: ClassVar[str] = "find_partner"

    mode: Mode = Mode.VIDEO
    keep_searching: bool = True
    """Whether to search on by oneself when a partner leaves."""
    browser: Name | None = None
    """What those tabs of one browser have in common that are open at the same time: they are not paired."""


class NextPartner(ClientMessage, frozen=True):
    """Leave the partner, if there is one, and search again as before."""

    event: ClassVar[str] = "next_partner"


class Back(ClientMessage, frozen=True):
    """Undo a Next: of one's own, or of the partner who would like to come back."""

    event: ClassVar[str] = "back"

    room_id: Annotated[str, Meta(max_length=64)]
    """Of the conversation to go on with."""


class LeaveRoom(ClientMessage, frozen=True):
    """Leave partner or queue."""

    event: ClassVar[str] = "leave_room"


class WebrtcOffer(ClientMessage, frozen=True):
    """The browser's one offer."""

    event: ClassVar[str] = "webrtc_offer"

    sdp: str
    lines: dict[str, Role]
    """mid of each section to what it carries."""


class WebrtcIceCandidate(ClientMessage, frozen=True):
    """A candidate of the browser's."""

    event: ClassVar[str] = "webrtc_ice_candidate"

    candidate: str
    """`candidate:...` (RFC 8839 section 5.1), or empty for end-of-candidates."""
    sdp_mid: str | None = None
    sdp_m_line_index: int | None = None


class Resume(ClientMessage, frozen=True):
    """The first event of a new connection: go on where a lost one stopped."""

    event: ClassVar[str] = "resume"

    token: Annotated[str, Meta(max_length=64)]
    """`session_token` of the lost connection's last `connected` or `resumed`."""
    last_message: MessageId | None = None
    """Of the last chat message that arrived before the loss."""


class CandidateType(StrEnum):
    """Kinds of ICE candidates (RFC 8445 section 4)."""

    HOST = "host"
    SERVER_REFLEXIVE = "srflx"
    PEER_REFLEXIVE = "prflx"
    RELAY = "relay"


class CandidateProtocol(StrEnum):
    """What carries checks and media between the browser's candidate and ours."""

    UDP = "udp"
    TCP = "tcp"


class RelayProtocol(StrEnum):
    """How a browser reaches its TURN server."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


class MediaPath(ClientMessage, frozen=True):
    """What the browser says of the candidate pair that it selected (W3C webrtc-stats, RTCIceCandidateStats)."""

    event: ClassVar[str] = "media_path"

    type: CandidateType
    """Of the browser's own candidate."""
    protocol: CandidateProtocol
    relay_protocol: RelayProtocol | None = None
    """For type `relay`."""


Seconds = Annotated[float, Meta(ge=0, le=3600)]
Share = Annotated[float, Meta(ge=0, le=1)]
Pixels = Annotated[int, Meta(ge=0, le=16_384)]


class QualityReport(ClientMessage, frozen=True, kw_only=True):
    """How a conversation was for one side, by their browser (W3C webrtc-stats). None: the browser can't tell."""

    event: ClassVar[str] = "quality_report"

    room_id: Annotated[str, Meta(max_length=64)]
    seconds: Annotated[float, Meta(gt=0, le=3600)]
    """That the report covers: since the report before, or the first frame."""
    frames_per_second: Annotated[float, Meta(ge=0, le=240)] | None = None
    """Of the partner's picture, decoded."""
    freezes: Annotated[int, Meta(ge=0, le=1000)] | None = None
    """That ended within those seconds."""
    frozen_seconds: Seconds | None = None
    """How long those lasted together."""
    width: Pixels | None = None
    height: Pixels | None = None
    loss: Share | None = None
    """Of the packets to this side, before any was retransmitted."""
    round_trip: Annotated[float, Meta(ge=0, le=60)] | None = None
    """Seconds to the relay and back."""
    path: MediaPath | None = None
    """As of now: browsers change it without a new connection."""


class FirstSign(StrEnum):
    """What a person expects of their partner first."""

    PICTURE = "picture"
    SOUND = "sound"


class FirstFrame(ClientMessage, frozen=True):
    """The partner is seen, or heard where there is no picture: once in a conversation."""

    event: ClassVar[str] = "first_frame"

    room_id: Annotated[str, Meta(max_length=64)]
    medium: FirstSign
    seconds: Seconds
    """Since `partner_found` arrived."""


class KeepChat(ClientMessage, frozen=True):
    """Whether one wants to keep what both write from now on. It is, once both want to."""

    event: ClassVar[str] = "keep_chat"

    room_id: Annotated[str, Meta(max_length=64)]
    keep: bool


# Both ways


class ChatMessage(ClientMessage, ServerMessage, frozen=True, omit_defaults=True):
    """Text from one partner to the other."""

    event: ClassVar[str] = "chat_message"

    id: MessageId
    text: str
    room_id: Annotated[str, Meta(max_length=64)] | None = None
    """Of the conversation that it belongs to: the relay may have moved on before it heard this."""


class Typing(ClientMessage, ServerMessage, frozen=True):
    """Somebody began or stopped to write."""

    event: ClassVar[str] = "typing"

    active: bool


class MediaState(ClientMessage, ServerMessage, frozen=True):
    """Whether somebody's microphone and camera are on."""

    event: ClassVar[str] = "media_state"

    microphone: bool
    camera: bool


class Ping(ClientMessage, ServerMessage, frozen=True):
    """The other side has said nothing for a while: is it there? A page can't see a WebSocket's own pings."""

    event: ClassVar[str] = "ping"


class Pong(ClientMessage, ServerMessage, frozen=True):
    """The answer to `ping`."""

    event: ClassVar[str] = "pong"


# From the server


class Connected(ServerMessage, frozen=True):
    """The first message of every connection."""

    event: ClassVar[str] = "connected"

    user_id: UserId
    session_token: SessionToken
    """For `resume`; secret."""
    resume_window: float
    """Seconds that the session is kept after the connection is lost."""
    limits: Limits
    ice_servers: tuple[IceServer, ...] = ()
    keeps_chats: int = 0
    """Days for which a chat is kept that both people want to keep; 0: none is."""
    protocol: int = PROTOCOL_VERSION


class Resumed(ServerMessage, frozen=True):
    """The lost connection's session goes on over this one, in this state; missed chat follows."""

    event: ClassVar[str] = "resumed"

    user_id: UserId
    session_token: SessionToken
    """A new one; the old one is void."""
    ice_servers: tuple[IceServer, ...]
    """With fresh credentials."""
    searching: bool
    """Whether the server searches for a partner; then `waiting_for_partner` or `partner_found` follows."""
    room_id: RoomId | None
    """Of the conversation that goes on; None: there is none."""
    microphone: bool
    """Whether the partner's is on."""
    camera: bool
    """Whether the partner's is on."""


class IceServers(ServerMessage, frozen=True):
    """ICE servers with fresh credentials, in the place of those in `connected`."""

    event: ClassVar[str] = "ice_servers"

    ice_servers: tuple[IceServer, ...]


class WaitingForPartner(ServerMessage, frozen=True, omit_defaults=True):
    """The visitor is in the queue."""

    event: ClassVar[str] = "waiting_for_partner"

    own_tab: bool = False
    """Another tab of the visitor's own browser is there, too."""


class PartnerFound(ServerMessage, frozen=True):
    """The visitor is paired, and may send media now."""

    event: ClassVar[str] = "partner_found"

    room_id: RoomId
    microphone: bool
    """Whether the partner's is on."""
    camera: bool
    """Whether the partner's is on."""


class BackAsked(ServerMessage, frozen=True):
    """The former partner, who went on, would like to come back."""

    event: ClassVar[str] = "back_asked"

    room_id: RoomId
    """For `back`, which agrees."""


class WebrtcAnswer(ServerMessage, frozen=True):
    """The answer to the browser's offer."""

    event: ClassVar[str] = "webrtc_answer"

    sdp: str


class MessageDelivered(ServerMessage, frozen=True):
    """A chat message is on its way to the partner."""

    event: ClassVar[str] = "message_delivered"

    id: MessageId


class PartnerDisconnected(ServerMessage, frozen=True):
    """The partner is gone."""

    event: ClassVar[str] = "partner_disconnected"

    reason: PartingReason
    searching: bool
    """Whether the server searches on for the visitor by itself."""


class PartnerReconnecting(ServerMessage, frozen=True):
    """The partner's connection was lost; they may be back within the resume window."""

    event: ClassVar[str] = "partner_reconnecting"


class PartnerResumed(ServerMessage, frozen=True):
    """The partner is back."""

    event: ClassVar[str] = "partner_resumed"


class ChatKeeping(ServerMessage, frozen=True, omit_defaults=True):
    """Who wants to keep what both write, and whether it is kept."""

    event: ClassVar[str] = "chat_keeping"

    room_id: RoomId
    own: bool
    """Whether one wants to oneself."""
    partner: bool
    until: int | None = None
    """When it goes, in seconds since 1970; None: nothing is kept now."""
    failed: bool = False
    """It could not be kept, or not be erased: what was kept before may still be there."""


class ServerDraining(ServerMessage, frozen=True):
    """The server stops soon; conversations may end by themselves until then."""

    event: ClassVar[str] = "server_draining"

    seconds: float
    """Until the rest is ended."""


class ErrorMessage(ServerMessage, frozen=True, omit_defaults=True):
    """Something was refused."""

    event: ClassVar[str] = "error"

    code: ErrorCode
    message: str
    refused: str | None = None
    """The event that was refused, if it was one the server knows."""
    id: MessageId | None = None
    """Of the chat message that was refused."""
    retry_after: float | None = None
    """Seconds after which trying again may help."""


RESERVED_EVENTS = frozenset({"webrtc_answer"})
"""Known to the protocol, but not for a client to send: the browser always offers."""
