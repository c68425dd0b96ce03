"""What is written of people who came: rows, before they are rows.

A fact holds no address, no text, and no name that a page ever saw: `key` is random and known to nobody but the store.
Times are in whole seconds since 1970.
"""

import secrets

import msgspec


class SessionFact(msgspec.Struct, frozen=True, kw_only=True):
    """A visit that has ended."""

    key: str
    started_at: int
    ended_at: int
    reason: str
    """Why it ended, as a partner is told."""
    browser: str
    """Its maker."""
    path: str | None
    """What carried its media; None: it never had any."""
    rooms: int
    """Conversations that began in it."""


class RoomFact(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation that has ended."""

    key: str
    mode: str
    opened_at: int
    ended_at: int
    reason: str
    sessions: tuple[str, ...]
    """Keys of those who met. Their visits may go on, or be forgotten earlier."""


class SumFact(msgspec.Struct, frozen=True, kw_only=True):
    """How much there was of something in an hour, so far. A later one of the same hour takes its place."""

    hour: int
    """When it began."""
    name: str
    value: float


Fact = SessionFact | RoomFact | SumFact


def new_key() -> str:
    return secrets.token_hex(16)
