"""Our cookies: first-party, unreadable to scripts, and never sent along by a page of somebody else's.

On HTTPS their names begin with `__Host-`: then no other host below the same domain and nobody in the middle of plain
HTTP can have put one there (draft-ietf-httpbis-rfc6265bis, section 4.1.3.2). Elsewhere browsers take no such name, and
it is the plain one: on this machine itself, and in a network without HTTPS, where there is no camera anyway.
"""

from typing import Literal

from aiohttp import web

from relay.web.authority import origin
from relay.web.visitor_address import VisitorAddresses

HOST_PREFIX = "__Host-"


class Cookies:
    """Reads and writes them, by the scheme that trusted proxies tell."""

    def __init__(self, addresses: VisitorAddresses) -> None:
        self._addresses = addresses

    def put(
        self,
        request: web.BaseRequest,
        response: web.StreamResponse,
        name: str,
        value: str,
        seconds: int,
        same_site: Literal["Strict", "Lax"] = "Strict",
    ) -> None:
        """Have the browser keep a value for so long, and send it with each request for our own pages; a `Lax` one also
        where a link of another site leads to them."""
        is_secure = self._is_https(request)
        response.set_cookie(
            HOST_PREFIX + name if is_secure else name,
            value,
            max_age=seconds,
            path="/",
            secure=is_secure,
            httponly=True,
            samesite=same_site,
        )

    def drop(self, request: web.BaseRequest, response: web.StreamResponse, name: str) -> None:
        """Have the browser forget it."""
        self.put(request, response, name, "", 0)

    def read(self, request: web.BaseRequest, name: str) -> str | None:
        """What the browser sent; None if it sent none, or two of one name, of which one can't be ours."""
        written = request.headers.get("Cookie")
        if written is None or name not in written:
            return None
        scheme = self._addresses.scheme(request)
        found = _find(written, HOST_PREFIX + name) if scheme != "http" else None
        return _find(written, name) if found is None and scheme != "https" else found

    def _is_https(self, request: web.BaseRequest) -> bool:
        """As the browser sees it. Where a proxy does not tell, the browser's own word is taken: it would refuse a name
        with the prefix anywhere else, and keep a plain one that is then not `Secure`."""
        scheme = self._addresses.scheme(request)
        if scheme is not None:
            return scheme == "https"
        theirs = origin(request.headers.get("Origin", ""))
        return theirs is not None and theirs.scheme == "https"


def _find(written: str, name: str) -> str | None:
    """The value of a cookie in a Cookie header (RFC 6265, section 5.4); None unless it is there exactly once."""
    wanted = name + "="
    found = [pair[len(wanted) :] for pair in map(str.strip, written.split(";")) if pair.startswith(wanted)]
    return found[0] if len(found) == 1 else None
