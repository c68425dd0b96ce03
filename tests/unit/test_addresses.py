import ipaddress

import pytest

from relay.config import Settings
from relay.errors import ConfigurationError
from relay.ledger.addresses import Networks, subscriber
from relay.transport import addresses
from relay.transport.addresses import advertised


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The host's own addresses, to be filled in."""
    written: list[str] = []
    monkeypatch.setattr(addresses, "own_addresses", lambda: [ipaddress.ip_address(item) for item in written])
    return written


def test_what_is_configured_is_advertised(own: list[str]) -> None:
    own += ["198.51.100.1"]
    assert advertised(Settings(public_address=("203.0.113.1",))) == ("203.0.113.1",)


def test_loopback_is_advertised_only_by_a_host_without_another_address(own: list[str]) -> None:
    own += ["127.0.0.1", "198.51.100.1"]
    assert advertised(Settings()) == ("198.51.100.1",)
    own.pop()
    assert advertised(Settings()) == ("127.0.0.1",)


def test_only_addresses_where_media_is_taken_are_advertised(own: list[str]) -> None:
    own += ["127.0.0.1", "198.51.100.1", "198.51.100.2", "2001:db8::1"]
    assert advertised(Settings(bind=("127.0.0.1",))) == ("127.0.0.1",)
    assert advertised(Settings(bind=("127.0.0.1",), media_bind=("198.51.100.2",))) == ("198.51.100.2",)
    assert advertised(Settings(http_bind=("127.0.0.1",))) == ("198.51.100.1", "198.51.100.2", "2001:db8::1")
    assert advertised(Settings(bind=("::",))) == ("2001:db8::1",)
    assert advertised(Settings(bind=("0.0.0.0",))) == ("198.51.100.1", "198.51.100.2")
    # Every address of 127.0.0.0/8 is this host's, and the system lists one.
    assert advertised(Settings(bind=("127.0.0.9",))) == ("127.0.0.9",)


def test_an_address_where_nobody_listens_stops_the_start(own: list[str]) -> None:
    own += ["127.0.0.1", "198.51.100.1"]
    with pytest.raises(ConfigurationError, match=r"198\.51\.100\.1, which is this host's and where nobody listens"):
        advertised(Settings(bind=("127.0.0.1",), public_address=("198.51.100.1",)))
    with pytest.raises(ConfigurationError, match="has no such address"):
        advertised(Settings(bind=("::",)))
    # A NAT's is not ours, and what it passes on may come to any of ours.
    assert advertised(Settings(bind=("198.51.100.1",), public_address=("203.0.113.1",))) == ("203.0.113.1",)


def test_private_addresses_are_left_out_where_browsers_would_ignore_them(own: list[str]) -> None:
    own += ["192.168.1.2", "203.0.113.1", "fd00::1", "2001:db8::1"]
    assert advertised(Settings(port=443)) == ("203.0.113.1", "2001:db8::1")
    assert advertised(Settings(port=8080)) == tuple(own)


def test_a_host_with_private_addresses_only_is_told_that_443_is_of_no_use(own: list[str]) -> None:
    own += ["192.168.1.2"]
    with pytest.raises(ConfigurationError, match=r"192\.168\.1\.2.*443"):
        advertised(Settings(port=443))


def test_an_ipv4_address_is_the_same_over_an_ipv6_socket() -> None:
    assert subscriber("::ffff:192.0.2.1") == "192.0.2.1"
    assert Networks(["192.0.2.0/24"]).hold("::ffff:192.0.2.1")
    assert not Networks(["192.0.2.0/24"]).hold("198.51.100.1")
