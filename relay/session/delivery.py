"""One row per event of the server: what becomes of it while it waits for a slow or a lost reader. Pure.

The specification (`protocol/README.md`) says the same, and a test compares the two.
"""

from dataclasses import dataclass

from relay.protocol.messages import (
    BackAsked,
    ChatKeeping,
    ChatMessage,
    Connected,
    ErrorMessage,
    IceServers,
    MediaState,
    MessageDelivered,
    PartnerDisconnected,
    PartnerFound,
    PartnerReconnecting,
    PartnerResumed,
    Ping,
    Pong,
    Resumed,
    ServerDraining,
    ServerMessage,
    Typing,
    WaitingForPartner,
    WebrtcAnswer,
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """How an event is delivered."""

    kind: type[ServerMessage]
    newest_only: bool = False
    """It tells a state: a newer one makes an older one that still waits pointless."""
    first_to_go: bool = False
    """It is dropped where there is no room for what matters more."""
    kept: bool = False
    """It still means something after a resume; everything else is part of the state in `resumed`."""


DELIVERIES = {
    row.kind: row
    for row in (
        Delivery(Connected),
        Delivery(Resumed),
        Delivery(IceServers, newest_only=True),
        Delivery(WaitingForPartner),
        Delivery(PartnerFound),
        Delivery(BackAsked),
        Delivery(WebrtcAnswer),
        Delivery(ChatMessage, kept=True),
        Delivery(MessageDelivered, kept=True),
        Delivery(ChatKeeping, newest_only=True, kept=True),
        Delivery(Typing, newest_only=True, first_to_go=True),
        Delivery(MediaState, newest_only=True),
        Delivery(PartnerDisconnected),
        Delivery(PartnerReconnecting),
        Delivery(PartnerResumed),
        Delivery(Ping, newest_only=True),
        Delivery(Pong, newest_only=True),
        Delivery(ServerDraining),
        Delivery(ErrorMessage, kept=True),
    )
}
