"""Searching a partner, leaving one, going back to one: for the matchmaker."""

from relay.errors import ErrorCode, RelayError
from relay.ids import RoomId
from relay.matchmaking.matchmaker import Matchmaker, Wish
from relay.protocol.codec import about
from relay.protocol.messages import Back, FindPartner, LeaveRoom, NextPartner, PartingReason
from relay.session.presence import Presence
from relay.session.session import Session


class Search:
    """Handles events of clients, each in its turn."""

    def __init__(self, matchmaker: Matchmaker, presence: Presence) -> None:
        self._matchmaker = matchmaker
        self._presence = presence

    def find(self, session: Session, message: FindPartner, now: float) -> None:
        wish = Wish(message.mode, message.keep_searching, message.browser)
        self._matchmaker.find(session.user, now, wish)
        self._presence.note_change(session)

    def next(self, session: Session, message: NextPartner, now: float) -> None:
        self._matchmaker.next(session.user, now)

    def back(self, session: Session, message: Back, now: float) -> None:
        if not self._matchmaker.back(session.user, RoomId(message.room_id), now):
            raise RelayError(ErrorCode.OUT_OF_TURN, "There is no way back.", about=about(message))

    def leave(self, session: Session, message: LeaveRoom, now: float) -> None:
        self._matchmaker.part(session.user, PartingReason.LEFT, now)
