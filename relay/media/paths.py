"""What carried a call: what the browser says of its selected pair, checked against what we see. Pure.

What the media port sees is certain: UDP, TCP, or TURN inside it and what carries that. Media through a TURN server
outside looks like UDP from that server's address, so the browser has to say so, and is believed only if it comes from
there.
"""

from collections.abc import Container
from enum import StrEnum

from relay.protocol.messages import CandidateType, MediaPath, RelayProtocol
from relay.transport.port import Path, Transport


class Carrier(StrEnum):
    """Names in the statistics."""

    UDP = "udp"
    TCP = "tcp"
    TURN = "turn"
    """By its source address; the browser did not say how it reaches the TURN server."""
    TURN_UDP = "turn_udp"
    """This and the next two: inside the media port or through a server outside."""
    TURN_TCP = "turn_tcp"
    TURN_TLS = "turn_tls"
    DISPUTED = "disputed"
    """The browser says something else than we see."""


_TURN = {
    RelayProtocol.UDP: Carrier.TURN_UDP,
    RelayProtocol.TCP: Carrier.TURN_TCP,
    RelayProtocol.TLS: Carrier.TURN_TLS,
    None: Carrier.TURN,
}

_INSIDE = frozenset({Transport.TURN_UDP, Transport.TURN_TCP, Transport.TURN_TLS})


def carrier(path: Path, claim: MediaPath | None, relays: Container[str]) -> Carrier:
    """What carries media on `path`, whose browser made this claim; `relays` are addresses of TURN servers outside."""
    relayed = path.transport is Transport.UDP and path.remote_host in relays
    seen = Carrier.TURN if relayed else Carrier(path.transport.value)
    if claim is None:
        return seen
    if path.transport in _INSIDE:
        is_so = claim.type is CandidateType.RELAY and _TURN[claim.relay_protocol] in (seen, Carrier.TURN)
        return seen if is_so else Carrier.DISPUTED
    if claim.type is CandidateType.RELAY:
        return _TURN[claim.relay_protocol] if relayed else Carrier.DISPUTED
    # Next to the TURN server there may be browsers too.
    return Carrier(claim.protocol.value) if claim.protocol.value == path.transport.value else Carrier.DISPUTED
