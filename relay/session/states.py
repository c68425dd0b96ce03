"""What a visitor may say when. The state itself follows from lobby and rooms, which own it."""

from enum import Enum

from relay.protocol.messages import (
    Back,
    ChatMessage,
    ClientMessage,
    FindPartner,
    FirstFrame,
    LeaveRoom,
    MediaPath,
    MediaState,
    NextPartner,
    Ping,
    Pong,
    QualityReport,
    Resume,
    Typing,
    WebrtcIceCandidate,
    WebrtcOffer,
)


class VisitorState(Enum):
    """Where a visitor stands, as in the specification (`protocol/README.md`)."""

    IDLE = "idle"
    WAITING = "waiting"
    TALKING = "talking"


ANYTIME: frozenset[type[ClientMessage]] = frozenset(
    {
        NextPartner,
        LeaveRoom,
        WebrtcOffer,
        WebrtcIceCandidate,
        MediaPath,
        MediaState,
        Ping,
        Pong,
        QualityReport,
        FirstFrame,
    }
)
"""Reports cross with partings: those of a conversation that is over are passed over, and no mistake."""

ALLOWED: dict[VisitorState, frozenset[type[ClientMessage]]] = {
    VisitorState.IDLE: ANYTIME | {FindPartner, Resume, Back},
    VisitorState.WAITING: ANYTIME | {Back},
    VisitorState.TALKING: ANYTIME | {ChatMessage, Typing},
}
