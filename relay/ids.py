"""Names for people, rooms and connections, and the one place where they are made."""

import secrets
from typing import NewType

UserId = NewType("UserId", str)
"""One visitor, for the life of one session. Public: the visitor learns their own, never a partner's."""

RoomId = NewType("RoomId", str)
"""One conversation."""

PeerId = NewType("PeerId", int)
"""One browser's WebRTC connection. Small and never reused within a process, as the native core wants it."""

SessionToken = NewType("SessionToken", str)
"""Proves that a returning WebSocket belongs to a session. Secret: 256 bits, never logged."""


def new_user_id() -> UserId:
    return UserId(secrets.token_hex(16))


def new_room_id() -> RoomId:
    return RoomId(secrets.token_hex(16))


def new_turn_username() -> str:
    """Goes into every TURN request, so it is short."""
    return secrets.token_urlsafe(9)


def new_turn_password() -> str:
    """Secret: 128 bits, never sent but to whom it is for."""
    return secrets.token_urlsafe(16)


def new_session_token() -> SessionToken:
    return SessionToken(secrets.token_urlsafe(32))
