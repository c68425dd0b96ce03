"""Which names this server answers to. Owns the decision, and the middleware that asks for it.

A page elsewhere can have its own name lead to an address of this machine (DNS rebinding), and is then asked about as
if it were ours. So `hosts` names what is served. Without it any name is, as we can't know them all, but over
loopback, where only this machine's own browsers are, none but its own names.
"""

import socket
from collections.abc import Sequence

from aiohttp import HttpVersion10, web
from aiohttp.typedefs import Handler, Middleware

from relay.config.settings import NetworkSettings, SiteSettings
from relay.errors import ErrorCode, RelayError
from relay.ledger.addresses import parse, plain
from relay.observe.happenings import KeptOut
from relay.observe.journal import Journal
from relay.observe.reasons import Reason
from relay.web.authority import Authority, authority
from relay.web.visitor_address import VisitorAddresses

LOCALHOST = "localhost"

OUTSIDE = web.RequestKey("OUTSIDE", Authority)
"""By which host the visitor knows us; kept with a request whose host is served."""


def served_hosts(site: SiteSettings, network: NetworkSettings) -> tuple[str, ...]:
    """Those that are named, and then the public addresses as well; none: any."""
    return (*site.hosts, *network.public_address) if site.hosts else ()


class Hosts:
    """One per server. `hosts` are the names and addresses that are served; none: any."""

    def __init__(self, hosts: Sequence[str], addresses: VisitorAddresses, journal: Journal) -> None:
        self._addresses = addresses
        self._journal = journal
        named = (authority(f"[{host.strip('[]')}]" if ":" in host else host) for host in hosts)
        self._hosts = frozenset(each.host for each in named if each is not None)
        self._own_names = {LOCALHOST, socket.gethostname().lower()}

    def serve(self, request: web.BaseRequest) -> bool:
        """Whether the request asks for a name of ours; what proxies pass on as well."""
        lines = request.headers.getall("Host", [])
        if not lines and request.version <= HttpVersion10:
            return True  # no browser is so old; programs that only look whether we live are
        if len(lines) != 1:
            return False
        asked = authority(lines[0])
        if asked is None or not self._is_ours(request, asked):
            return False
        outside = authority(self._addresses.host(request))
        if outside is None or not (outside == asked or not self._hosts or outside.host in self._hosts):
            return False
        request[OUTSIDE] = outside
        return True

    def heed_refusal(self, request: web.BaseRequest) -> None:
        """Count it, and tell the operator how to have it served."""
        written = request.headers.get("Host", "")
        kept_out = KeptOut(reason=Reason.HOST, cause=written, code=ErrorCode.HOST_REFUSED, fields={"host": written})
        self._journal.note(kept_out)

    def _is_ours(self, request: web.BaseRequest, asked: Authority) -> bool:
        own = _own_end(request)
        if own is not None and asked.host == own:
            return True  # an address is no name: nobody can have it lead elsewhere
        if own is not None and _is_loopback(own) and _is_loopback(self._addresses.peer_of(request)):
            is_own_name = asked.host in self._own_names or asked.host.endswith("." + LOCALHOST)
            if is_own_name or _is_loopback(asked.host):
                return True
            if not self._hosts:
                return self._addresses.is_forwarded(request)
        return not self._hosts or asked.host in self._hosts


def refuse_other_hosts(hosts: Hosts) -> Middleware:
    """421 to who asks for a name that is not served (RFC 9110, section 15.5.20)."""

    @web.middleware
    async def refuse(request: web.Request, handler: Handler) -> web.StreamResponse:
        if hosts.serve(request):
            return await handler(request)
        hosts.heed_refusal(request)
        raise RelayError(ErrorCode.HOST_REFUSED, "This server is not known by that name. The operator's log says more.")

    return refuse


def _own_end(request: web.BaseRequest) -> str | None:
    """The address that the connection came to."""
    name = request.get_extra_info("sockname")
    try:
        return plain(name[0]) if name else None
    except ValueError:
        return None


def _is_loopback(host: str) -> bool:
    try:
        return parse(host).is_loopback
    except ValueError:
        return False
