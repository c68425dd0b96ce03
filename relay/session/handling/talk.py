"""What people in a room tell each other: for the rooms."""

from relay.errors import ErrorCode, RelayError
from relay.protocol.codec import about
from relay.protocol.messages import ChatMessage, KeepChat, MediaState, MessageDelivered, Typing
from relay.room.host import RoomHost
from relay.session.keeping import Keeping
from relay.session.session import Session


class Talk:
    """Handles events of clients, each in its turn."""

    def __init__(self, rooms: RoomHost, keeping: Keeping) -> None:
        self._rooms = rooms
        self._keeping = keeping

    def say(self, session: Session, message: ChatMessage, now: float) -> None:
        room = message.room_id
        if room is not None and room != self._rooms.room_of(session.user):
            raise RelayError(ErrorCode.OUT_OF_TURN, "That conversation is over.", about=about(message))
        if session.takes_first(message.id):
            self._rooms.say(session.user, message)
            self._keeping.say(session.user, message.text)
        else:
            session.outbox.put(MessageDelivered(id=message.id))

    def keep(self, session: Session, message: KeepChat, now: float) -> None:
        self._keeping.want(session.user, message)

    def show_typing(self, session: Session, message: Typing, now: float) -> None:
        self._rooms.show_typing(session.user, message)

    def share(self, session: Session, message: MediaState, now: float) -> None:
        self._rooms.share(session.user, message)
