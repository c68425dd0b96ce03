"""Credentials for the TURN server, one pair per person, valid for a while (coturn's `use-auth-secret`).

Pure: takes the time. The user name is the end of validity and the person's public id, and the
credential its HMAC-SHA1 under the secret that coturn knows too, so nobody needs a database. The
name tells coturn who it is, which is what its quota per user counts by.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass

from relay.config.settings import TurnSettings
from relay.ids import UserId
from relay.protocol.messages import IceServer


@dataclass(frozen=True, slots=True)
class Turn:
    """The TURN servers that people may fall back to; with no URLs there are none."""

    urls: tuple[str, ...]
    secret: str
    lifetime: int
    """Seconds."""

    @classmethod
    def configured(cls, turn: TurnSettings) -> "Turn":
        return cls(turn.turn_urls, turn.turn_secret or "", turn.turn_lifetime)

    def servers(self, user: UserId, now: float) -> tuple[IceServer, ...]:
        """What the person's browser is to be told at `now`, in Unix time."""
        if not self.urls:
            return ()
        username = f"{int(now) + self.lifetime}:{user}"
        digest = hmac.digest(self.secret.encode(), username.encode(), hashlib.sha1)
        return (IceServer(urls=self.urls, username=username, credential=base64.b64encode(digest).decode()),)
