"""Offers and candidates, and what browsers say of their path and their picture: for connections and rooms."""

from relay.errors import About, ErrorCode, RelayError
from relay.media.connections import MediaConnections
from relay.protocol.limits import Limits
from relay.protocol.messages import (
    FirstFrame,
    MediaPath,
    QualityReport,
    WebrtcAnswer,
    WebrtcIceCandidate,
    WebrtcOffer,
)
from relay.room.host import RoomHost
from relay.session.session import Session


class MediaEvents:
    """Handles events of clients, each in its turn."""

    def __init__(self, connections: MediaConnections, rooms: RoomHost, limits: Limits) -> None:
        self._connections = connections
        self._rooms = rooms
        self._most_candidates = limits.candidates

    def offer(self, session: Session, message: WebrtcOffer, now: float) -> None:
        answer = self._connections.answer(
            session.user, session.payer, message.sdp, message.lines, browser=session.browser
        )
        session.candidates = 0
        session.outbox.put(WebrtcAnswer(sdp=answer))

    def candidate(self, session: Session, message: WebrtcIceCandidate, now: float) -> None:
        # An ICE-lite agent learns addresses from checks and never sends to a candidate.
        session.candidates += 1
        if session.candidates > self._most_candidates:
            raise RelayError(ErrorCode.TOO_MANY_CANDIDATES, "No more candidates are taken.", about=About(message.event))

    def path(self, session: Session, message: MediaPath, now: float) -> None:
        self._connections.note_claim(session.user, message)

    def quality(self, session: Session, message: QualityReport, now: float) -> None:
        self._rooms.note_report(session.user, message, now)
        if message.path is not None:
            self._connections.note_claim(session.user, message.path)

    def first_frame(self, session: Session, message: FirstFrame, now: float) -> None:
        self._rooms.note_report(session.user, message, now)
