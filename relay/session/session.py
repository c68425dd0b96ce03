"""One visitor's presence, which may outlive their connection by the resume window."""

from collections import deque
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Protocol

from relay.errors import RelayError
from relay.ids import SessionToken, UserId
from relay.ledger.accounts import Payer
from relay.observe.browsers import UNKNOWN, Browser
from relay.session.outbox import Outbox
from relay.session.rates import RateLimiter

REMEMBERED = 64
"""Chat messages whose ids are remembered, so that one which is sent again after a loss is not doubled."""


class Ending(Enum):
    """How a connection ended."""

    CLOSED = auto()
    """By the visitor, as who closes the page does."""
    CUT = auto()
    """By us."""
    LOST = auto()
    """By nobody: the visitor may come back."""


class Socket(Protocol):
    """The connection that a session goes over."""

    def take_over(self, session: "Session") -> None:
        """Go on for another session, whose own connection was lost."""

    def end(self, code: int, reason: str) -> None:
        """Close soon, with a WebSocket close code."""

    def turn_away(self, error: RelayError) -> None:
        """Say why, and close soon."""

    def abandon(self) -> None:
        """Nobody is there: let the connection be lost."""


@dataclass(slots=True, eq=False)
class Session:
    """Everything that belongs to one visitor and to nobody else."""

    user: UserId
    token: SessionToken
    rates: RateLimiter
    payer: Payer
    """The address that it came from last."""
    opened_at: float
    browser: Browser = UNKNOWN
    tls_host: str | None = None
    """Host and port, as in a URL, by which their browser reaches our own TLS; None where TLS ends elsewhere."""
    has_agreed: bool = True
    """To the rules, as they are now; also where nobody is asked."""
    has_account: bool = True
    """Or needs none."""
    outbox: Outbox = field(default_factory=Outbox)
    socket: Socket | None = None
    """None while the connection is lost."""
    lost_at: float = 0.0
    away: bool = False
    """The person can't be reached: their connection is lost, or nothing comes from where their media does."""
    absence: int = 0
    """Looks at which they could not be, one after the other."""
    heard_at: float = 0.0
    """When the page last said something."""
    silence: int = 0
    """Looks since then, while others count on it."""
    candidates: int = 0
    is_on_trial: bool = False
    """Let in while the server was full, because this may be somebody whose connection was lost."""
    _taken: deque[str] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    def end(self) -> None:
        """The visitor is gone. Connection and session know each other no longer, so that both are freed at once and
        nothing is left to the garbage collector. Idempotent."""
        self.socket = None
        self.outbox.close()

    def takes_first(self, message_id: str) -> bool:
        """Whether this chat message has not come before; remembers it."""
        if message_id in self._taken:
            return False
        self._taken.append(message_id)
        return True
