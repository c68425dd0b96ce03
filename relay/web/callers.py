"""Who sends a request: asks the gate and the staff's desk in the name of the HTTP handlers.

A browser sends its cookie along whoever wrote the page. So whatever is done in the name of somebody who is signed in
has to come from a page of ours, and as JSON, which a form elsewhere can't send.
"""

from aiohttp import web

from relay import clock
from relay.auth.gate import Gate
from relay.auth.scopes import Principal, Scope
from relay.auth.signed_in import Known
from relay.auth.staff import FRESH, Colleague, Staff
from relay.errors import ErrorCode, RelayError
from relay.web.bodies import JSON
from relay.web.cookies import Cookies
from relay.web.origins import Origins
from relay.web.visitor_address import VisitorAddresses

COOKIE = "relay-staff"

CHANGES_NOTHING = frozenset({"GET", "HEAD", "OPTIONS"})


class Callers:
    """Those who show a token in the Authorization header (RFC 6750), and staff by their cookie."""

    def __init__(
        self, *, gate: Gate, staff: Staff, cookies: Cookies, origins: Origins, addresses: VisitorAddresses
    ) -> None:
        self._gate = gate
        self._staff = staff
        self._cookies = cookies
        self._origins = origins
        self._addresses = addresses

    async def admit(self, request: web.Request, scope: Scope = Scope.OPERATE, *, is_grave: bool = False) -> Principal:
        """Let through who may do this. For what `is_grave`, staff must have shown a few minutes ago that it is them.

        Raises:
            RelayError: they may not: SIGNED_OUT, NOT_ALLOWED, SIGN_IN_AGAIN, ORIGIN_REFUSED, or as `Gate.admit` says.
        """
        if "Authorization" in request.headers or self.shown(request) is None:
            return self._gate.admit(_credentials(request), self._addresses.of(request), scope)
        _, known = await self.signed_in(request)
        person = known.person
        if scope not in person.scopes:
            raise RelayError(ErrorCode.NOT_ALLOWED, "Your role does not allow this.")
        if is_grave and clock.unix() - known.session.shown_at >= FRESH:
            raise RelayError(ErrorCode.SIGN_IN_AGAIN, "Show once more that it is you.")
        return Principal(person.name, person.scopes, person.id)

    async def signed_in(self, request: web.Request) -> tuple[str, Known[Colleague]]:
        """Who of the staff it is, and their token.

        Raises:
            RelayError: SIGNED_OUT, or ORIGIN_REFUSED: another page asks in their name.
        """
        if request.method not in CHANGES_NOTHING:
            self.check_page(request)
        token = self.shown(request)
        known = None if token is None else await self._staff.know(token, clock.unix())
        if token is None or known is None:
            raise RelayError(ErrorCode.SIGNED_OUT, "You are signed out. Sign in again.")
        return token, known

    def check_page(self, request: web.Request) -> None:
        """Let nobody but a page of ours go on, and nothing but JSON.

        Raises:
            RelayError: ORIGIN_REFUSED, UNSUPPORTED_MEDIA_TYPE.
        """
        self._origins.check_own(request)
        if "Origin" not in request.headers:
            # Every browser says it for what is no GET (Fetch standard, section 3.2).
            raise RelayError(ErrorCode.ORIGIN_REFUSED, "Only our own pages may ask for this.")
        if request.content_type != JSON:
            raise RelayError(ErrorCode.UNSUPPORTED_MEDIA_TYPE, f"Send it as {JSON}.")

    def shown(self, request: web.Request) -> str | None:
        """The token in the staff's cookie."""
        return self._cookies.read(request, COOKIE) or None

    def come_from(self, request: web.Request) -> str:
        """The address that asks."""
        return self._addresses.of(request)

    def knows(self, request: web.Request) -> bool:
        """Whether it is the operator who asks, Prometheus, or staff whom we know without asking anybody."""
        return self._gate.knows(_credentials(request)) or self._staff.remembers(self.shown(request), clock.unix())


def _credentials(request: web.Request) -> str:
    return request.headers.get("Authorization", "")
