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
class Link:
    """Let two people see and hear each other."""

    one: UserId
    other: UserId


@dataclass(frozen=True, slots=True)
class Unlink:
    """Stop a person's media in both directions."""

    user: UserId


Effect = Tell | Link | Unlink
