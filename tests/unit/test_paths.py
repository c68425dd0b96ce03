import pytest

from relay.media.paths import Carrier, carrier
from relay.protocol.messages import CandidateProtocol, CandidateType, MediaPath, RelayProtocol
from relay.transport.port import Path, Transport

HOME = Path("192.0.2.10", 40_000, "203.0.113.10")
OVER_TCP = Path("192.0.2.10", 40_000, "203.0.113.10", Transport.TCP)
TURN = Path("203.0.113.20", 50_000, "203.0.113.10")
INSIDE = {
    RelayProtocol.UDP: Path("203.0.113.10", 61_000, "203.0.113.10", Transport.TURN_UDP),
    RelayProtocol.TCP: Path("203.0.113.10", 61_001, "203.0.113.10", Transport.TURN_TCP),
    RelayProtocol.TLS: Path("203.0.113.10", 61_002, "203.0.113.10", Transport.TURN_TLS),
}
"""Through TURN inside the media port: the relayed address is our own."""
RELAYS = frozenset({"203.0.113.20"})


def claim(kind: CandidateType, protocol: CandidateProtocol, relay: RelayProtocol | None = None) -> MediaPath:
    return MediaPath(kind, protocol, relay)


UDP = claim(CandidateType.SERVER_REFLEXIVE, CandidateProtocol.UDP)
TCP = claim(CandidateType.PEER_REFLEXIVE, CandidateProtocol.TCP)
RELAYED = claim(CandidateType.RELAY, CandidateProtocol.UDP, RelayProtocol.TLS)


@pytest.mark.parametrize(
    ("path", "said", "expected"),
    [
        (HOME, UDP, Carrier.UDP),
        (OVER_TCP, TCP, Carrier.TCP),
        (TURN, RELAYED, Carrier.TURN_TLS),
        # A browser beside the TURN server.
        (TURN, UDP, Carrier.UDP),
    ],
)
def test_a_claim_that_fits_what_we_see_is_believed(path: Path, said: MediaPath, expected: Carrier) -> None:
    assert carrier(path, said, RELAYS) is expected


@pytest.mark.parametrize(("path", "said"), [(HOME, TCP), (OVER_TCP, UDP), (HOME, RELAYED), (OVER_TCP, RELAYED)])
def test_a_claim_that_does_not_is_counted_as_disputed(path: Path, said: MediaPath) -> None:
    assert carrier(path, said, RELAYS) is Carrier.DISPUTED


@pytest.mark.parametrize(("path", "expected"), [(HOME, Carrier.UDP), (OVER_TCP, Carrier.TCP), (TURN, Carrier.TURN)])
def test_of_a_browser_that_says_nothing_we_know_what_we_see(path: Path, expected: Carrier) -> None:
    assert carrier(path, None, RELAYS) is expected


@pytest.mark.parametrize("told", [None, *RelayProtocol])
@pytest.mark.parametrize("really", RelayProtocol)
def test_through_our_own_turn_we_see_for_ourselves(really: RelayProtocol, told: RelayProtocol | None) -> None:
    seen = Carrier(INSIDE[really].transport.value)
    said = claim(CandidateType.RELAY, CandidateProtocol.UDP, told)
    assert carrier(INSIDE[really], None, RELAYS) is seen
    assert carrier(INSIDE[really], said, RELAYS) is (seen if told in (None, really) else Carrier.DISPUTED)


@pytest.mark.parametrize("said", [UDP, TCP])
def test_through_our_own_turn_nobody_comes_directly(said: MediaPath) -> None:
    assert carrier(INSIDE[RelayProtocol.TLS], said, RELAYS) is Carrier.DISPUTED


def test_our_own_turn_is_no_server_outside_though_both_have_our_address() -> None:
    beside_us = frozenset({"203.0.113.10"})
    assert carrier(INSIDE[RelayProtocol.TCP], None, beside_us) is Carrier.TURN_TCP
