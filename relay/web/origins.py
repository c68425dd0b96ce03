"""Whose page asks: ours, that of somebody whom the operator named, or somebody else's.

Programs name no origin. They gain nothing by one: what is guarded here are people whose browsers carry our cookies.
"""

from collections.abc import Sequence

from aiohttp import web

from relay.errors import ErrorCode, RelayError
from relay.web.authority import DEFAULT_PORTS, Origin, at, origin
from relay.web.visitor_address import VisitorAddresses

OUR_OWN_SITE = frozenset({"same-origin", "none"})
"""What `Sec-Fetch-Site` says of a page of ours, and of the person (Fetch Metadata, section 2.3)."""


class Origins:
    """One per server."""

    def __init__(self, friends: Sequence[str], addresses: VisitorAddresses) -> None:
        """`friends` are the origins that the operator named."""
        self._friends = frozenset(origin(written) for written in friends)
        self._addresses = addresses

    def welcomes(self, request: web.BaseRequest) -> bool:
        """Whether the page may open our socket."""
        lines = request.headers.getall("Origin", [])
        return not lines or self._is_of(request, lines, self._friends)

    def check_own(self, request: web.BaseRequest) -> None:
        """Let nobody but our own pages go on: what they ask for is done in the name of who sits before them.

        Raises:
            RelayError: ORIGIN_REFUSED.
        """
        lines = request.headers.getall("Origin", [])
        site = request.headers.get("Sec-Fetch-Site", "none")
        if site not in OUR_OWN_SITE or (lines and not self._is_of(request, lines, frozenset())):
            raise RelayError(ErrorCode.ORIGIN_REFUSED, "Only our own pages may ask for this.")

    def _is_of(self, request: web.BaseRequest, lines: Sequence[str], friends: frozenset[Origin | None]) -> bool:
        theirs = origin(lines[0]) if len(lines) == 1 else None
        return theirs is not None and (theirs in friends or theirs in self._own(request))

    def _own(self, request: web.BaseRequest) -> tuple[Origin | None, ...]:
        """Where our page may have been loaded from, for who asks like this: by both schemes where we can't know
        which."""
        scheme, host = self._addresses.scheme(request), self._addresses.host(request)
        return tuple(at(each, host) for each in ([scheme] if scheme else DEFAULT_PORTS))
