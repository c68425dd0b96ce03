"""How rooms and matchmaker reach people. They do not know where anybody is."""

from typing import Protocol

from relay.ids import UserId
from relay.protocol.messages import ServerMessage


class Post(Protocol):
    """Delivers to a person, wherever they are."""

    def tell(self, user: UserId, message: ServerMessage) -> None:
        """Never waits. A message to somebody who is gone is dropped."""
