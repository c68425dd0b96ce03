"""Where our page is, as the browser sees it: what passkeys are bound to."""

import ipaddress

from aiohttp import web

from relay.auth.passkeys import Place
from relay.errors import ErrorCode, RelayError
from relay.web.authority import DEFAULT_PORTS, origin
from relay.web.hosts import OUTSIDE
from relay.web.visitor_address import VisitorAddresses


def place_of(request: web.Request, addresses: VisitorAddresses) -> Place:
    """By the host that is asked for, and the scheme that trusted proxies tell; where none does, by the browser's own
    word, whose page was compared with ours before.

    Raises:
        RelayError: PASSKEY_REFUSED: the page was opened by an address.
    """
    outside = request[OUTSIDE]
    if _is_address(outside.host):
        raise RelayError(
            ErrorCode.PASSKEY_REFUSED, "Passkeys belong to a host name. Open this page by one, and not by an address."
        )
    theirs = origin(request.headers.get("Origin", ""))
    scheme = addresses.scheme(request) or (theirs.scheme if theirs is not None else "https")
    port = outside.port
    written = "" if port is None or port == DEFAULT_PORTS[scheme] else f":{port}"
    return Place(outside.host, f"{scheme}://{outside.host}{written}")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
