"""What a room wants done. Rooms decide, the host carries out."""

from dataclasses import dataclass

from relay.ids import UserId
from relay.protocol.messages import ServerMessage


@dataclass(frozen=True, slots=True)
class Tell:
    """Send a message to one person."""

    to: UserId
    message: ServerMessage


@dataclass(frozen=True, slots=True)
class Connect:
    """Let people see and hear each other."""

    members: tuple[UserId, ...]


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Stop a person's media in both directions."""

    user: UserId


Effect = Tell | Connect | Disconnect
