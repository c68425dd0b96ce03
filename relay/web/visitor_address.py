"""Where a visitor comes from, and how many come from there."""

from collections import Counter
from collections.abc import Sequence

from aiohttp import web

from relay.ledger.addresses import Networks, parse, subscriber


class VisitorAddresses:
    """Counts connections per address. Trusted proxies are believed about whom they speak for."""

    def __init__(self, trusted_proxies: Sequence[str], most: int) -> None:
        self._trusted = Networks(trusted_proxies)
        self._most = most
        self._counts: Counter[str] = Counter()

    def enter(self, request: web.Request) -> str | None:
        """Count one more connection; returns what `leave` wants, or None when there are too many.

        A trusted proxy that speaks for nobody is not counted: it would stand for all its visitors.
        """
        origin = self.origin(request)
        if origin is None:
            return ""
        key = subscriber(origin)
        if self._counts[key] >= self._most:
            return None
        self._counts[key] += 1
        return key

    def leave(self, key: str) -> None:
        """The connection ended."""
        self._counts[key] -= 1
        if self._counts[key] <= 0:
            del self._counts[key]

    def of(self, request: web.Request) -> str:
        """Who is limited for a request."""
        return self.origin(request) or request.remote or ""

    def origin(self, request: web.Request) -> str | None:
        """The nearest address that is not a trusted proxy's; None when there is none."""
        chain = [request.remote or ""]
        chain += [part.strip() for part in reversed(request.headers.get("X-Forwarded-For", "").split(","))]
        for hop in chain:
            try:
                address = str(parse(hop))
            except ValueError:
                return None
            if not self._trusted.hold(address):
                return address
        return None
