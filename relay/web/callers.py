"""Who sends a request: asks the gate in the name of the HTTP handlers."""

from aiohttp import web

from relay.auth.gate import Gate, Principal, Scope
from relay.web.visitor_address import VisitorAddresses


class Callers:
    """Those who show a token in the Authorization header (RFC 6750)."""

    def __init__(self, gate: Gate, addresses: VisitorAddresses) -> None:
        self._gate = gate
        self._addresses = addresses

    def admit(self, request: web.Request, scope: Scope = Scope.OPERATE) -> Principal:
        """Let through who may do this.

        Raises:
            RelayError: they may not; see `Gate.admit`.
        """
        return self._gate.admit(_credentials(request), self._addresses.of(request), scope)

    def come_from(self, request: web.Request) -> str:
        """The address that asks."""
        return self._addresses.of(request)

    def knows(self, request: web.Request) -> bool:
        """Whether it is the operator who asks, or Prometheus."""
        return self._gate.knows(_credentials(request))


def _credentials(request: web.Request) -> str:
    return request.headers.get("Authorization", "")
