"""Where a visitor comes from, by which scheme and for which host, as trusted proxies tell it.

Only the header that the setting names is read: a proxy writes one, and passes the other on as the visitor wrote it.
The scheme and the host that a proxy passes on may be the visitor's own words. They serve to compare with `Origin`,
which guards a visitor against pages elsewhere; those can't write headers, and anyone who lies about their own request
deceives nobody else.
"""

from collections.abc import Iterator

from aiohttp import web

from relay.config.settings import ForwardedHeader, SiteSettings
from relay.ledger.addresses import Networks, plain
from relay.observe.happenings import KeptOut
from relay.observe.journal import Journal
from relay.observe.reasons import Reason
from relay.web.forwarded import Hop, hops_of_elements, hops_of_list
from relay.web.guests import Guests

FORWARDING = ("X-Forwarded-For", "Forwarded")
"""Who sends one of these says to be a proxy."""

UNKNOWN = "0.0.0.0"  # noqa: S104 - no address to listen on
"""The address of those whose connection tells none; they share what one address may have."""

SCHEMES = frozenset({"http", "https"})


ASKED_BY_PROGRAMS = ("/metrics", "/videochat/health", "/videochat/health/live")
"""Paths that no visitor asks for."""


class VisitorAddresses:
    """Trusted proxies are believed about whom they speak for."""

    def __init__(self, site: SiteSettings, guests: Guests, journal: Journal) -> None:
        self._guests = guests
        self._journal = journal
        self._trusted = Networks(site.trusted_proxies)
        self._header = site.forwarded_header

    def of(self, request: web.BaseRequest) -> str:
        """The visitor's address: the nearest one that is not a trusted proxy's.

        A proxy that names nobody, or nonsense, stands for all its visitors with its own. Where all are trusted, as
        when a proxy looks whether we live, it is the farthest.
        """
        address, _ = self._trace(request)
        return address

    def peer_of(self, request: web.BaseRequest) -> str:
        """The address at the other end of the connection, or whom a trusted proxy named there in its place."""
        guest = self._guests.find(request)
        try:
            return plain((guest.host if guest else request.remote) or UNKNOWN)
        except ValueError:
            return UNKNOWN

    def is_forwarded(self, request: web.BaseRequest) -> bool:
        """Whether a trusted proxy says for whom it asks."""
        return self._trusted.hold(self.peer_of(request)) and self._header in request.headers

    def claims_to_be_forwarded(self, request: web.BaseRequest) -> bool:
        """Whether somebody who need not be trusted says that the request comes from further away."""
        return any(header in request.headers for header in (*FORWARDING, "X-Real-IP", "Via"))

    def scheme(self, request: web.BaseRequest) -> str | None:
        """`http` or `https`, as visitors see it. None if we can't know: a proxy that says nothing may have ended
        their TLS."""
        said = self._said(request, "X-Forwarded-Proto").lower()
        if said in SCHEMES:
            return said
        return "https" if request.secure else None

    def host(self, request: web.BaseRequest) -> str:
        """Host and port as visitors see them, as they were written; empty if the request names none."""
        return self._said(request, "X-Forwarded-Host") or request.headers.get("Host", "")

    def _said(self, request: web.BaseRequest, header: str) -> str:
        """What the trusted proxy says in this header, or in its place in `Forwarded`; empty if nothing."""
        if not self._trusted.hold(self.peer_of(request)):
            return ""
        if self._header is ForwardedHeader.FORWARDED:
            _, hop = self._trace(request)
            return (hop.scheme if header == "X-Forwarded-Proto" else hop.host) or ""
        lines = request.headers.getall(header, [])
        return lines[-1].rpartition(",")[2].strip() if lines else ""

    def _trace(self, request: web.BaseRequest) -> tuple[str, Hop]:
        """The visitor's address, and what the outermost trusted proxy says about their request."""
        address, told = self.peer_of(request), Hop(None)
        if not self._trusted.hold(address):
            self._heed_stranger(request, address)
            return address, told
        hop: Hop | None = None
        for hop in self._hops(request):
            if hop.address is None:
                self._heed_silence(request, address)
                return address, hop
            told = hop
            address = hop.address
            if not self._trusted.hold(address):
                break
        if hop is None:
            self._heed_silence(request, address)
        return address, told

    def _hops(self, request: web.BaseRequest) -> Iterator[Hop]:
        lines = request.headers.getall(self._header, [])
        return hops_of_elements(lines) if self._header is ForwardedHeader.FORWARDED else hops_of_list(lines)

    def _heed_stranger(self, request: web.BaseRequest, address: str) -> None:
        if any(header in request.headers for header in FORWARDING):
            self._journal.note(KeptOut(reason=Reason.UNTRUSTED_PROXY, cause=address, fields={"source": address}))

    def _heed_silence(self, request: web.BaseRequest, address: str) -> None:
        if "Authorization" in request.headers or request.path.endswith(ASKED_BY_PROGRAMS):
            return  # nobody's visit: Prometheus, a health check or the operator on the proxy's own host
        other = next((name for name in ForwardedHeader if name is not self._header and name in request.headers), None)
        remedy = f"have it send {self._header}; until then its visitors count as one"
        if other is not None:
            remedy = f"it sends {other}: if it writes that header itself, set RELAY_FORWARDED_HEADER={other}"
        kept_out = KeptOut(reason=Reason.SILENT_PROXY, cause=address, remedy=remedy, fields={"source": address})
        self._journal.note(kept_out)
