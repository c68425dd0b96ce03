"""What people's browsers are told of TURN, and the credentials for it: of our own inside the media port, and of servers
outside such as coturn.

Our own knows when a session ends. So a session has one pair of credentials, made at its first greeting and the same at
each later one, and void with the session: minutes after a person has left, where they might come back, and at once
where they closed the page. There is nothing to renew. A server outside knows nothing of sessions: its credentials
carry their end of validity, and are renewed when half of that has passed.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass

from relay.config.settings import TurnChoice, TurnSettings
from relay.ids import UserId, new_turn_password, new_turn_username
from relay.peer.candidates import Reach
from relay.protocol.messages import IceServer
from relay.transport.port import TurnPort

REALM = "relay"


@dataclass(frozen=True, slots=True)
class OutsideTurn:
    """TURN servers of somebody else, which share a secret with us; with no URLs there are none. Pure: takes the time.

    The user name is the end of validity and the person's public id, and the credential its HMAC-SHA1 under the secret
    (coturn's `use-auth-secret`), so nobody needs a database. The name tells coturn who it is, which is what its quota
    per user counts by.
    """

    urls: tuple[str, ...]
    secret: str
    lifetime: int
    """Seconds."""

    @classmethod
    def configured(cls, turn: TurnSettings) -> "OutsideTurn":
        return cls(turn.turn_urls, turn.turn_secret or "", turn.turn_lifetime)

    def servers(self, user: UserId, now: float) -> tuple[IceServer, ...]:
        """What the person's browser is to be told at `now`, in Unix time."""
        if not self.urls:
            return ()
        username = f"{int(now) + self.lifetime}:{user}"
        digest = hmac.digest(self.secret.encode(), username.encode(), hashlib.sha1)
        return (IceServer(urls=self.urls, username=username, credential=base64.b64encode(digest).decode()),)


@dataclass(frozen=True, slots=True)
class InsideTurn:
    """By which URLs our own is reached. Each costs every browser an allocation each time it connects, whether or not
    it is needed: so by default there is one."""

    choice: TurnChoice
    reach: Callable[[], Reach]
    """Where the media port is reached now."""
    takes_tls: Callable[[], bool]
    """Whether TURN is taken on the port of the pages, with their certificate."""

    @property
    def offers_tls(self) -> bool:
        """Whether browsers whose TLS ends here are offered it over TLS."""
        return self.choice is not TurnChoice.OFF and self.takes_tls()

    def urls(self, tls_host: str | None) -> tuple[str, ...]:
        """For a browser that reaches our own TLS by `tls_host` (host and port, as in a URL); None where TLS ends
        elsewhere, or where there is none: there only the media port is sure to be ours."""
        if self.choice is TurnChoice.OFF:
            return ()
        urls = [f"turns:{tls_host}?transport=tcp"] if tls_host is not None and self.takes_tls() else []
        if urls and self.choice is TurnChoice.TLS:
            return tuple(urls)
        reach = self.reach()
        if self.choice is TurnChoice.ALL:
            urls += _at(reach.addresses, reach.udp_port, "udp")
        if reach.tcp_port is not None:
            urls += _at(reach.addresses, reach.tcp_port, "tcp")
        return tuple(urls)


def _at(addresses: tuple[str, ...], port: int, transport: str) -> list[str]:
    """By the first address of each family: either may lead nowhere, and more would only cost."""
    first = {":" in address: address for address in reversed(addresses)}
    hosts = [f"[{address}]" if ":" in address else address for address in addresses if address in first.values()]
    return [f"turn:{host}:{port}?transport={transport}" for host in hosts]


@dataclass(frozen=True, slots=True)
class TurnCredentials:
    """For our own."""

    username: str
    password: str

    @property
    def key(self) -> bytes:
        """What the server checks requests by (RFC 8489 section 9.2.2)."""
        text = f"{self.username}:{REALM}:{self.password}"
        return hashlib.md5(text.encode(), usedforsecurity=False).digest()


class Turn:
    """Both, for all sessions. Owns the credentials of our own, and tells `port` of them."""

    def __init__(self, *, inside: InsideTurn, outside: OutsideTurn, port: TurnPort) -> None:
        self._inside = inside
        self._outside = outside
        self._port = port
        self._credentials: dict[UserId, TurnCredentials] = {}

    @property
    def renewal(self) -> float | None:
        """Seconds after which everybody is told anew; None where nothing ends but with the session."""
        return self._outside.lifetime / 2 if self._outside.urls else None

    def servers(self, user: UserId, tls_host: str | None, now: float) -> tuple[IceServer, ...]:
        """What the person's browser is to be told at `now`, in Unix time; `tls_host` as for `InsideTurn.urls`."""
        return (*self._inside_for(user, tls_host), *self._outside.servers(user, now))

    def release(self, user: UserId) -> None:
        """The person's session has ended: nobody can use its credentials any more. Idempotent."""
        if (credentials := self._credentials.pop(user, None)) is not None:
            self._port.release_turn(credentials.username)

    def _inside_for(self, user: UserId, tls_host: str | None) -> tuple[IceServer, ...]:
        urls = self._inside.urls(tls_host)
        if not urls:
            return ()
        if (credentials := self._credentials.get(user)) is None:
            credentials = self._credentials[user] = TurnCredentials(new_turn_username(), new_turn_password())
            self._port.admit_turn(credentials.username, credentials.key)
        return (IceServer(urls=urls, username=credentials.username, credential=credentials.password),)
